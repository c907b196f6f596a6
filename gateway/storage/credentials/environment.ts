/** A key in the environment, under the names Tencent Cloud's own tools read. */
import { StoreError } from '../object-store.ts';
import type { CredentialSource } from './source.ts';
import { staticCredentials } from './static.ts';

/**
 * TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY and, for a temporary key, TENCENTCLOUD_TOKEN. A
 * missing one is told at the first request, not here: the gateway starts without.
 */
export function environmentCredentials(env: NodeJS.ProcessEnv): CredentialSource {
  const { TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, TENCENTCLOUD_TOKEN: token } = env;
  if (TENCENTCLOUD_SECRET_ID && TENCENTCLOUD_SECRET_KEY) {
    return staticCredentials({
      secretId: TENCENTCLOUD_SECRET_ID,
      secretKey: TENCENTCLOUD_SECRET_KEY,
      ...(token && { token }),
    });
  }
  return {
    get: async () => {
      throw new StoreError('credentials', 'no COS key in the environment', {
        hint: 'set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY',
      });
    },
  };
}
