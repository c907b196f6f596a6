/**
 * A real Prometheus (Debian's package) that finds pods by their annotations, as the usual configuration
 * of a cluster does, and promtool's opinion of what they tell. Debian builds it without discovery of
 * Kubernetes, so the pods come as a file with the labels which that discovery gives; what is kept of them,
 * and where it is scraped, is Prometheus' own decision.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '#gateway/run/free-port.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { kubectl, readJson, run, waitUntil } from './cluster.ts';

/** For a step's `skip`. */
export const prometheusAbsence: string | false =
  spawnSync('prometheus', ['--version']).status === 0 ? false : 'prometheus is not on PATH';

/** The three annotations, as every tutorial has them. */
const configuration = (targets: string) => `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: pods
    file_sd_configs:
      - files: ["${targets}"]
    relabel_configs:
      - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep, regex: "true"}
      - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], action: replace, regex: (.+), target_label: __metrics_path__}
      - source_labels: [__address__, __meta_kubernetes_pod_annotation_prometheus_io_port]
        action: replace
        regex: ([^:]+)(?::\\d+)?;(\\d+)
        replacement: $1:$2
        target_label: __address__
      - {source_labels: [__meta_kubernetes_namespace], action: replace, target_label: namespace}
      - {source_labels: [__meta_kubernetes_pod_name], action: replace, target_label: pod}
      - {source_labels: [__meta_kubernetes_pod_label_cosftp_io_gateway], action: replace, target_label: gateway}
`;

export interface Prometheus extends AsyncDisposable {
  /** The one number that a query returns. @throws when it returns none or several. */
  ask(query: string): Promise<number>;
  /** Until so many targets that a query selects were scraped later than now. */
  waitForScrape(selector: string, targets: number): Promise<void>;
}

interface Answer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

export async function startPrometheus(): Promise<Prometheus> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory());
  const config = join(path, 'prometheus.yml');
  const targets = join(path, 'pods.json');
  await writeFile(targets, JSON.stringify(await discoverPods()));
  await writeFile(config, configuration(targets));
  const port = (await findFreePort('127.0.0.1', 19_090, 500)) ?? 0;
  const log = openSync(join(path, 'log'), 'w');
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', log, log] },
  );
  stack.defer(() => stop(child));
  const url = `http://127.0.0.1:${port}`;
  await waitForStart(url, join(path, 'log'));
  const owned = stack.move();
  const ask = async (query: string) => {
    const address = `${url}/api/v1/query?query=${encodeURIComponent(query)}`;
    const { data } = (await (await fetch(address)).json()) as Answer;
    const [only, ...others] = data.result;
    if (only && others.length === 0) return Number(only.value[1]);
    throw new Error(`${query} returns ${data.result.length} series`);
  };
  return {
    ask,
    async waitForScrape(selector, targets) {
      const nowSeconds = Date.now() / 1000;
      const query = `count(timestamp(${selector}) > ${nowSeconds})`;
      const isLater = async () => (await ask(query)) === targets;
      await waitUntil(`a scrape of ${selector}`, isLater, 30_000);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface DiscoveredPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly containers: readonly {
      readonly ports?: readonly { readonly containerPort: number }[];
    }[];
  };
  readonly status: { readonly podIP?: string };
}

/** As the role `pod` of kubernetes_sd_configs: one target for each container port of every pod. */
async function discoverPods() {
  const { items } = await readJson<{ items: DiscoveredPod[] }>('get', 'pods', '-A');
  return items.map(({ metadata, spec, status }) => {
    const ports = spec.containers.flatMap((container) => container.ports ?? []);
    const labels = {
      namespace: metadata.namespace,
      pod_name: metadata.name,
      ...underscored('pod_label', metadata.labels),
      ...underscored('pod_annotation', metadata.annotations),
    };
    return {
      targets: ports.map(({ containerPort }) => `${status.podIP}:${containerPort}`),
      labels: underscored('__meta_kubernetes', labels),
    };
  });
}

function underscored(prefix: string, words: Readonly<Record<string, string>> = {}) {
  const name = (word: string) => `${prefix}_${word.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`;
  return Object.fromEntries(Object.entries(words).map(([word, value]) => [name(word), value]));
}

async function waitForStart(url: string, log: string): Promise<void> {
  const isReady = async () => (await fetch(`${url}/-/ready`)).ok;
  try {
    await waitUntil('prometheus to be ready', isReady, 30_000);
  } catch (error) {
    throw new Error((await readFile(log, 'utf8')).slice(-2000), { cause: error });
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** The text of a pod's /metrics, through the API server. */
export function readMetrics(namespace: string, pod: string, port: number): Promise<string> {
  return kubectl(
    'get',
    '--raw',
    `/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy/metrics`,
  );
}

/** @throws with promtool's words about what breaks the conventions. */
export async function checkMetrics(text: string): Promise<void> {
  await run(['promtool', 'check', 'metrics'], { input: text });
}
