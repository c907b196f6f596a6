/**
 * The course every transfer takes: a source of data connections, the preparation whose failure must be told before 150,
 * 150, the data connection, the work, one reply, one log line and one metric whatever happened.
 *
 * A failure is written to the control connection before the data connection is closed, so that a client
 * reads why before it sees a broken pipe.
 */
import type { Socket } from 'node:net';
import { cutSentences, TransferCut } from '#gateway/ftp/cut.ts';
import { DataConnection } from '#gateway/ftp/data-connection.ts';
import { replyForError } from '#gateway/ftp/replies.ts';
import { type OutgoingBlock, send } from '#gateway/ftp/send.ts';
import { KindError } from '#gateway/kit/errors.ts';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import type { StoredObject } from '#gateway/transfer/upload.ts';
import type { ActiveTransfer } from './active-transfer.ts';
import type { TransferDirection, TransferResult } from './services.ts';
import type { Session } from './session.ts';
import { type FinishedTransfer, recordTransfer } from './transfer-record.ts';

export interface TransferSubject {
  readonly direction: TransferDirection;
  /** Virtual path, for the client and the log. */
  readonly path: string;
  readonly key?: string;
}

/** What one kind of transfer does between the common steps. */
export interface TransferPlan {
  /** Text after 150. */
  readonly opening: string;
  /** Before 150: memory, first request. What it throws is the reply. */
  readonly prepare?: () => Promise<void>;
  readonly run: (connection: DataConnection) => Promise<TransferEnd>;
  /** Gives back what was prepared when no data connection came. */
  readonly abandon: () => Promise<void> | void;
}

export type TransferEnd =
  | { readonly kind: 'completed'; readonly text: string; readonly stored?: StoredObject }
  | { readonly kind: 'cut'; readonly cut: TransferCut; readonly object?: StoredObject | undefined }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Rejects with nothing: every failure ends in a reply. */
export async function runTransfer(
  session: Session,
  subject: TransferSubject,
  plan: (transfer: ActiveTransfer) => TransferPlan | Promise<TransferPlan>,
): Promise<void> {
  const source = session.takeDataSource();
  if (!source) return session.reply(425, 'Send PASV or EPSV first');
  const transfer = session.beginTransfer(subject.direction, subject.path);
  session.services.observer.transferStarted(subject.direction);
  let connection: DataConnection | undefined;
  let end: TransferEnd;
  try {
    const work = await plan(transfer);
    try {
      await unlessCut(transfer, work.prepare?.());
      await session.reply(150, work.opening);
      const socket = await source.accept({
        signal: transfer.cut,
        timeoutMs: session.services.timeouts.dataConnectMs,
      });
      connection = new DataConnection(socket);
    } catch (error) {
      await work.abandon();
      throw error;
    }
    end = await work.run(connection);
  } catch (error) {
    end = endByError(transfer, error);
  } finally {
    source.release();
  }
  await conclude(session, subject, transfer, end, connection);
}

/** A client that gave up or is gone must not wait for memory or for the store. */
async function unlessCut(transfer: ActiveTransfer, work: Promise<void> | undefined): Promise<void> {
  const { cut } = transfer;
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined); // nobody may be racing any more
  const onCut = () => reject(cut.reason);
  if (cut.aborted) onCut();
  cut.addEventListener('abort', onCut);
  try {
    await Promise.race([promise, work]);
  } finally {
    cut.removeEventListener('abort', onCut);
  }
}

/** What a cut interrupted rejects with an error of its own; the cut is the reason all the same. */
function endByError({ cut }: ActiveTransfer, error: unknown): TransferEnd {
  const isInterrupted = cut.aborted && error instanceof KindError && error.kind === 'aborted';
  const reason: unknown = isInterrupted ? cut.reason : error;
  return reason instanceof TransferCut ? { kind: 'cut', cut: reason } : { kind: 'failed', error };
}

async function conclude(
  session: Session,
  subject: TransferSubject,
  transfer: ActiveTransfer,
  end: TransferEnd,
  connection: DataConnection | undefined,
): Promise<void> {
  const reply = replyForEnd(end);
  recordTransfer(session, finishedTransfer(session, subject, transfer, end, reply.code));
  session.endTransfer();
  if (connection && end.kind === 'completed') closeAfterSuccess(session, connection);
  await session.reply(reply.code, reply.text);
  // RFC 959 section 4.1.3: 426 for the transfer, then 226 for the ABOR itself.
  for (let abors = transfer.aborRequests; abors > 0; abors--) await session.reply(226, 'ABOR done');
  if (connection && end.kind !== 'completed') closeAfterFailure(session, connection);
}

function replyForEnd(end: TransferEnd): { code: number; text: string } {
  switch (end.kind) {
    case 'completed':
      return { code: 226, text: end.text };
    case 'failed':
      return replyForError(end.error);
    case 'cut': {
      const outcome = end.object
        ? `${end.object.sizeBytes} bytes received were stored`
        : 'nothing was stored';
      return { code: 426, text: `${cutSentences[end.cut.reason]}: ${outcome}` };
    }
  }
}

function finishedTransfer(
  session: Session,
  subject: TransferSubject,
  transfer: ActiveTransfer,
  end: TransferEnd,
  reply: number,
): FinishedTransfer {
  return {
    id: transfer.id,
    direction: subject.direction,
    path: subject.path,
    key: subject.key,
    bytes: transfer.bytes,
    seconds: (session.services.clock.monotonicMs() - transfer.startedMs) / 1000,
    result: resultOf(end, reply),
    reason: reasonOf(end),
    reply,
    stored: end.kind === 'completed' ? end.stored : end.kind === 'cut' ? end.object : undefined,
    error: end.kind === 'failed' ? end.error : undefined,
  };
}

function reasonOf(end: TransferEnd): string | undefined {
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
const rejectionCodes: ReadonlySet<number> = new Set([501, 550, 552, 553, 554]);

function resultOf(end: TransferEnd, reply: number): TransferResult {
  switch (end.kind) {
    case 'completed':
      return 'completed';
    case 'cut':
      return end.object ? 'truncated' : 'discarded';
    case 'failed':
      return rejectionCodes.has(reply) ? 'rejected' : 'failed';
  }
}

/** How long a client that was refused may go on sending into the void before its connection is reset. */
const refusedLingerMs = 2000;
/** How long a client may keep its side open after our end of data; the kernel still delivers what it has. */
const completedLingerMs = 15_000;

/** Nobody reads a download's socket, so the client's end would never be seen and the socket never freed. */
function closeAfterSuccess(session: Session, { socket }: DataConnection): void {
  socket.end();
  if (!socket.readableEnded) drain(session, socket, completedLingerMs, () => socket.destroy());
}

/**
 * Closing a socket with unread bytes resets it, and the reset can destroy the reply's chance to be read.
 * So what still arrives is dropped for a moment first.
 */
function closeAfterFailure(session: Session, connection: DataConnection): void {
  const { socket } = connection;
  if (!connection.isDrainable()) {
    resetSocket(socket);
    return;
  }
  socket.once('end', () => socket.destroy());
  drain(session, socket, refusedLingerMs, () => resetSocket(socket));
}

/** Drops what arrives, until the socket closes or `whenLate` closes it. */
function drain(session: Session, socket: Socket, lingerMs: number, whenLate: () => void): void {
  if (socket.destroyed) return;
  const timer = session.services.clock.setTimer(lingerMs, whenLate);
  socket.once('close', () => timer.cancel());
  socket.resume();
}

/** The body of downloads and listings. */
export async function sendAll(
  session: Session,
  transfer: ActiveTransfer,
  connection: DataConnection,
  blocks: AsyncIterable<OutgoingBlock>,
): Promise<TransferEnd> {
  const { clock, timeouts, observer } = session.services;
  await send({
    socket: connection.socket,
    blocks,
    cut: transfer.cut,
    clock,
    stallTimeoutMs: timeouts.stallMs,
    onBytes: (bytes) => {
      transfer.bytes += bytes;
      observer.transferBytes(transfer.direction, bytes);
    },
  });
  return { kind: 'completed', text: `${transfer.bytes} bytes sent` };
}
