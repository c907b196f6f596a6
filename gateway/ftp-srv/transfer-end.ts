/**
 * How a transfer ended, and what follows from it: the reply, the result and the reason for log and
 * metrics. No I/O.
 */
import { cutSentences, TransferCut } from '#gateway/ftp/cut.ts';
import { type Reply, replyForError } from '#gateway/ftp/replies.ts';
import { KindError } from '#gateway/kit/errors.ts';
import type { StoredObject } from '#gateway/transfer/upload.ts';
import type { TransferDirection, TransferResult } from './services.ts';

export type TransferEnd =
  | { readonly kind: 'completed'; readonly text: string; readonly stored?: StoredObject }
  | { readonly kind: 'cut'; readonly cut: TransferCut; readonly object?: StoredObject | undefined }
  | { readonly kind: 'failed'; readonly error: unknown };

/** What a cut interrupted rejects with an error of its own; the cut is the reason all the same. */
export function endByError(cut: AbortSignal, error: unknown): TransferEnd {
  const isInterrupted = cut.aborted && error instanceof KindError && error.kind === 'aborted';
  const reason: unknown = isInterrupted ? cut.reason : error;
  return reason instanceof TransferCut ? { kind: 'cut', cut: reason } : { kind: 'failed', error };
}

/** What moved before a cut. */
export interface TransferExtent {
  readonly direction: TransferDirection;
  readonly bytes: number;
}

export function replyForEnd(end: TransferEnd, extent: TransferExtent): Reply {
  switch (end.kind) {
    case 'completed':
      return { code: 226, text: end.text };
    case 'failed':
      return replyForError(end.error);
    case 'cut':
      return {
        code: 426,
        text: `${cutSentences[end.cut.reason]}: ${outcomeOf(end.object, extent)}`,
      };
  }
}

function outcomeOf(object: StoredObject | undefined, { direction, bytes }: TransferExtent): string {
  if (direction !== 'upload') return `${bytes} bytes were sent`;
  return object ? `${object.sizeBytes} bytes received were stored` : 'nothing was stored';
}

/** CutReason or error kind; absent when completed. */
export function reasonOf(end: TransferEnd): string | undefined {
  switch (end.kind) {
    case 'completed':
      return undefined;
    case 'cut':
      return end.cut.reason;
    case 'failed':
      return end.error instanceof KindError ? end.error.kind : 'internal';
  }
}

/** What the client must change before it tries again is a rejection, not a failure of ours or of COS. */
const rejectionCodes: ReadonlySet<number> = new Set([501, 522, 550, 552, 553, 554]);

/** @param reply code of the reply. */
export function resultOf(end: TransferEnd, reply: number): TransferResult {
  switch (end.kind) {
    case 'completed':
      return 'completed';
    case 'cut':
      return end.object ? 'truncated' : 'discarded';
    case 'failed':
      return rejectionCodes.has(reply) ? 'rejected' : 'failed';
  }
}
