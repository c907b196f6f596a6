/**
 * The only importer of cos-nodejs-sdk-v5. It builds, signs and sends one request per call and does
 * nothing else of what the SDK offers: no queue, no retry, no cache, no parser of its own.
 *
 * How that is brought about, each pinned by a test, because none of it is promised (3.0.0):
 * - bodies are streams (`WholeBody`), which switches the SDK's silent re-sending off;
 * - keys are fetched before the call, so `getAuthorization` answers at once and never throws (an error
 *   in it could not be expressed, and an async throw would leave the call pending for ever);
 * - from the call to 'before-send' everything therefore happens in one tick: `#live` is the call;
 * - 'before-send' hands over agent, idle limit and AbortSignal, which cos-request passes to http.request;
 * - the parser of error bodies is ours: the SDK's throws on broken XML inside a stream handler, which
 *   ends the process.
 */
import type http from 'node:http';
import type { Writable } from 'node:stream';
import COS from 'cos-nodejs-sdk-v5';
import sdkUtil from 'cos-nodejs-sdk-v5/sdk/util.js';
import { assert } from '#gateway/kit/assert.ts';
import type { Endpoint } from './endpoint.ts';
import { type CosHeaders, type CosReply, type ErrorReply, readErrorReply } from './reply.ts';
import type { SignableRequest, Transport, TransportCall, TransportRequest } from './transport.ts';
import { WholeBody } from './whole-body.ts';

sdkUtil.parseResBody = parseErrorBody;

/** In the form the SDK looks for; an empty object for everything that is no Error of COS. */
function parseErrorBody(body: string): Record<string, unknown> {
  const error = readErrorReply(body);
  if (!error) return {};
  return { Error: { Code: error.code, Message: error.message, RequestId: error.requestId } };
}

export interface SigningKey {
  readonly secretId: string;
  readonly secretKey: string;
  /** `start;end` in Unix seconds (COS page 436/7778). */
  readonly keyTime: string;
}

/** The Authorization header of a request. */
export function signRequest(request: SignableRequest, key: SigningKey): string {
  return COS.getAuthorization({
    SecretId: key.secretId,
    SecretKey: key.secretKey,
    KeyTime: key.keyTime,
    Method: request.method as COS.Method,
    Pathname: request.path,
    Query: request.query,
    Headers: request.headers,
  });
}

export interface SdkRangeRequest {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Gets the body of a 206, and of any error reply too: it must look at the status first. */
  readonly output: Writable;
}

/** What the SDK rejects with, as far as it can be told. */
export type SdkFailure =
  | {
      readonly type: 'refused';
      readonly status: number;
      readonly headers: CosHeaders;
      readonly error?: ErrorReply;
    }
  | { readonly type: 'transport'; readonly thrown: unknown };

/** Options of cos-request the adapter sets; the SDK passes the object on as it is. */
interface LiveOptions {
  headers: Record<string, unknown>;
  agent?: http.Agent;
  proxy?: null;
  signal?: AbortSignal;
  timeout?: number;
}

export class Sdk implements Transport {
  readonly #cos: COS;
  readonly #bucket: string;
  readonly #region: string;
  #live: TransportCall | undefined;

  constructor(bucket: string, endpoint: Endpoint, userAgent: string) {
    this.#bucket = bucket;
    this.#region = endpoint.region;
    this.#cos = new COS({
      Domain: endpoint.host,
      Protocol: `${endpoint.protocol}:`,
      ...(endpoint.connectTo !== undefined && { Ip: endpoint.connectTo }),
      UserAgent: userAgent,
      UseRawKey: true,
      AutoSwitchHost: false,
      CorrectClockSkew: false,
      FollowRedirect: false,
      getAuthorization: (request, answer) => this.#authorize(request, answer),
    });
    this.#cos.on('before-send', (options: LiveOptions) => this.#equip(options));
  }

  /** Rejects with what `sdkFailure` reads. */
  async request(request: TransportRequest, call: TransportCall): Promise<CosReply> {
    const result = await this.#during(call, () =>
      this.#cos.request({
        Bucket: this.#bucket,
        Region: this.#region,
        Method: request.method,
        Key: request.key,
        ...(request.subresource !== undefined && { Action: request.subresource }),
        Query: { ...request.query },
        // An empty Content-Type keeps the SDK from inventing one for a request without bytes.
        Headers: { 'Content-Type': '', ...request.headers },
        Body: new WholeBody(request.body),
        RawBody: true,
      }),
    );
    const { statusCode = 0, headers = {}, Body = '' } = result;
    return { status: statusCode, headers, bytes: Buffer.from(Body.toString()) };
  }

  /** Resolves when the body of a 206 is in `output`. Rejects with what `sdkFailure` reads. */
  async getRange(request: SdkRangeRequest, call: TransportCall): Promise<void> {
    await this.#during(call, () =>
      this.#cos.getObject({
        Bucket: this.#bucket,
        Region: this.#region,
        Key: request.key,
        Headers: { ...request.headers },
        Output: request.output as Writable & NodeJS.WriteStream,
      }),
    );
  }

  #during<T>(call: TransportCall, begin: () => Promise<T>): Promise<T> {
    assert(!this.#live, 'the SDK sends within one tick');
    this.#live = call;
    try {
      return begin();
    } finally {
      this.#live = undefined;
    }
  }

  #authorize(
    request: COS.GetAuthorizationOptions,
    answer: (answer: COS.GetAuthorizationCallbackParams) => void,
  ): void {
    const { Method, Pathname, Query, Headers } = request;
    const signed = this.#live?.sign({
      method: Method,
      path: Pathname,
      query: Query,
      headers: Headers,
    });
    // An answer without Authorization is how the SDK is told that there is none.
    const { authorization: Authorization = '', token: SecurityToken } = signed ?? {};
    answer({ Authorization, SecurityToken } as unknown as COS.Credentials);
  }

  #equip(options: LiveOptions): void {
    const call = this.#live;
    if (!call) return;
    options.agent = call.agent;
    options.proxy = null;
    options.signal = call.signal;
    options.timeout = call.idleMs;
    for (const [name, value] of Object.entries(options.headers)) {
      if (value === '') delete options.headers[name];
    }
  }
}

/** Tells a reply of COS from a broken connection; a reply cut in the middle is the latter. */
export function sdkFailure(thrown: unknown): SdkFailure {
  if (typeof thrown !== 'object' || thrown === null) return { type: 'transport', thrown };
  const { statusCode, code, headers, error } = thrown as Partial<COS.CosSdkError>;
  if (statusCode === undefined || statusCode < 300) return { type: 'transport', thrown };
  const said = typeof error === 'object' && error !== null && 'Code' in error ? error : undefined;
  if (said)
    return { type: 'refused', status: statusCode, headers: headers ?? {}, error: saidBy(said) };
  if (code !== String(statusCode)) return { type: 'transport', thrown };
  return { type: 'refused', status: statusCode, headers: headers ?? {} };
}

function saidBy(error: { Code: string; Message?: string; RequestId?: string }): ErrorReply {
  return {
    code: error.Code,
    ...(error.Message && { message: error.Message }),
    ...(error.RequestId && { requestId: error.RequestId }),
  };
}
