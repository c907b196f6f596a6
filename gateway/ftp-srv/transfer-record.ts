/** What the log and the metrics keep of one finished transfer: exactly one of each, whatever happened. */
import type { FtpErrorKind } from '#gateway/ftp/errors.ts';
import type { StoreErrorKind } from '#gateway/storage/object-store.ts';
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
  session.log[levelOf(finished)](transferFields(session, finished), `${direction} ${result}`);
}

function levelOf(finished: FinishedTransfer): 'info' | 'warn' | 'error' {
  // The original tool's users look for an error line when a file was too large.
  if (finished.reply === 552) return 'error';
  return isClientsMistake(finished) ? 'info' : levels[finished.result];
}

/** Clients ask for what is not there all the time: nothing is wrong with the gateway, its store or its keys. */
const clientsMistakes: ReadonlySet<string | undefined> = new Set<StoreErrorKind | FtpErrorKind>([
  'missing',
  'not-a-file',
  'not-a-directory',
  'invalid-name',
  'invalid-range',
]);

function isClientsMistake({ result, reason }: FinishedTransfer): boolean {
  return result === 'rejected' && clientsMistakes.has(reason);
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
    ...(error !== undefined && !isClientsMistake(finished) && { err: error }),
  };
}
