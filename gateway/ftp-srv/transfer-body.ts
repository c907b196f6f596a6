/** What downloads and listings do with their data connection. */
import type { DataConnection } from '#gateway/ftp/data-connection.ts';
import { type OutgoingBlock, send } from '#gateway/ftp/send.ts';
import type { ActiveTransfer } from './active-transfer.ts';
import type { Session } from './session.ts';
import type { TransferEnd } from './transfer-end.ts';

/** @throws TransferCut, or what `blocks` threw. */
export async function sendAll(
  session: Session,
  transfer: ActiveTransfer,
  connection: DataConnection,
  blocks: AsyncIterable<OutgoingBlock>,
): Promise<TransferEnd> {
  const { clock, timeouts, observer } = session.services;
  await send({
    connection,
    blocks,
    cut: transfer.cut,
    clock,
    stallTimeoutMs: timeouts.stallMs,
    // Listings are no transfers of files, and nobody should wait for the names.
    ...(transfer.direction === 'download' && { pace: session.paceOf('download') }),
    onBytes: (bytes) => {
      transfer.bytes += bytes;
      observer.transferBytes(transfer.direction, bytes);
    },
  });
  return { kind: 'completed', text: `${transfer.bytes} bytes sent` };
}
