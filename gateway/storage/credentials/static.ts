/** A key that stands in the configuration: read once, never renewed. */
import type { CosCredentials, CredentialSource } from './source.ts';

/** Always that key; a `token` only with a temporary one somebody else renews by restarting us. */
export function staticCredentials(
  credentials: Pick<CosCredentials, 'secretId' | 'secretKey' | 'token'>,
): CredentialSource {
  const { secretId, secretKey, token } = credentials;
  const copy = { secretId, secretKey, ...(token && { token }) };
  return { get: async () => copy };
}
