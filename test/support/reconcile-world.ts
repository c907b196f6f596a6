/**
 * A Reconciler against the fake API server, with caches that are never behind: they read the server's
 * own objects. What the plan says is the test's business.
 */

import { systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import type { FtpGateway } from '#operator/api/ftp-gateway.ts';
import type { PlannedEvent } from '#operator/plan/events.ts';
import { labels } from '#operator/plan/names.ts';
import type { Observed } from '#operator/plan/observed.ts';
import type { Plan } from '#operator/plan/plan.ts';
import type { OperatorSettings } from '#operator/plan/settings.ts';
import type { Caches } from '#operator/reconcile/caches.ts';
import { HostNames } from '#operator/reconcile/host-names.ts';
import { childKinds, eventKind, gatewayKind, podKind } from '#operator/reconcile/kinds.ts';
import { Reconciler } from '#operator/reconcile/reconcile.ts';
import type { ReconcileResult } from '#operator/runtime/controller.ts';
import { createJsonClient } from '#operator/runtime/json-client.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { type RecordingLog, recordingLog } from './recording-log.ts';

export const allKinds = [...Object.values(childKinds), podKind, eventKind, gatewayKind];
export const namespace = 'ftp';

export interface ReconcileWorld extends AsyncDisposable {
  readonly api: FakeApiServer;
  readonly clock: FakeClock;
  readonly log: RecordingLog;
  readonly told: PlannedEvent[];
  /** IPv4 addresses by host name. */
  readonly dns: Map<string, readonly string[]>;
  /** Stores a gateway. */
  putGateway(spec?: unknown, name?: string): FtpGateway;
  /** One run over `ftp/files`. @returns what it says, and the writes it sent. */
  run(name?: string): Promise<ReconcileResult & { writes: readonly string[] }>;
}

export const settings: OperatorSettings = {
  gatewayImage: 'example.test/cos-ftp-gateway:1',
  gatewayImagePullPolicy: 'IfNotPresent',
  allowedRepositories: ['example.test/cos-ftp-gateway'],
};

export async function reconcileWorld(
  plan: (observed: Observed, settings: OperatorSettings) => Plan,
): Promise<ReconcileWorld> {
  const api = await FakeApiServer.start();
  const client = createJsonClient({
    config: api.config(),
    clock: systemClock,
    log: silentLog,
    kinds: allKinds,
  });
  const clock = fakeClock();
  const log = recordingLog();
  const told: PlannedEvent[] = [];
  const dns = new Map<string, readonly string[]>();
  const reconciler = new Reconciler({
    client,
    caches: cachesOf(api),
    hostNames: new HostNames({ clock, log, lookUp: async (name) => dns.get(name) ?? [] }),
    clock,
    plan,
    settings,
    resyncMs: 300_000,
    tell: (_gateway, event) => told.push(event),
  });
  return {
    api,
    clock,
    log,
    told,
    dns,
    putGateway: (spec = {}, name = 'files') =>
      api.put(gatewayKind, { metadata: { name, namespace }, spec }) as unknown as FtpGateway,
    async run(name = 'files') {
      const before = api.writes.length;
      const { signal } = new AbortController();
      const result = await reconciler.reconcile(`${namespace}/${name}`, { log, signal });
      const writes = api.writes.slice(before).map(({ method, url }) => `${method} ${placeOf(url)}`);
      return { ...result, writes };
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await api[Symbol.asyncDispose]();
    },
  };
}

/** `services/files`, `ftpgateways/files/status`. */
function placeOf(url: string): string {
  const path = url.replace(/\?.*$/, '');
  return path.replace(/^.*\/namespaces\/[^/]+\//, '');
}

function cachesOf(api: FakeApiServer): Caches {
  return {
    get: <T>(kind: Parameters<FakeApiServer['all']>[0], inNamespace: string, name: string) => {
      const found = api.get(kind, inNamespace, name);
      // Children without our labels are not in the caches of the operator.
      const isSeen = kind === gatewayKind || found?.metadata['labels'] !== undefined;
      return (isSeen ? found : undefined) as T | undefined;
    },
    listOf: <T>(kind: Parameters<FakeApiServer['all']>[0], inNamespace: string, name: string) => {
      const all = api.all(kind, inNamespace);
      const isOf = (object: (typeof all)[number]) =>
        (object.metadata['labels'] as Record<string, string> | undefined)?.[labels.gateway] ===
        name;
      return all.filter(isOf) as unknown as readonly T[];
    },
  };
}
