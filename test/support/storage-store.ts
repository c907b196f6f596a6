/**
 * A COS store of ours over an embedded COS, with waits short enough for tests. `await using` closes both.
 */
import type { FaultScript } from '#gateway/cosd/fault-script.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import {
  type ClosableStore,
  type CosRequestSample,
  type CosStoreOptions,
  createCosStore,
} from '#gateway/storage/cos/store.ts';
import { staticCredentials } from '#gateway/storage/credentials/static.ts';
import { startTestCosd, type TestCosd, type TestCosdOptions } from './cosd.ts';
import { fastPaths } from './gateway-words.ts';

export interface TestStore extends AsyncDisposable {
  readonly cosd: TestCosd;
  readonly store: ClosableStore;
  /** Every attempt, in order. */
  readonly samples: readonly CosRequestSample[];
  /** Why requests were sent again, in order. */
  readonly repeats: readonly string[];
}

export const quickRetries = { attemptsMax: 4, firstDelayMs: 1, delayMsMax: 2, deadlineMs: 5_000 };

/** @param options win over the embedded COS's own words. */
export async function openTestStore(
  faults: FaultScript = [],
  options: Partial<CosStoreOptions> = {},
  cosdOptions: TestCosdOptions = {},
): Promise<TestStore> {
  const cosd = await startTestCosd({ faults, ...cosdOptions });
  const samples: CosRequestSample[] = [];
  const repeats: string[] = [];
  const { bucket, region, endpoint, secretId, secretKey } = cosd;
  const store = createCosStore({
    bucket,
    region,
    endpoint,
    protocol: 'http',
    credentials: staticCredentials({ secretId, secretKey }),
    clock: systemClock,
    log: silentLog,
    retryPolicy: quickRetries,
    bodies: fastPaths === 'off' ? 'sdk' : 'direct',
    onRequest: (sample) => samples.push(sample),
    onRepeat: ({ reason }) => repeats.push(reason),
    ...options,
  });
  return {
    cosd,
    store,
    samples,
    repeats,
    async [Symbol.asyncDispose]() {
      store.close();
      await cosd.close();
    },
  };
}
