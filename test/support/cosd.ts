/**
 * An embedded COS for one test: memory, a free port, one key pair. `await using cosd = await
 * startTestCosd()` closes it with the test.
 */
import { Buffer } from 'node:buffer';
import { request } from 'node:http';
import { type Cosd, type CosdOptions, startCosd } from '#gateway/cosd/cosd.ts';
import { createMemoryShelf } from '#gateway/cosd/memory-shelf.ts';
import type { ObjectShelf } from '#gateway/cosd/shelf.ts';
import { cosAuthorization, cosEncode, type SigningKey } from './cos-signer.ts';

export const testSecretId = 'AKIDtestsecretid';
export const testSecretKey = 'testsecretkey';
export const testBucket = 'inbox-1250000000';
export const testRegion = 'ap-guangzhou';
/** The virtual host of the test bucket. */
export const testHost = `${testBucket}.cos.${testRegion}.myqcloud.com`;

export interface TestCosdOptions extends Partial<Omit<CosdOptions, 'store'>> {
  /** Default: memory. */
  readonly shelf?: ObjectShelf;
}

export interface TestCosd extends Cosd {
  readonly bucket: string;
  readonly region: string;
  readonly secretId: string;
  readonly secretKey: string;
  /** `127.0.0.1:port`: the SDK's `Ip` option, our `endpoint` word. */
  readonly endpoint: string;
  /** A signed request to the test bucket, without the SDK. */
  fetch(asked: TestRequest): Promise<TestReply>;
}

export interface TestRequest {
  readonly method: string;
  /** Not encoded; empty: the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Default: the test bucket's. */
  readonly host?: string;
  /** Default: the test key; `none`: not signed. */
  readonly sign?: Partial<SigningKey> | 'none';
}

export interface TestReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly text: string;
}

export async function startTestCosd(options: TestCosdOptions = {}): Promise<TestCosd> {
  const { shelf, ...rest } = options;
  const cosd = await startCosd({
    store: shelf ?? createMemoryShelf(),
    keys: new Map([[testSecretId, testSecretKey]]),
    ...rest,
  });
  return Object.assign(cosd, {
    bucket: testBucket,
    region: testRegion,
    secretId: testSecretId,
    secretKey: testSecretKey,
    endpoint: `127.0.0.1:${cosd.port}`,
    fetch: (asked: TestRequest) => fetchSigned(cosd.port, asked),
  });
}

/** The first element of that name in a reply's document, for example its error Code. */
export function fieldOf({ text }: TestReply, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
}

/** Rejects when the connection breaks before the whole reply is there. */
export function fetchSigned(port: number, asked: TestRequest): Promise<TestReply> {
  const { method, key = '', query = {}, body, sign = {} } = asked;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const headers: Record<string, string> = {
    host: asked.host ?? testHost,
    ...(method === 'PUT' || method === 'POST' ? { 'content-length': '0' } : {}),
    ...length,
    ...asked.headers,
  };
  // Chunked: Node itself leaves the length out.
  if (headers['transfer-encoding'] !== undefined) delete headers['content-length'];
  if (sign !== 'none') {
    const signingKey = { secretId: testSecretId, secretKey: testSecretKey, ...sign };
    headers['authorization'] = cosAuthorization({ method, key, query, headers }, signingKey);
  }
  return send(port, { method, path: targetOf(key, query), headers }, body);
}

/** The request target of a key and its parameters. */
export function targetOf(key: string, query: Readonly<Record<string, string>> = {}): string {
  const path = `/${cosEncode(key).replaceAll('%2F', '/')}`;
  const parameters = Object.entries(query).map(([name, value]) => {
    return value === '' ? cosEncode(name) : `${cosEncode(name)}=${cosEncode(value)}`;
  });
  return parameters.length === 0 ? path : `${path}?${parameters.join('&')}`;
}

interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function send(port: number, raw: RawRequest, body?: Uint8Array | string): Promise<TestReply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, ...raw, agent: false }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const headers = reply.headers as Record<string, string | undefined>;
        resolve({ status: reply.statusCode ?? 0, headers, body: bytes, text: bytes.toString() });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
