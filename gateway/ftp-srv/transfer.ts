/**
 * The course every transfer takes: a source of data connections, the preparation whose failure must be told before 150,
 * 150, the data connection, the work, one reply, one log line and one metric whatever happened.
 *
 * A failure is written to the control connection before the data connection is closed, so that a client
 * reads why before it sees a broken pipe.
 */
import { Breaker } from '#gateway/ftp/breaker.ts';
import { closeAfterFailure, closeAfterSuccess } from '#gateway/ftp/data-closing.ts';
import type { DataConnection } from '#gateway/ftp/data-connection.ts';
import type { DataSource } from '#gateway/ftp/data-source.ts';
import type { ActiveTransfer } from './active-transfer.ts';
import { breakOff } from './long-reply.ts';
import { protectData } from './security.ts';
import type { TransferDirection } from './services.ts';
import type { Session } from './session.ts';
import { endByError, reasonOf, replyForEnd, resultOf, type TransferEnd } from './transfer-end.ts';
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

/** Rejects with nothing: every failure ends in a reply. */
export async function runTransfer(
  session: Session,
  subject: TransferSubject,
  plan: (transfer: ActiveTransfer) => TransferPlan | Promise<TransferPlan>,
): Promise<void> {
  if (session.services.tls?.required && session.dataProtection === 'clear') {
    return session.reply(521, 'Data connections have to be protected here: send PROT P first');
  }
  const source = session.takeDataSource();
  if (!source) return session.reply(425, 'Send PASV or EPSV first');
  const transfer = session.beginTransfer(subject.direction, subject.path);
  session.services.observer.transferStarted(subject.direction);
  let connection: DataConnection | undefined;
  let end: TransferEnd;
  try {
    const work = await plan(transfer);
    connection = await openConnection(session, transfer, work, source);
    end = await work.run(connection);
  } catch (error) {
    end = endByError(transfer.cut, error);
  } finally {
    source.release();
  }
  await conclude(session, subject, transfer, end, connection);
}

/** Up to the data connection; what was prepared is given back when none comes. */
async function openConnection(
  session: Session,
  transfer: ActiveTransfer,
  work: TransferPlan,
  source: DataSource,
): Promise<DataConnection> {
  try {
    using breaker = new Breaker(transfer.cut);
    await breaker.unless(work.prepare?.() ?? Promise.resolve());
    await session.reply(150, work.opening);
    const { dataConnectMs: timeoutMs } = session.services.timeouts;
    const accepted = await source.accept({ signal: transfer.cut, timeoutMs });
    return await protectData(session, accepted, transfer);
  } catch (error) {
    await work.abandon();
    throw error;
  }
}

async function conclude(
  session: Session,
  subject: TransferSubject,
  transfer: ActiveTransfer,
  end: TransferEnd,
  connection: DataConnection | undefined,
): Promise<void> {
  const { clock } = session.services;
  const reply = replyForEnd(end, transfer);
  transfer.longReply?.stop();
  recordTransfer(session, finishedTransfer(session, subject, transfer, end, reply.code));
  session.endTransfer();
  if (transfer.longReply?.hasBegun && end.kind !== 'completed') {
    if (connection) closeAfterFailure(connection, clock);
    return breakOff(session, reply);
  }
  if (connection && end.kind === 'completed') closeAfterSuccess(connection, clock);
  await session.reply(reply.code, reply.text);
  // RFC 959 section 4.1.3: 426 for the transfer, then 226 for the ABOR itself.
  for (let abors = transfer.aborRequests; abors > 0; abors--) await session.reply(226, 'ABOR done');
  if (connection && end.kind !== 'completed') closeAfterFailure(connection, clock);
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
