/**
 * One HTTP request to the store, as everything above sees it: already signed for, sent once, answered
 * or failed. Two things carry it out: the SDK (`sdk.ts`), and for bodies and lists our own HTTP.
 */
import type http from 'node:http';
import type { CosReply } from './reply.ts';

export interface SignableRequest {
  readonly method: string;
  /** Decoded, with the leading slash. */
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  /** The Host header among them. */
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface SignedHeaders {
  readonly authorization: string;
  /** `x-cos-security-token`, with a temporary key. */
  readonly token?: string;
}

export interface TransportRequest {
  readonly method: string;
  /** Empty for the bucket. */
  readonly key: string;
  /** A query parameter without value. */
  readonly subresource?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent by reference: must not change until the promise settles. */
  readonly body?: Uint8Array;
}

/** What one request needs besides its content. */
export interface TransportCall {
  readonly agent: http.Agent;
  /** Aborting destroys the connection, whatever the request is waiting for. */
  readonly signal: AbortSignal;
  /** No byte either way for so long ends the request. */
  readonly idleMs: number;
  /** Called synchronously, at most once. */
  sign(request: SignableRequest): SignedHeaders;
}

export interface Transport {
  /** Resolves with a 2xx; rejects with something `sdkFailure` or `RefusedReply` tells about. */
  request(request: TransportRequest, call: TransportCall): Promise<CosReply>;
}
