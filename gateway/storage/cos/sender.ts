/**
 * One signed request, one outcome: a reply, or a StoreError. Fetches the key first, and repeats a
 * request exactly once when COS refused it only because our clock is wrong (it did not carry it out).
 * Knows nothing of deadlines and retries.
 */
import type http from 'node:http';
import type { CredentialSource } from '../credentials/source.ts';
import type { StoreError } from '../object-store.ts';
import { RefusedReply, refusalError, transportError } from './failure.ts';
import type { CosOperation } from './operation.ts';
import type { CosReply } from './reply.ts';
import { type SdkFailure, sdkFailure } from './sdk.ts';
import type { Signer } from './signer.ts';
import type { Transport, TransportCall } from './transport.ts';

export interface CosRequest {
  readonly operation: CosOperation;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Absent: the bucket. */
  readonly key?: string;
  readonly subresource?: 'uploads';
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent by reference: must not change until the promise settles. */
  readonly body?: Uint8Array;
}

export interface SendOptions {
  readonly signal: AbortSignal;
  readonly idleMs: number;
}

export interface SenderOptions {
  /** For everything else. */
  readonly transport: Transport;
  /** For what a busy gateway does all the time. */
  readonly directTransport: Transport;
  readonly agent: http.Agent;
  readonly signer: Signer;
  readonly credentials: CredentialSource;
}

const frequentOperations: ReadonlySet<CosOperation> = new Set([
  'PutObject',
  'UploadPart',
  'GetBucket',
]);

export class Sender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** @throws StoreError of any kind but `aborted` and `timeout` of our own making. */
  send(request: CosRequest, options: SendOptions): Promise<CosReply> {
    const { method, key = '', subresource, query, body } = request;
    const lengthHeader = method === 'GET' ? {} : { 'Content-Length': String(body?.length ?? 0) };
    const transport = this.#transportOf(request.operation);
    return this.signed(request.operation, options, (call) =>
      transport.request(
        {
          method,
          key,
          ...(subresource && { subresource }),
          ...(query && { query }),
          headers: { ...lengthHeader, ...request.headers },
          ...(body && { body }),
        },
        call,
      ),
    );
  }

  /** Runs `once` with a key, and once more when only the clock was to blame. */
  async signed<T>(
    operation: CosOperation,
    { signal, idleMs }: SendOptions,
    once: (call: TransportCall) => Promise<T>,
  ): Promise<T> {
    const { agent, signer } = this.#options;
    const attempt = async (): Promise<T> => {
      const credentials = await this.#options.credentials.get(signal);
      return once({
        agent,
        signal,
        idleMs,
        sign: (request) => signer.sign(request, credentials),
      });
    };
    try {
      return await attempt();
    } catch (thrown) {
      const { error, date } = this.#translate(operation, thrown);
      if (!signer.followStoreClock(error, date)) throw error;
    }
    try {
      return await attempt();
    } catch (thrown) {
      throw this.#translate(operation, thrown).error;
    }
  }

  #transportOf(operation: CosOperation): Transport {
    const { transport, directTransport } = this.#options;
    return frequentOperations.has(operation) ? directTransport : transport;
  }

  #translate(operation: CosOperation, thrown: unknown): { error: StoreError; date?: string } {
    const failure = failureOf(thrown);
    if (failure.type === 'transport') return { error: transportError(operation, failure.thrown) };
    const { date } = failure.headers;
    return { error: refusalError(operation, failure), ...(date !== undefined && { date }) };
  }
}

function failureOf(thrown: unknown): SdkFailure {
  return thrown instanceof RefusedReply
    ? { type: 'refused', ...thrown.refusal }
    : sdkFailure(thrown);
}
