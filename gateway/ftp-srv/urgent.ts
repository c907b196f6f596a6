/** What a client may say while its transfer runs (RFC 959 section 4.1.3, RFC 1123 section 4.1.2.12). */
import type { Command } from '#gateway/ftp/command.ts';
import type { ActiveTransfer } from './active-transfer.ts';
import type { Session } from './session.ts';

/** True when answered; false leaves the command in the queue behind the transfer (so QUIT waits). */
export function answerUrgent(session: Session, command: Command): boolean {
  const { transfer } = session;
  // A reply inside another one would be read as a line of it.
  if (!transfer || transfer.longReply?.hasBegun) return false;
  const isAnswered = answer(session, transfer, command);
  if (isAnswered) session.services.observer.command(command.verb);
  return isAnswered;
}

function answer(session: Session, transfer: ActiveTransfer, command: Command): boolean {
  switch (command.verb) {
    case 'ABOR':
      transfer.aborRequests += 1;
      transfer.stop('abor');
      return true;
    case 'NOOP':
      void session.reply(200, 'OK, the transfer goes on');
      return true;
    case 'STAT':
      if (command.argument !== '') return false;
      void session.reply(211, 'Transfer under way', ` ${progress(session, transfer)}`, 'End');
      return true;
    default:
      return false;
  }
}

function progress(session: Session, transfer: ActiveTransfer): string {
  const seconds = (session.services.clock.monotonicMs() - transfer.startedMs) / 1000;
  return `${transfer.direction}: ${transfer.bytes} bytes in ${seconds.toFixed(1)} s`;
}
