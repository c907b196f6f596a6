/**
 * All metrics of the gateway in one registry, as plain methods that satisfy the small observer interfaces
 * the other rooms declare. Every label set is a closed one and is touched at the start; no user, path,
 * address or bucket ever becomes a label, because clients could then fill the monitoring.
 */
import { Registry } from 'prom-client';
import { type DataMetrics, dataMetrics, type PassivePortCounts } from './data-metrics.ts';
import { type BuildFacts, type ProcessMetrics, processMetrics } from './process-metrics.ts';
import { type SessionMetrics, sessionMetrics } from './session-metrics.ts';
import {
  type PartMemory,
  type StoreMetrics,
  type StoreNames,
  storeMetrics,
} from './store-metrics.ts';
import { type TransferMetrics, transferMetrics } from './transfer-metrics.ts';

/** What is asked at each scrape instead of being told; what is absent reads as 0. */
export interface MetricSources {
  readonly passivePorts?: () => PassivePortCounts;
  readonly partMemory?: () => PartMemory;
  readonly multipartUploadsOpen?: () => number;
  readonly lostLogLines?: () => number;
}

export interface MetricsOptions {
  readonly build: BuildFacts;
  readonly store: StoreNames;
  /** FTP commands the server answers, in capitals. */
  readonly verbs: readonly string[];
}

export interface Metrics
  extends TransferMetrics,
    SessionMetrics,
    DataMetrics,
    StoreMetrics,
    ProcessMetrics {
  /** Adds sources as the rooms behind them come to life; a later one replaces an earlier one. */
  watch(sources: MetricSources): void;
  /** The text of `/metrics`. */
  render(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  let sources: MetricSources = {};
  const transfers = transferMetrics(registry);
  return {
    ...transfers,
    ...sessionMetrics(registry, options.verbs, () => transfers.transfersInFlight()),
    ...dataMetrics(registry, () => sources.passivePorts?.()),
    ...storeMetrics(registry, options.store, {
      partMemory: () => sources.partMemory?.(),
      multipartUploadsOpen: () => sources.multipartUploadsOpen?.() ?? 0,
    }),
    ...processMetrics(registry, options.build, () => sources.lostLogLines?.() ?? 0),
    watch(added) {
      sources = { ...sources, ...added };
    },
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
