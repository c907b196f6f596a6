/** The words of a gateway's configuration in front of an embedded COS, on loopback and any free ports. */
import type { FastPaths } from '#gateway/config/model.ts';
import { type TestCosd, testBucket } from './cosd.ts';
import type { Program } from './program.ts';

/** `FAST_PATHS=off`: the whole suite on the means of Node and the SDK. */
export const fastPaths: FastPaths = process.env['FAST_PATHS'] === 'off' ? 'off' : 'auto';

/** `endpoint` is `host:port`. */
export type CosPlace = Pick<TestCosd, 'bucket' | 'endpoint' | 'secretId' | 'secretKey'> &
  Partial<Pick<TestCosd, 'region'>>;

/** @param words instead of these, or besides; a `cos` block is replaced as a whole. */
export function gatewayWords(
  cos: CosPlace,
  words: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    listen_address: '127.0.0.1',
    listen_port: 0,
    admin_port: 0,
    cos: cosWords(cos),
    accounts: [{ user: 'alice', password: 'secret' }],
    fast_paths: fastPaths,
    ...words,
  };
}

function cosWords({ bucket, region, endpoint, secretId, secretKey }: CosPlace) {
  return {
    bucket,
    ...(region !== undefined && { region }),
    endpoint,
    protocol: 'http',
    credentials: 'static',
    secretid: secretId,
    secretkey: secretKey,
  };
}

/** The secret key of a `cosd` program a test starts, by COSD_SECRET_KEY. */
export const programKey = 'test-program-key';

/** Where that program is. */
export function cosPlace({ listening }: Program): CosPlace {
  return {
    bucket: testBucket,
    endpoint: `127.0.0.1:${Number(listening['cos_port'])}`,
    secretId: 'AKIDdemo',
    secretKey: programKey,
  };
}
