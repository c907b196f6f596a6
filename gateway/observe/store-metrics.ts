/** Metrics of requests to COS and of the memory that holds parts on their way there. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Codes come from a server, so their number is bounded: further ones count as `other`. */
const codesMax = 64;

/** The code of a request that succeeded. */
const successCode = 'OK';

export interface StoreMetrics {
  /** @param sample `code` is COS's error code, or what the driver says for success and for no answer. */
  cosRequest(sample: {
    readonly operation: string;
    readonly code: string;
    readonly seconds: number;
  }): void;
  /** A request was sent again; `reason` is one of those given at the start. */
  cosRepeat(repeat: { readonly operation: string; readonly reason: string }): void;
  /** Multipart uploads of an earlier run that were aborted. */
  orphansAborted(count: number): void;
}

export interface PartMemory {
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** Transfers that wait for memory. */
  readonly waiting: number;
}

export interface StoreSources {
  /** Asked at each scrape. */
  partMemory(): PartMemory | undefined;
  multipartUploadsOpen(): number;
}

/** The closed sets of names the driver uses. */
export interface StoreNames {
  /** Of requests, for example `PutObject`. */
  readonly operations: readonly string[];
  /** Why requests are sent again, for example `throttled`. */
  readonly retryReasons: readonly string[];
}

export function storeMetrics(
  registry: Registry,
  { operations, retryReasons }: StoreNames,
  sources: StoreSources,
): StoreMetrics {
  const registers = [registry];
  const labelNames = ['operation'] as const;
  const requests = new Counter({
    name: 'cosftp_cos_requests_total',
    help: 'Requests to COS, by operation and COS error code',
    labelNames: ['operation', 'code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'cosftp_cos_request_duration_seconds',
    help: 'Duration of requests to COS, bodies included',
    labelNames,
    buckets: requestBuckets,
    registers,
  });
  const retries = new Counter({
    name: 'cosftp_cos_retries_total',
    help: 'Requests to COS that were repeated after a failure, by its kind; clock and key: signed anew',
    labelNames: ['operation', 'reason'],
    registers,
  });
  for (const operation of operations) {
    requests.inc({ operation, code: successCode }, 0);
    seconds.zero({ operation });
    for (const reason of retryReasons) retries.inc({ operation, reason }, 0);
  }
  const orphans = new Counter({
    name: 'cosftp_multipart_orphans_aborted_total',
    help: 'Multipart uploads left behind by an earlier run and aborted',
    registers,
  });
  partGauges(registers, sources);
  const codeLabel = boundedLabel(codesMax);
  return {
    cosRequest({ operation, code, seconds: duration }) {
      requests.inc({ operation, code: codeLabel(code) });
      seconds.observe({ operation }, duration);
    },
    cosRepeat: ({ operation, reason }) => retries.inc({ operation, reason }),
    orphansAborted: (count) => orphans.inc(count),
  };
}

function partGauges(registers: Registry[], sources: StoreSources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const memory = (word: keyof PartMemory) => () => sources.partMemory()?.[word] ?? 0;
  gauge('cosftp_upload_buffer_bytes', 'Memory that parts of transfers occupy', memory('usedBytes'));
  gauge('cosftp_upload_buffer_limit_bytes', 'The upload_memory budget', memory('limitBytes'));
  gauge('cosftp_upload_buffer_waiting', 'Transfers that wait for memory', memory('waiting'));
  gauge('cosftp_multipart_uploads_open', 'Multipart uploads begun and not yet completed', () =>
    sources.multipartUploadsOpen(),
  );
}

function boundedLabel(countMax: number): (value: string) => string {
  const seen = new Set<string>([successCode]);
  return (value) => {
    if (seen.has(value)) return value;
    if (seen.size >= countMax || !/^[\w.-]{1,64}$/.test(value)) return 'other';
    seen.add(value);
    return value;
  };
}
