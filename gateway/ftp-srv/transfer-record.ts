/** What the log and the metrics keep of one finished transfer: exactly one of each, whatever happened. */
import type { StoredObject } from '#gateway/transfer/upload.ts';
import type { TransferDirection, TransferResult } from './services.ts';
import type { Session } from './session.ts';

export interface FinishedTransfer {
  readonly id: string;
  readonly direction: TransferDirection;
  readonly path: string;
  readonly key: string | undefined;
  readonly bytes: number;
  readonly seconds: number;
  readonly result: TransferResult;
  /** CutReason or error kind; absent when completed. */
  readonly reason: string | undefined;
  /** Code of the reply. */
  readonly reply: number;
  readonly stored: StoredObject | undefined;
  readonly error: unknown;
}

export function recordTransfer(session: Session, finished: FinishedTransfer): void {
  const { direction, result, reason, seconds, bytes } = finished;
  session.services.observer.transferEnded({
    direction,
    result,
    seconds,
    bytes,
    ...(reason !== undefined && { reason }),
  });
  if (direction === 'listing' && result === 'completed') return;
  // The original tool's users look for an error line when a file was too large.
  const level = finished.reply === 552 ? 'error' : levels[result];
  session.log[level](transferFields(session, finished), `${direction} ${result}`);
}

const levels = {
  completed: 'info',
  truncated: 'warn',
  discarded: 'warn',
  rejected: 'warn',
  failed: 'error',
} as const satisfies Record<TransferResult, 'info' | 'warn' | 'error'>;

function transferFields(session: Session, finished: FinishedTransfer): Record<string, unknown> {
  const { stored, error } = finished;
  return {
    transfer: finished.id,
    user: session.account.user,
    path: finished.path,
    ...(finished.key !== undefined && { key: finished.key }),
    bytes: finished.bytes,
    seconds: Number(finished.seconds.toFixed(3)),
    reply: finished.reply,
    ...(finished.reason !== undefined && { reason: finished.reason }),
    ...(stored && {
      stored_bytes: stored.sizeBytes,
      crc64: stored.crc64?.toString(),
      checksum: stored.checksum,
      cos_request_id: stored.requestId,
    }),
    ...(error !== undefined && { err: error }),
  };
}
