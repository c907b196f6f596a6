import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import { systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { createCosStore } from '#gateway/storage/cos/store.ts';
import { environmentCredentials } from '#gateway/storage/credentials/environment.ts';
import { staticCredentials } from '#gateway/storage/credentials/static.ts';
import { startTestCosd } from '../support/cosd.ts';
import { describeObjectStore } from './object-store.ts';

for (const bodies of ['direct', 'sdk'] as const) {
  describeObjectStore(`the embedded COS, with bodies sent by ${bodies},`, async () => {
    const cosd = await startTestCosd();
    const { bucket, region, endpoint } = cosd;
    const store = createCosStore({
      bucket,
      region,
      endpoint,
      protocol: 'http',
      credentials: staticCredentials(cosd),
      clock: systemClock,
      log: silentLog,
      bodies,
    });
    return {
      store,
      prefix: 'contract/',
      async [Symbol.asyncDispose]() {
        store.close();
        await cosd.close();
      },
    };
  });
}

const { COS_TEST_BUCKET: bucket, COS_TEST_REGION: region = '' } = process.env;
if (bucket === undefined) {
  const skip = 'set COS_TEST_BUCKET, COS_TEST_REGION and TENCENTCLOUD_SECRET_ID/_KEY to run it';
  it('a real COS bucket as an object store', { skip }, () => undefined);
} else {
  describeObjectStore(`the bucket ${bucket}`, async () => {
    const store = createCosStore({
      bucket,
      region,
      endpoint: process.env['COS_TEST_ENDPOINT'] ?? '',
      protocol: 'https',
      credentials: environmentCredentials(process.env),
      clock: systemClock,
      log: silentLog,
    });
    return {
      store,
      prefix: `cos-ftp-gateway-test/${randomUUID()}/`,
      [Symbol.asyncDispose]: async () => store.close(),
    };
  });
}
