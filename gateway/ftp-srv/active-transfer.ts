/**
 * The one transfer a session can run: its identity for the log, its counters, and the way to stop it.
 * Stopping never decides what becomes of the bytes; receive.ts does, by the account's policy.
 */
import { type CutReason, TransferCut } from '#gateway/ftp/cut.ts';
import type { LongReply } from './long-reply.ts';
import type { TransferDirection } from './services.ts';

export class ActiveTransfer {
  readonly id: string;
  readonly direction: TransferDirection;
  /** Virtual path as the client sees it. */
  readonly path: string;
  readonly startedMs: number;
  bytes = 0;
  /** For each the client waits for a reply of its own behind the transfer's. */
  aborRequests = 0;
  /** From the moment when nothing but the store's last answer is outstanding. */
  longReply: LongReply | undefined;
  readonly #cut = new AbortController();

  constructor(id: string, direction: TransferDirection, path: string, startedMs: number) {
    this.id = id;
    this.direction = direction;
    this.path = path;
    this.startedMs = startedMs;
  }

  /** Aborts with a TransferCut as its reason. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Idempotent: the first reason stays. */
  stop(reason: CutReason): void {
    if (!this.#cut.signal.aborted) this.#cut.abort(new TransferCut(reason));
  }
}
