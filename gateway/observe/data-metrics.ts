/** Metrics of data connections and of the passive ports they come in on. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const modes = ['pasv', 'epsv', 'port', 'eprt'] as const;
const outcomes = ['connected', 'timeout', 'refused', 'no-port', 'no-address', 'failed'] as const;
const refusals = ['stranger', 'proxy_protocol'] as const;
const portStates = ['busy', 'free', 'unbound'] as const;
const waitBuckets = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 15, 30, 60];

export type DataMode = (typeof modes)[number];
/**
 * timeout: the client did not come · refused: it refused ours · no-port: all passive ports were
 * taken · no-address: no address known for 227 · failed: reset, TLS failure.
 */
export type DataOutcome = (typeof outcomes)[number];

/** stranger: no session expected that address · proxy_protocol: no header, or none that is believed. */
export type DataRefusal = (typeof refusals)[number];

/** busy: reserved or in use · unbound: in the range, but not bound (taken by others, or not yet). */
export type PassivePortCounts = Readonly<Record<(typeof portStates)[number], number>>;

export interface DataMetrics {
  /** @param waitSeconds from the reply to the client's connection; absent when none came. */
  dataConnection(mode: DataMode, outcome: DataOutcome, waitSeconds?: number): void;
  /** A connection to a passive port was closed at once. */
  dataRefused(reason: DataRefusal): void;
}

/** @param ports asked at each scrape. */
export function dataMetrics(
  registry: Registry,
  ports: () => PassivePortCounts | undefined,
): DataMetrics {
  const registers = [registry];
  const connections = new Counter({
    name: 'cosftp_data_connections_total',
    help: 'Data connections asked for, by command and outcome',
    labelNames: ['mode', 'result'],
    registers,
  });
  for (const mode of modes) {
    for (const result of outcomes) connections.inc({ mode, result }, 0);
  }
  const waits = new Histogram({
    name: 'cosftp_data_connect_wait_seconds',
    help: 'Time until the client connected after PASV or EPSV, or we did after PORT or EPRT',
    buckets: waitBuckets,
    registers,
  });
  passivePortGauges(registers, ports);
  return {
    dataConnection(mode, outcome, waitSeconds) {
      connections.inc({ mode, result: outcome });
      if (waitSeconds !== undefined) waits.observe(waitSeconds);
    },
    dataRefused: refusalCounter(registers),
  };
}

function refusalCounter(registers: Registry[]): DataMetrics['dataRefused'] {
  const refused = new Counter({
    name: 'cosftp_data_connections_refused_total',
    help: 'Connections to passive ports that were closed at once',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of refusals) refused.inc({ reason }, 0);
  return (reason) => refused.inc({ reason });
}

function passivePortGauges(
  registers: Registry[],
  ports: () => PassivePortCounts | undefined,
): void {
  new Gauge({
    name: 'cosftp_passive_ports',
    help: 'Passive ports of the configured range, by state',
    labelNames: ['state'],
    registers,
    collect() {
      const counts = ports();
      for (const state of portStates) this.set({ state }, counts?.[state] ?? 0);
    },
  });
  new Gauge({
    name: 'cosftp_passive_ports_limit',
    help: 'Passive ports in the configured range',
    registers,
    collect() {
      const counts = ports();
      this.set(counts ? counts.busy + counts.free + counts.unbound : 0);
    },
  });
}
