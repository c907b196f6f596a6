/**
 * HTTP to the API server with the addresses and credentials of a kubeconfig or of the pod's
 * ServiceAccount. Bytes and JSON only: knows no kinds. Credentials are asked for at every request,
 * because tokens in files are renewed.
 */
import http, { type RequestOptions as HttpOptions, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import { Deadline } from './deadline.ts';
import { type ApiStatus, errorOfStatus, KubeError } from './errors.ts';

export interface ApiRequest {
  readonly method: ApiMethod;
  /** From the server's root; the kubeconfig's own path prefix is put before it. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Of the body. Default application/json. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiConnectionOptions {
  readonly config: KubeConfig;
  readonly clock: Clock;
  /** For the whole of an ordinary request. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** A stream without a byte for so long is dead; bookmarks come every minute. Default 150 s. */
  readonly silenceTimeoutMs?: number;
  /** Told every `Warning` header: deprecations, and pods that admission will refuse. */
  readonly onWarning?: (warning: string, request: ApiRequest) => void;
  /** Told of every request, as soon as it is answered or has failed; for a stream at its beginning. */
  readonly onResult?: (method: ApiMethod, result: ApiResult) => void;
}

export const apiMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type ApiMethod = (typeof apiMethods)[number];

/** `refused`: an answer with a 4xx. `failed`: a 5xx, or no answer. */
export const apiResults = ['success', 'refused', 'failed'] as const;
export type ApiResult = (typeof apiResults)[number];

/** A list page with 500 large objects stays far below. */
const answerBytesMax = 64 * 1024 * 1024;
/** etcd keeps objects up to 1.5 MiB. */
const lineBytesMax = 8 * 1024 * 1024;

export class ApiConnection {
  readonly #options: ApiConnectionOptions;
  readonly #server: URL;
  readonly #agent: http.Agent;

  /** @throws KubeError `protocol` when the configuration names no cluster. */
  constructor(options: ApiConnectionOptions) {
    this.#options = options;
    const cluster = options.config.getCurrentCluster();
    if (!cluster) {
      throw new KubeError('protocol', 'the kubeconfig has no current context with a cluster', {
        hint: 'set KUBECONFIG, or run inside a cluster with a ServiceAccount',
      });
    }
    this.#server = new URL(cluster.server);
    const { Agent } = this.#server.protocol === 'http:' ? http : https;
    this.#agent = new Agent({ keepAlive: true, keepAliveMsecs: 30_000, maxSockets: 64 });
  }

  /** @returns the parsed JSON answer of a success. @throws KubeError for everything else. */
  async send(request: ApiRequest): Promise<unknown> {
    const what = `${request.method} ${request.path}`;
    const limitMs = this.#options.requestTimeoutMs ?? 30_000;
    const deadline = new Deadline(this.#options.clock, limitMs, request.signal);
    try {
      const answer = await this.#open(request, deadline.signal);
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > answerBytesMax) throw new KubeError('protocol', `${what}: endless answer`);
        chunks.push(chunk);
      }
      return this.#judge(what, answer, Buffer.concat(chunks).toString('utf8'));
    } catch (error) {
      throw this.#translate(error, what, deadline, request.signal);
    } finally {
      deadline.cancel();
    }
  }

  /** Lines of an answer without end, without their line feed. An incomplete last line is dropped. */
  async *lines(request: ApiRequest): AsyncGenerator<string, void, undefined> {
    const what = `${request.method} ${request.path} (watch)`;
    const limitMs = this.#options.silenceTimeoutMs ?? 150_000;
    const deadline = new Deadline(this.#options.clock, limitMs, request.signal);
    let answer: IncomingMessage | undefined;
    try {
      answer = await this.#open(request, deadline.signal);
      if (answer.statusCode !== 200) {
        this.#judge(what, answer, await textOf(answer));
      }
      answer.setEncoding('utf8');
      let rest = '';
      for await (const chunk of answer as AsyncIterable<string>) {
        deadline.restart();
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > lineBytesMax) throw new KubeError('protocol', `${what}: endless line`);
        for (const line of lines) if (line !== '') yield line;
      }
    } catch (error) {
      throw this.#translate(error, what, deadline, request.signal);
    } finally {
      deadline.cancel();
      answer?.destroy();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #open(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const url = this.#urlOf(request);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const options: HttpOptions = {
      method: request.method,
      headers: {
        accept: 'application/json',
        'user-agent': 'cos-ftp-gateway-operator',
        ...(body !== undefined && {
          'content-type': request.contentType ?? 'application/json',
          // Node sends a DELETE's body without any length unless told.
          'content-length': Buffer.byteLength(body),
        }),
      },
    };
    await this.#options.config.applyToHTTPSOptions(options as https.RequestOptions);
    // Its agent keeps no connection alive; only a proxy needs it.
    if (this.#options.config.getCurrentCluster()?.proxyUrl === undefined) {
      options.agent = this.#agent;
    }
    const client = url.protocol === 'http:' ? http : https;
    const { onResult, onWarning } = this.#options;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = client.request(url, { ...options, signal }, resolve);
      sent.on('error', (error) => {
        onResult?.(request.method, 'failed');
        reject(error);
      });
      sent.end(body);
    });
    onResult?.(request.method, resultOf(answer.statusCode ?? 0));
    for (const warning of warningsOf(answer)) onWarning?.(warning, request);
    return answer;
  }

  #urlOf({ path, query = {} }: ApiRequest): URL {
    const url = new URL(this.#server);
    url.pathname = url.pathname.replace(/\/$/, '') + path;
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }

  #judge(what: string, answer: IncomingMessage, text: string): unknown {
    const code = answer.statusCode ?? 0;
    const isSuccess = code >= 200 && code < 300;
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch (cause) {
      if (isSuccess) throw new KubeError('protocol', `${what}: the answer is no JSON`, { cause });
      body = { message: text.slice(0, 200).trim() || `HTTP ${code}` };
    }
    if (isSuccess) return body;
    const status: ApiStatus = { ...(body as ApiStatus), code };
    const seconds = Number(answer.headers['retry-after']);
    throw errorOfStatus(what, status, seconds > 0 ? seconds * 1000 : undefined);
  }

  #translate(error: unknown, what: string, deadline: Deadline, signal?: AbortSignal): unknown {
    if (signal?.aborted) return signal.reason;
    if (deadline.isOver) {
      const seconds = Math.round(deadline.limitMs / 1000);
      return new KubeError('timeout', `${what}: nothing came for ${seconds} s`);
    }
    if (error instanceof KubeError) return error;
    return new KubeError('unavailable', `${what}: ${describeError(error)}`, { cause: error });
  }
}

function resultOf(code: number): ApiResult {
  if (code >= 500) return 'failed';
  return code >= 400 ? 'refused' : 'success';
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** RFC 7234 section 5.5: `299 - "text"`, several joined by commas. */
function warningsOf(answer: IncomingMessage): string[] {
  const header = answer.headers['warning'] ?? '';
  const texts = [...String(header).matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)];
  return texts.map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'));
}
