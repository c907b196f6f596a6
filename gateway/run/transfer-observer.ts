/** What transfers tell, in the words of the metrics. */
import type { Metrics } from '#gateway/observe/metrics.ts';
import type { IntegrityStage, TransferObserver } from '#gateway/transfer/observer.ts';

/** The metric tells whole objects from parts; how an object came to be is the log's matter. */
const measuredStages = {
  part: 'part',
  put: 'object',
  complete: 'object',
  copy: 'object',
  download: 'download',
} as const satisfies Record<IntegrityStage, string>;

export interface CountingObserver extends TransferObserver {
  readonly multipartUploadsOpen: number;
}

export function observeTransfers(
  metrics: Pick<Metrics, 'integrityChecked' | 'uploadFinalized'>,
): CountingObserver {
  let open = 0;
  return {
    get multipartUploadsOpen() {
      return open;
    },
    integrityChecked: (stage, result) => metrics.integrityChecked(measuredStages[stage], result),
    uploadFinalized: (seconds) => metrics.uploadFinalized(seconds),
    multipartOpened() {
      open += 1;
    },
    multipartEnded(end) {
      if (end !== 'left-open') open -= 1;
    },
    partsInFlight: () => undefined,
  };
}
