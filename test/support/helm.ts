/**
 * The operator's chart through Helm, for tests: rendered objects by kind, and the sentences of refusals.
 * Where helm is not on PATH the tests say so by name instead of failing.
 */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const chartFolder = fileURLToPath(new URL('../../charts/cos-ftp-gateway', import.meta.url));

/** What tests look at in a rendered object; everything else is read by path. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** For `test(name, { skip: needsHelm }, …)`. */
export const needsHelm: string | false =
  spawnSync('helm', ['version', '--short']).status === 0 ? false : 'helm is not on PATH';

export interface HelmEnd {
  readonly isOk: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export function runHelm(...args: readonly string[]): HelmEnd {
  const home = join(tmpdir(), `cosftp-helm-${process.pid}`);
  const env = {
    ...process.env,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
  };
  const { status, stdout, stderr } = spawnSync('helm', args, {
    encoding: 'utf8',
    env,
    timeout: 60_000,
  });
  return { isOk: status === 0, stdout, stderr };
}

/** Each value as Helm's --set-json reads it: `crds.install` → `false`. */
export type Values = Readonly<Record<string, unknown>>;

export function valueArgs(values: Values): string[] {
  return Object.entries(values).flatMap(([path, value]) => [
    '--set-json',
    `${path}=${JSON.stringify(value)}`,
  ]);
}

/** Release `test` in namespace `cosftp-system`. @throws with Helm's words when it refuses. */
export function renderChart(values: Values = {}, ...args: readonly string[]): Manifest[] {
  const release = ['template', 'test', chartFolder, '-n', 'cosftp-system'];
  const { isOk, stdout, stderr } = runHelm(...release, ...valueArgs(values), ...args);
  if (!isOk) throw new Error(stderr);
  return parseManifests(stdout);
}

/** Objects of a file with several; empty ones are left out. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors[0]) throw document.errors[0];
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);
}

/** @throws when there is not exactly one. */
export function theOnly(kind: string, manifests: readonly Manifest[]): Manifest {
  const [first, ...others] = manifests.filter((manifest) => manifest.kind === kind);
  if (first && others.length === 0) return first;
  throw new Error(`${first ? others.length + 1 : 0} objects of kind ${kind}, expected one`);
}

interface PodTemplate {
  readonly metadata: {
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
  };
  readonly spec: {
    readonly securityContext: Record<string, unknown>;
    readonly containers: readonly {
      readonly image: string;
      readonly args: readonly string[];
      readonly securityContext: Record<string, unknown>;
    }[];
    readonly [field: string]: unknown;
  };
}

/** The pod of the operator's Deployment. */
export function operatorPod(manifests: readonly Manifest[]): PodTemplate {
  return (theOnly('Deployment', manifests)['spec'] as { template: PodTemplate }).template;
}
