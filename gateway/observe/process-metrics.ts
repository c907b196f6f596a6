/** Metrics of the process: what runs, its configuration, its address, its certificate, its drain. */
import { Counter, collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** prom-client calls these gauges `_total`, which Prometheus keeps for counters (promtool check metrics). */
const misnamedDefaults = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

const masqueradeSources = ['none', 'config', 'network', 'file', 'dns'] as const;
/** Where the address in 227 replies comes from. */
export type MasqueradeSource = (typeof masqueradeSources)[number];

/** Means of ours with an ordinary one beside them. */
const fastPaths = ['data_reads', 'store_bodies', 'checksums'] as const;
type FastPath = (typeof fastPaths)[number];

const reloadResults = ['ok', 'failed'] as const;
type ReloadResult = (typeof reloadResults)[number];

export interface ProcessMetrics {
  /** The source of the address that 227 replies carry now. */
  masqueradeSource(source: MasqueradeSource): void;
  masqueradeChanged(): void;
  /** At start. @param unixSeconds when the configuration was read. */
  configLoaded(unixSeconds: number): void;
  /** While running. `failed`: the configuration before goes on. */
  configReloaded(result: ReloadResult, unixSeconds: number): void;
  /** A certificate is in use from now on. @param unixSeconds the end of its validity. */
  certificateLoaded(unixSeconds: number): void;
  /** A changed pair cannot be used; the one before stays. */
  certificateRefused(): void;
  draining(state: 'yes' | 'no'): void;
  /** At start. `off`: switched off, or it did not pass its trial. */
  fastPath(path: FastPath, state: 'used' | 'off'): void;
}

export interface BuildFacts {
  readonly version: string;
  /** Commit the build was made from, when known. */
  readonly revision?: string;
}

/** @param lostLogLines asked at each scrape. */
export function processMetrics(
  registry: Registry,
  build: BuildFacts,
  lostLogLines: () => number,
): ProcessMetrics {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const name of misnamedDefaults) registry.removeSingleMetric(name);
  new Gauge({
    name: 'cosftp_build_info',
    help: 'Always 1; the labels say what runs',
    labelNames: ['version', 'revision', 'node'],
    registers,
  }).set({ version: build.version, revision: build.revision ?? '', node: process.version }, 1);
  countLostLines(registers, lostLogLines);
  return {
    ...masqueradeMetrics(registers),
    ...configMetrics(registers),
    ...certificateMetrics(registers),
    draining: drainingGauge(registers),
    fastPath: fastPathGauge(registers),
  };
}

function countLostLines(registers: Registry[], read: () => number): void {
  let reported = 0;
  new Counter({
    name: 'cosftp_log_lines_lost_total',
    help: 'Log lines lost because the disk or the reader of stdout did not keep up',
    registers,
    collect() {
      const lost = read();
      this.inc(lost - reported);
      reported = lost;
    },
  });
}

function masqueradeMetrics(
  registers: Registry[],
): Pick<ProcessMetrics, 'masqueradeSource' | 'masqueradeChanged'> {
  const info = new Gauge({
    name: 'cosftp_masquerade_info',
    help: '1 for the source of the address in 227 replies',
    labelNames: ['source'],
    registers,
  });
  const changes = new Counter({
    name: 'cosftp_masquerade_changes_total',
    help: 'Times the address in 227 replies changed',
    registers,
  });
  const setSource = (active: MasqueradeSource) => {
    for (const source of masqueradeSources) info.set({ source }, source === active ? 1 : 0);
  };
  for (const source of masqueradeSources) info.set({ source }, 0);
  return { masqueradeSource: setSource, masqueradeChanged: () => changes.inc() };
}

/** The gauges are absent until a configuration was read: 0 would look like a failure. */
function configMetrics(
  registers: Registry[],
): Pick<ProcessMetrics, 'configLoaded' | 'configReloaded'> {
  const reloads = new Counter({
    name: 'cosftp_config_reloads_total',
    help: 'Times a changed configuration was read while running',
    labelNames: ['result'],
    registers,
  });
  for (const result of reloadResults) reloads.inc({ result }, 0);
  const successful = new Gauge({
    name: 'cosftp_config_last_reload_successful',
    help: 'Whether the last attempt to read the configuration succeeded',
    registers,
  });
  const timestamp = new Gauge({
    name: 'cosftp_config_last_reload_timestamp_seconds',
    help: 'When the configuration was last read successfully',
    registers,
  });
  successful.remove();
  timestamp.remove();
  const succeed = (unixSeconds: number) => {
    successful.set(1);
    timestamp.set(unixSeconds);
  };
  return {
    configLoaded: succeed,
    configReloaded(result, unixSeconds) {
      reloads.inc({ result });
      if (result === 'ok') succeed(unixSeconds);
      else successful.set(0);
    },
  };
}

/** Absent until a certificate is loaded: an alert on its age must not fire without TLS. */
function certificateMetrics(
  registers: Registry[],
): Pick<ProcessMetrics, 'certificateLoaded' | 'certificateRefused'> {
  const notAfter = new Gauge({
    name: 'cosftp_tls_certificate_not_after_timestamp_seconds',
    help: 'End of the validity of the TLS certificate in use',
    registers,
  });
  notAfter.remove();
  const loads = new Counter({
    name: 'cosftp_tls_certificate_loads_total',
    help: 'Certificates taken into use, and changed ones that could not be',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['success', 'failure']) loads.inc({ result }, 0);
  return {
    certificateLoaded(unixSeconds) {
      notAfter.set(unixSeconds);
      loads.inc({ result: 'success' });
    },
    certificateRefused: () => loads.inc({ result: 'failure' }),
  };
}

function drainingGauge(registers: Registry[]): ProcessMetrics['draining'] {
  const gauge = new Gauge({
    name: 'cosftp_draining',
    help: '1 while the gateway waits for its sessions before it ends',
    registers,
  });
  return (state) => gauge.set(state === 'yes' ? 1 : 0);
}

function fastPathGauge(registers: Registry[]): ProcessMetrics['fastPath'] {
  const gauge = new Gauge({
    name: 'cosftp_fast_path',
    help: '1 where the cheaper means is used, 0 where the ordinary one is',
    labelNames: ['path'],
    registers,
  });
  for (const path of fastPaths) gauge.set({ path }, 0);
  return (path, state) => gauge.set({ path }, state === 'used' ? 1 : 0);
}
