/**
 * Puts the operator together and runs it until it is told to stop or loses the lease. Only composition:
 * every decision is in a room.
 */
import { randomUUID } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { OperatorOptions } from './arguments.ts';
import { plan } from './plan/plan.ts';
import { HostNames } from './reconcile/host-names.ts';
import { childKinds, gatewayKind } from './reconcile/kinds.ts';
import { Reconciler } from './reconcile/reconcile.ts';
import { WatchedKinds } from './reconcile/watched-kinds.ts';
import { type Cluster, loadCluster } from './runtime/cluster.ts';
import { Controller } from './runtime/controller.ts';
import { Events, reportedEventKind } from './runtime/events.ts';
import { createJsonClient, type JsonClient } from './runtime/json-client.ts';
import { Leader, type LeadershipEnd } from './runtime/leader.ts';
import { leaseKind } from './runtime/lease.ts';
import { createOperatorMetrics } from './runtime/metrics.ts';
import { startProbes } from './runtime/probes.ts';
import { WorkQueue } from './runtime/workqueue.ts';

export interface OperateOptions {
  readonly options: OperatorOptions;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborts when the process is told to stop. */
  readonly signal: AbortSignal;
}

/**
 * @returns `lost` when another operator leads: the process should end and be started again.
 * @throws KubeError when there is no cluster to work in; Node's error when a port is taken.
 */
export async function operate(given: OperateOptions): Promise<LeadershipEnd> {
  const { clock, log, options, signal } = given;
  const cluster = loadCluster();
  const kinds = [gatewayKind, ...Object.values(childKinds), leaseKind, reportedEventKind];
  const client = createJsonClient({
    config: cluster.config,
    clock,
    log,
    kinds,
    onResult: (method, result) => parts.metrics.requested(method, result),
  });
  const parts: Parts = assemble(given, client, options);
  const end = new AbortController();
  const whole = AbortSignal.any([signal, end.signal]);
  await using probes = await startProbes({
    probePort: options.probePort,
    metricsPort: options.metricsPort,
    health: () => [],
    readiness: () => (parts.watched.isSynced ? [] : ['the caches are not filled yet']),
    metrics: parts.metrics,
  });
  const { metricsPort, probePort } = probes;
  log.info(
    { server: cluster.server, namespaces: options.watchNamespaces, metricsPort, probePort },
    'started',
  );
  const watching = parts.watched.run(whole);
  try {
    return await lead(given, cluster, client, parts, whole);
  } finally {
    end.abort();
    await watching;
    client.close();
  }
}

type Parts = ReturnType<typeof assemble>;

function assemble(
  { clock, log, version }: OperateOptions,
  client: JsonClient,
  options: OperatorOptions,
) {
  const queue = new WorkQueue({ clock });
  const leading = { isLeader: false };
  const watched: WatchedKinds = new WatchedKinds({
    client,
    namespaces: options.watchNamespaces,
    clock,
    log,
    onChange: (key) => queue.add(key),
    onRestart: (kind) => metrics.watchRestarted(kind),
  });
  const perKind = (value: (reflector: (typeof watched.reflectors)[number]) => number) =>
    new Map(watched.reflectors.map((reflector) => [reflector.kind.kind, value(reflector)]));
  const metrics = createOperatorMetrics({
    version,
    kinds: watched.reflectors.map(({ kind }) => kind),
    process: 'with',
    sources: {
      queueDepth: () => queue.depth,
      queueWorking: () => queue.working,
      queueDelayed: () => queue.delayed,
      isLeader: () => leading.isLeader,
      watchSilenceMs: () => perKind(({ silentMs }) => silentMs),
      cachedObjects: () => perKind(({ cache }) => cache.size),
    },
  });
  const controller = new Controller({
    reconcile: reconcileWith(client, watched, { clock, log, options }),
    queue,
    clock,
    log,
    metrics,
    workers: options.workers,
    resyncMs: options.resyncMs,
  });
  return { controller, leading, metrics, watched };
}

interface ReconcileParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly options: OperatorOptions;
}

function reconcileWith(
  client: JsonClient,
  caches: WatchedKinds,
  { clock, log, options }: ReconcileParts,
) {
  const instance = hostname();
  const events = new Events({ client, clock, log, controller: 'cosftp.io/operator', instance });
  const lookUp = async (name: string) =>
    (await lookup(name, { family: 4, all: true })).map(({ address }) => address);
  const reconciler = new Reconciler({
    client,
    caches,
    hostNames: new HostNames({ lookUp, clock, log }),
    clock,
    plan,
    settings: options,
    resyncMs: options.resyncMs,
    // Nothing waits for an event, and telling never rejects.
    tell: (gateway, event) => void events.tell(gateway, event),
  });
  return reconciler.reconcile.bind(reconciler);
}

async function lead(
  { clock, log, options }: OperateOptions,
  cluster: Cluster,
  client: JsonClient,
  { controller, leading, watched }: Parts,
  signal: AbortSignal,
): Promise<LeadershipEnd> {
  const work = async (leadingSignal: AbortSignal) => {
    await untilAborted(watched.synced(), leadingSignal);
    if (leadingSignal.aborted) return;
    log.info({ workers: options.workers }, 'working');
    await controller.run(leadingSignal);
  };
  if (options.leaderElection === 'off') {
    leading.isLeader = true;
    await work(signal);
    return 'stopped';
  }
  const leader = new Leader({
    client,
    namespace: options.leaseNamespace ?? cluster.namespace,
    name: options.leaseName,
    identity: `${hostname()}_${randomUUID()}`,
    clock,
    log,
    onChange: (isLeader) => {
      leading.isLeader = isLeader;
    },
  });
  return leader.lead(work, signal);
}

/** Resolves with the promise or as soon as the signal aborts, whichever is first. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return Promise.race([promise, aborted]);
}
