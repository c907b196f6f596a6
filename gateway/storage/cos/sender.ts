/**
 * One signed request, one outcome: a reply, or a StoreError. Fetches the key first, and repeats a
 * request when COS refused it only for its signature (it did not carry it out) and there is a better one:
 * once with COS's own time, and once with the key that replaced an expired or rotated one.
 * Knows nothing of deadlines and retries.
 */
import type http from 'node:http';
import { type CosCredentials, type CredentialSource, isSameKey } from '../credentials/source.ts';
import type { StoreError } from '../object-store.ts';
import type { CosRepeat } from './calls.ts';
import { RefusedReply, refusalError, transportError } from './failure.ts';
import type { CosOperation } from './operation.ts';
import type { CosReply } from './reply.ts';
import type { RetryReason } from './retry-table.ts';
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
  readonly onRepeat?: (repeat: CosRepeat) => void;
}

const frequentOperations: ReadonlySet<CosOperation> = new Set([
  'PutObject',
  'UploadPart',
  'GetBucket',
]);

/** What one attempt was signed with. */
interface UsedSignature {
  /** Absent: there was no key, and nothing was sent. */
  credentials?: CosCredentials;
  skewMs: number;
}

type SignatureRepair = Extract<RetryReason, 'clock' | 'key'>;

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

  /** Runs `once` with a key, and once more when only clock or key were to blame. */
  async signed<T>(
    operation: CosOperation,
    { signal, idleMs }: SendOptions,
    once: (call: TransportCall) => Promise<T>,
  ): Promise<T> {
    const { onRepeat } = this.#options;
    const done = new Set<SignatureRepair>();
    for (;;) {
      const signature: UsedSignature = { skewMs: 0 };
      try {
        return await this.#attempt({ signal, idleMs }, signature, once);
      } catch (thrown) {
        const { error, date } = this.#translate(operation, thrown);
        const repair = await this.#repair(error, { ...signature, date, signal });
        if (!repair || done.has(repair)) throw error;
        done.add(repair);
        onRepeat?.({ operation, reason: repair });
      }
    }
  }

  async #attempt<T>(
    { signal, idleMs }: SendOptions,
    signature: UsedSignature,
    once: (call: TransportCall) => Promise<T>,
  ): Promise<T> {
    const { agent, signer } = this.#options;
    const credentials = await this.#options.credentials.get(signal);
    signature.credentials = credentials;
    signature.skewMs = signer.skewMs;
    return once({ agent, signal, idleMs, sign: (request) => signer.sign(request, credentials) });
  }

  /** What is better now than the signature COS refused. Undefined: nothing, or it was not the signature. */
  async #repair(
    error: StoreError,
    refused: UsedSignature & { readonly date: string | undefined; readonly signal: AbortSignal },
  ): Promise<SignatureRepair | undefined> {
    const { credentials, signer } = this.#options;
    const { credentials: used, skewMs, date, signal } = refused;
    if (signer.followStoreClock(error, date, skewMs)) return 'clock';
    if (!used || !blamesKey(error)) return undefined;
    credentials.noteRefused?.(used);
    const next = await credentials.get(signal).catch(() => used); // COS's refusal says more
    return isSameKey(next, used) ? undefined : 'key';
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

/** A HEAD is refused without a word; COS answers 400 to an expired token and 403 to a wrong key. */
function blamesKey({ kind, code, httpStatus }: StoreError): boolean {
  if (code !== undefined) return kind === 'credentials' && code !== 'RequestTimeTooSkewed';
  return httpStatus === 400 || httpStatus === 403;
}

function failureOf(thrown: unknown): SdkFailure {
  return thrown instanceof RefusedReply
    ? { type: 'refused', ...thrown.refusal }
    : sdkFailure(thrown);
}
