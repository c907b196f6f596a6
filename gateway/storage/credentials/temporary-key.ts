/** The form in which metadata and STS hand out temporary keys, checked before it is believed. */
import { StoreError } from '../object-store.ts';
import { memberOf } from './small-fetch.ts';
import type { CosCredentials } from './source.ts';

/**
 * @param fields holds TmpSecretId, TmpSecretKey and Token.
 * @param expiredTime Unix seconds.
 * @throws StoreError `credentials` when one is missing; names none of them.
 */
export function temporaryKey(
  service: string,
  fields: unknown,
  expiredTime: unknown,
): CosCredentials {
  const secretId = memberOf(fields, 'TmpSecretId');
  const secretKey = memberOf(fields, 'TmpSecretKey');
  const token = memberOf(fields, 'Token');
  const isWhole = isText(secretId) && isText(secretKey) && isText(token);
  if (!isWhole || typeof expiredTime !== 'number' || !(expiredTime > 0)) {
    throw new StoreError('credentials', `${service} gave no usable key`);
  }
  return { secretId, secretKey, token, expiresAt: new Date(expiredTime * 1000) };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
