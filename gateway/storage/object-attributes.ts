/**
 * What an object carries besides its bytes, in the terms of the COS XML API: what PUT, Initiate and Copy
 * can say of it and HEAD says again (COS pages 436/7749, 436/7746 and 436/7745). Pure.
 *
 * Not among them, because a HEAD does not tell them: the ACL, tags, the encryption context of SSE-KMS.
 */

/** How the store encrypts the object at rest (COS page 436/18145). */
export type ServerSideEncryption =
  /** SSE-COS: keys of COS's own. */
  | { readonly algorithm: 'AES256' }
  /** SSE-KMS: a key of Tencent's key management; without an id the account's default one. */
  | { readonly algorithm: 'cos/kms'; readonly keyId?: string };

export interface ObjectAttributes {
  /** MIME type; the driver sends application/octet-stream when absent. */
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  /** An HTTP date as it was sent; never understood here. */
  readonly expires?: string;
  readonly storageClass?: string;
  /** Absent: what the bucket's own setting says. */
  readonly serverSideEncryption?: ServerSideEncryption;
  /** `x-cos-meta-…` without the prefix; names `[a-z0-9-]+`. 4 KiB in all (COS page 436/7746). */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Those of `facts` alone: what a second object must be given to be the same as the first. */
export function attributesOf(facts: ObjectAttributes): ObjectAttributes {
  const { contentType, cacheControl, contentDisposition, contentEncoding, expires, metadata } =
    facts;
  return {
    ...(contentType !== undefined && { contentType }),
    ...(cacheControl !== undefined && { cacheControl }),
    ...(contentDisposition !== undefined && { contentDisposition }),
    ...(contentEncoding !== undefined && { contentEncoding }),
    ...(expires !== undefined && { expires }),
    ...(metadata !== undefined && { metadata }),
    ...placementOf(facts),
  };
}

/**
 * What a copy inside the store never takes from its source by itself (COS page 436/10881): it has to be
 * said again, or the copy falls back to the bucket's defaults.
 */
export function placementOf({
  storageClass,
  serverSideEncryption,
}: ObjectAttributes): ObjectAttributes {
  return {
    ...(storageClass !== undefined && { storageClass }),
    ...(serverSideEncryption !== undefined && { serverSideEncryption }),
  };
}
