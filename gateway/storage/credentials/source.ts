/**
 * The key pairs COS requests are signed with, and where they come from. Values of this room are
 * secrets: they are never logged, printed or put into an error message.
 */

/** A key, permanent or temporary. */
export interface CosCredentials {
  readonly secretId: string;
  readonly secretKey: string;
  /** Sent as `x-cos-security-token` with a temporary key. */
  readonly token?: string;
  /** When a temporary key stops working; absent for a permanent one. */
  readonly expiresAt?: Date;
}

/** Asked before every request, so an answer must usually come from memory (`cachedCredentials`). */
export interface CredentialSource {
  /**
   * The key to use now.
   * @throws StoreError `credentials` when there is none, `aborted` after `signal`.
   */
  get(signal?: AbortSignal): Promise<CosCredentials>;
  /**
   * COS refused that key: the next `get` looks for another one, where one can be had and nobody has just
   * looked. Absent: the key never changes. Must not throw.
   */
  noteRefused?(key: CosCredentials): void;
}

export function isSameKey(one: CosCredentials, other: CosCredentials): boolean {
  const isSamePair = one.secretId === other.secretId && one.secretKey === other.secretKey;
  return isSamePair && one.token === other.token;
}
