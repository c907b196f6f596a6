/**
 * The operator's metrics, prefix cosftp_operator_, in a registry of their own. Every label set is a closed
 * one and touched at the start; no name of an object ever becomes a label.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ResourceKind } from './client.ts';
import { type ApiMethod, type ApiResult, apiMethods, apiResults } from './connection.ts';
import type { ControllerMetrics, ReconcileOutcome } from './controller.ts';

/** Asked at each scrape. */
export interface MetricSources {
  readonly queueDepth: () => number;
  readonly queueWorking: () => number;
  readonly queueDelayed: () => number;
  readonly isLeader: () => boolean;
  /** Kind → how long its watch has been silent, in milliseconds. */
  readonly watchSilenceMs: () => ReadonlyMap<string, number>;
  readonly cachedObjects: () => ReadonlyMap<string, number>;
}

export interface OperatorMetrics extends ControllerMetrics {
  watchRestarted(kind: ResourceKind): void;
  requested(method: ApiMethod, result: ApiResult): void;
  /**
   * A gauge whose values are asked at each scrape, for rooms that know more than this one.
   * @param name without the prefix.
   */
  addGauge(
    name: string,
    help: string,
    label: string,
    values: () => ReadonlyMap<string, number>,
  ): void;
  /** The text of `/metrics`. */
  render(): Promise<string>;
  readonly contentType: string;
}

const prefix = 'cosftp_operator_';
const outcomes: readonly ReconcileOutcome[] = [
  'success',
  'requeue',
  'refused',
  'conflict',
  'error',
];
/** prom-client calls these gauges `_total`, which Prometheus keeps for counters (promtool check metrics). */
const misnamedDefaults = ['resources', 'handles', 'requests'].map(
  (what) => `nodejs_active_${what}_total`,
);

export interface OperatorMetricsOptions {
  readonly version: string;
  readonly kinds: readonly ResourceKind[];
  readonly sources: MetricSources;
  /** Also those of the process: memory, CPU, event loop. */
  readonly process: 'with' | 'without';
}

export function createOperatorMetrics(options: OperatorMetricsOptions): OperatorMetrics {
  const registry = new Registry();
  if (options.process === 'with') collectDefaultMetrics({ register: registry });
  for (const name of misnamedDefaults) registry.removeSingleMetric(name);
  const { reconciles, durations, restarts, requests } = createEvents(registry, options.kinds);
  const addGauge: OperatorMetrics['addGauge'] = (name, help, label, values) => {
    new Gauge({
      name: `${prefix}${name}`,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [word, value] of values()) this.set({ [label]: word }, value);
      },
    });
  };
  addQueueGauges(registry, options.sources);
  addKindGauges(addGauge, options);
  return {
    reconciled(result, duration) {
      reconciles.inc({ result });
      durations.observe(duration);
    },
    watchRestarted: ({ kind }) => restarts.inc({ kind }),
    requested: (method, result) => requests.inc({ method, result }),
    addGauge,
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** What is counted when it happens; every label set is there from the start. */
function createEvents(registry: Registry, kinds: readonly ResourceKind[]) {
  const registers = [registry];
  const reconciles = new Counter({
    name: `${prefix}reconciles_total`,
    help: 'Runs over one gateway, by how they ended',
    labelNames: ['result'],
    registers,
  });
  const durations = new Histogram({
    name: `${prefix}reconcile_duration_seconds`,
    help: 'Duration of runs over one gateway',
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  const restarts = new Counter({
    name: `${prefix}watch_restarts_total`,
    help: 'Watches begun anew after a failure',
    labelNames: ['kind'],
    registers,
  });
  const requests = new Counter({
    name: `${prefix}api_requests_total`,
    help: 'Requests to the Kubernetes API; refused: 4xx, failed: 5xx or no answer; a watch is one GET',
    labelNames: ['method', 'result'],
    registers,
  });
  for (const method of apiMethods) {
    for (const result of apiResults) requests.inc({ method, result }, 0);
  }
  for (const result of outcomes) reconciles.inc({ result }, 0);
  for (const { kind } of kinds) restarts.inc({ kind }, 0);
  return { reconciles, durations, restarts, requests };
}

function addQueueGauges(registry: Registry, sources: MetricSources): void {
  const ask = (name: string, help: string, value: () => number) => {
    new Gauge({
      name: `${prefix}${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  ask('queue_depth', 'Gateways that wait for a run', sources.queueDepth);
  ask('queue_working', 'Gateways worked on now', sources.queueWorking);
  ask('queue_delayed', 'Gateways that will be looked at again later', sources.queueDelayed);
  ask('leader', '1 while this operator leads', () => (sources.isLeader() ? 1 : 0));
}

function addKindGauges(
  addGauge: OperatorMetrics['addGauge'],
  { sources, version }: OperatorMetricsOptions,
): void {
  const seconds = (times: ReadonlyMap<string, number>) =>
    new Map([...times].map(([kind, ms]) => [kind, ms / 1000] as const));
  addGauge('watch_silence_seconds', 'Time since the API server last said something', 'kind', () =>
    seconds(sources.watchSilenceMs()),
  );
  addGauge('cached_objects', 'Objects known', 'kind', sources.cachedObjects);
  addGauge(
    'build_info',
    'Version of the operator; always 1',
    'version',
    () => new Map([[version, 1]]),
  );
}
