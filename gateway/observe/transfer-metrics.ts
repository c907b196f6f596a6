/**
 * Metrics of file transfers. Bytes are counted while they flow, so that an upload of three hours is
 * visible from its first second. Listings move bytes too, but are no transfers of files: they have their
 * own counter.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { GiB, KiB, MiB, TiB } from '#gateway/kit/bytes.ts';

export type FileDirection = 'upload' | 'download';
export type MeasuredDirection = FileDirection | 'listing';

const fileDirections = ['upload', 'download'] as const satisfies readonly FileDirection[];

/**
 * completed: whole and verified · truncated: cut, and a prefix was stored by policy · discarded: cut,
 * nothing stored · rejected: refused because of what the client asked · failed: our or COS's side.
 */
export type MeasuredResult = 'completed' | 'truncated' | 'discarded' | 'rejected' | 'failed';

const cutReasons = [
  'abor',
  'data-reset',
  'no-close-notify',
  'control-lost',
  'stalled',
  'allo-short',
  'drain',
];

/** The reasons that get a label of their own; everything else is `other`, so the set stays closed. */
const reasonsOf = {
  completed: ['none'],
  truncated: cutReasons,
  discarded: cutReasons,
  rejected: [
    'too-large',
    'missing',
    'denied',
    'exists',
    'archived',
    'not-a-directory',
    'not-a-file',
    'tls-failed',
    'tls-not-resumed',
    'invalid-name',
    'invalid-range',
    'other',
  ],
  failed: [
    'bucket-missing',
    'upload-missing',
    'credentials',
    'changed',
    'corrupt',
    'throttled',
    'unavailable',
    'network',
    'timeout',
    'aborted',
    'rejected',
    'refused',
    'no-memory',
    'no-port',
    'no-data-connection',
    'tls-timeout',
    'not-connected',
    'reservation-gone',
    'closed',
    'internal',
    'other',
  ],
} as const satisfies Record<MeasuredResult, readonly string[]>;

const results = Object.keys(reasonsOf) as MeasuredResult[];

const durationBuckets = [0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200];
const sizeBuckets = [
  4 * KiB,
  64 * KiB,
  MiB,
  16 * MiB,
  128 * MiB,
  GiB,
  8 * GiB,
  64 * GiB,
  512 * GiB,
  4 * TiB,
];
const finalizeBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30, 60, 120, 300];

export type IntegrityStage = 'part' | 'object' | 'download';
export type IntegrityResult = 'verified' | 'absent' | 'mismatch';

export interface TransferMetrics {
  transferStarted(direction: MeasuredDirection): void;
  /** Cheap enough for every chunk. */
  transferBytes(direction: MeasuredDirection, bytes: number): void;
  transferEnded(summary: {
    readonly direction: MeasuredDirection;
    readonly result: MeasuredResult;
    /** Absent when completed. */
    readonly reason?: string;
    readonly seconds: number;
    readonly bytes: number;
  }): void;
  /** A transfer did not read or write because of a bandwidth limit. */
  bandwidthWaited(direction: FileDirection, seconds: number): void;
  /** From the last byte of an upload to the store's last answer. */
  uploadFinalized(seconds: number): void;
  /** One comparison of a CRC-64 with the store's; `absent`: the store did not send one. */
  integrityChecked(stage: IntegrityStage, result: IntegrityResult): void;
  /** Transfers and listings under way: as many as sessions that are busy with one. */
  transfersInFlight(): number;
}

export function transferMetrics(registry: Registry): TransferMetrics {
  const registers = [registry];
  const transfers = new Counter({
    name: 'cosftp_transfers_total',
    help: 'File transfers that ended, by result and closed set of reasons',
    labelNames: ['direction', 'result', 'reason'],
    registers,
  });
  const inFlight = new Gauge({
    name: 'cosftp_transfers_in_flight',
    help: 'File transfers under way',
    labelNames: ['direction'],
    registers,
  });
  const seconds = new Histogram({
    name: 'cosftp_transfer_duration_seconds',
    help: 'Duration of completed file transfers, from the command to the reply',
    labelNames: ['direction'],
    buckets: durationBuckets,
    registers,
  });
  const sizes = new Histogram({
    name: 'cosftp_transfer_size_bytes',
    help: 'Size of completed file transfers',
    labelNames: ['direction'],
    buckets: sizeBuckets,
    registers,
  });
  for (const direction of fileDirections) {
    inFlight.set({ direction }, 0);
    seconds.zero({ direction });
    sizes.zero({ direction });
    for (const result of results) {
      if (direction === 'download' && result === 'truncated') continue;
      for (const reason of reasonsOf[result]) transfers.inc({ direction, result, reason }, 0);
    }
  }
  const listings = listingCounter(registers);
  let underWay = 0;

  return {
    transfersInFlight: () => underWay,
    transferBytes: flowingBytes(registers),
    bandwidthWaited: waitedSeconds(registers),
    uploadFinalized: finalizeHistogram(registers),
    integrityChecked: integrityCounter(registers),
    transferStarted(direction) {
      underWay += 1;
      if (direction !== 'listing') inFlight.inc({ direction });
    },
    transferEnded({ direction, result, reason, seconds: duration, bytes }) {
      underWay -= 1;
      if (direction === 'listing') return listings.inc({ result });
      inFlight.dec({ direction });
      transfers.inc({ direction, result, reason: reasonLabel(result, reason) });
      if (result !== 'completed') return;
      seconds.observe({ direction }, duration);
      sizes.observe({ direction }, bytes);
    },
  };
}

function reasonLabel(result: MeasuredResult, reason: string | undefined): string {
  const known: readonly string[] = reasonsOf[result];
  if (result === 'completed') return 'none';
  return reason !== undefined && known.includes(reason) ? reason : 'other';
}

function listingCounter(registers: Registry[]): Counter<'result'> {
  const listings = new Counter({
    name: 'cosftp_listings_total',
    help: 'Directory listings that ended, by result',
    labelNames: ['result'],
    registers,
  });
  for (const result of results) {
    if (result !== 'truncated') listings.inc({ result }, 0);
  }
  return listings;
}

/** Adds up plain numbers, because chunks come a hundred thousand times a second and scrapes do not. */
function flowingBytes(registers: Registry[]): TransferMetrics['transferBytes'] {
  const added = { upload: 0, download: 0, listing: 0 };
  new Counter({
    name: 'cosftp_transfer_bytes_total',
    help: 'Bytes of files received from and sent to FTP clients, counted while they flow',
    labelNames: ['direction'],
    registers,
    collect() {
      for (const direction of fileDirections) {
        this.inc({ direction }, added[direction]);
        added[direction] = 0;
      }
    },
  });
  return (direction, bytes) => {
    added[direction] += bytes;
  };
}

function waitedSeconds(registers: Registry[]): TransferMetrics['bandwidthWaited'] {
  const waited = new Counter({
    name: 'cosftp_bandwidth_wait_seconds_total',
    help: 'Time that transfers waited because of a bandwidth limit, all sessions added up',
    labelNames: ['direction'],
    registers,
  });
  for (const direction of fileDirections) waited.inc({ direction }, 0);
  return (direction, seconds) => waited.inc({ direction }, seconds);
}

function finalizeHistogram(registers: Registry[]): TransferMetrics['uploadFinalized'] {
  const histogram = new Histogram({
    name: 'cosftp_upload_finalize_seconds',
    help: 'Time from the last byte of an upload until the store confirmed the whole object',
    buckets: finalizeBuckets,
    registers,
  });
  return (duration) => histogram.observe(duration);
}

function integrityCounter(registers: Registry[]): TransferMetrics['integrityChecked'] {
  const checks = new Counter({
    name: 'cosftp_integrity_checks_total',
    help: 'Comparisons of our CRC-64 with the one of the store',
    labelNames: ['stage', 'result'],
    registers,
  });
  for (const stage of ['part', 'object', 'download']) {
    for (const result of ['verified', 'absent', 'mismatch']) checks.inc({ stage, result }, 0);
  }
  return (stage, result) => checks.inc({ stage, result });
}
