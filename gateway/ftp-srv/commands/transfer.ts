/** STOR, RETR and what prepares or stops them. What a cut leaves behind is decided in ftp/receive.ts. */
import type { DataConnection } from '#gateway/ftp/data-connection.ts';
import { receive } from '#gateway/ftp/receive.ts';
import { quotePath } from '#gateway/ftp/replies.ts';
import { formatBytes } from '#gateway/kit/bytes.ts';
import { openDownload } from '#gateway/transfer/download.ts';
import { Upload } from '#gateway/transfer/upload.ts';
import type { ActiveTransfer } from '../active-transfer.ts';
import type { Session } from '../session.ts';
import { runTransfer } from '../transfer.ts';
import { sendAll } from '../transfer-body.ts';
import type { TransferEnd } from '../transfer-end.ts';
import type { CommandEntry } from './entry.ts';
import { findFile } from './file.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

export const transferCommands: readonly CommandEntry[] = [
  {
    verbs: ['STOR'],
    syntax: '<path>',
    description: 'Store a file; 226 means COS has it and its CRC-64 is equal',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: storeFile,
  },
  {
    verbs: ['RETR'],
    syntax: '<path>',
    description: 'Retrieve a file, from the offset given by REST',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: retrieveFile,
  },
  {
    verbs: ['REST'],
    syntax: '<offset>',
    description: 'Byte offset at which the next RETR begins',
    source: 'RFC 3659 section 5',
    argument: 'required',
    login: 'required',
    feature: 'REST STREAM',
    transferParameters: 'kept',
    run: async (session, argument) => {
      const offset = parseCount(argument);
      if (offset === undefined) return session.reply(501, 'REST needs a byte offset');
      session.restartBytes = offset;
      return session.reply(350, `Restarting at ${offset}`);
    },
  },
  {
    verbs: ['ALLO'],
    syntax: '<bytes>',
    description: 'Announce the size of the next STOR: refused early when too large, cut when short',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'kept',
    run: announceSize,
  },
  {
    verbs: ['ABOR'],
    syntax: '',
    description: 'Stop the transfer under way',
    source: 'RFC 959 section 4.1.3',
    argument: 'none',
    login: 'required',
    transferParameters: 'forgotten',
    run: async (session) => {
      session.releaseDataSource();
      await session.reply(226, 'No transfer to abort');
    },
  },
];

function parseCount(text: string): number | undefined {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}

/** `ALLO 1000` or `ALLO 1000 R 80`: the record size after R means nothing to files. */
async function announceSize(session: Session, argument: string): Promise<void> {
  const bytes = parseCount(argument.replace(/ +R +\d+$/i, ''));
  if (bytes === undefined) return session.reply(501, 'ALLO needs a number of bytes');
  if (bytes > session.account.limitBytes) return session.reply(552, overLimitText(session, bytes));
  session.expectedBytes = bytes;
  return session.reply(200, `${bytes} bytes expected`);
}

function overLimitText(session: Session, bytes: number): string {
  const { limitBytes } = session.account;
  return `IOError: ${bytes} bytes exceed the limit of ${limitBytes} bytes (${formatBytes(limitBytes)}) for one file`;
}

async function storeFile(session: Session, argument: string): Promise<void> {
  const { account, restartBytes } = session;
  const path = resolvePath(session, argument);
  const key = account.jail.objectKey(path);
  if (!(await isAllowed(session, 'write', 'STOR', path))) return;
  if (restartBytes > 0) return session.reply(554, 'Resuming uploads is not supported: send REST 0');
  if (!account.permissions.has('overwrite') && (await findFile(session, path))) {
    await isAllowed(session, 'overwrite', 'STOR', path);
    return;
  }
  await runTransfer(session, { direction: 'upload', path, key }, (transfer) => {
    const upload = openUpload(session, transfer, key);
    return {
      prepare: () => upload.ready(),
      opening: `Storing ${quotePath(path)}`,
      run: (connection) => receiveFile(session, transfer, upload, connection),
      abandon: () => upload.discard('no data connection'),
    };
  });
}

function openUpload(session: Session, transfer: ActiveTransfer, key: string): Upload {
  const { services, account, expectedBytes } = session;
  return new Upload({
    store: account.store,
    key,
    pool: services.pool,
    plan: account.plan,
    limitBytes: account.limitBytes,
    attributes: {},
    ...(expectedBytes !== undefined && { expectedBytes }),
    partsInFlight: account.partsInFlight,
    clock: services.clock,
    observer: services.transferObserver,
    log: session.log.child({ transfer: transfer.id }),
  });
}

async function receiveFile(
  session: Session,
  transfer: ActiveTransfer,
  upload: Upload,
  connection: DataConnection,
): Promise<TransferEnd> {
  const { services, account, expectedBytes } = session;
  const outcome = await receive({
    connection,
    reading: services.dataReading,
    upload,
    cut: transfer.cut,
    clock: services.clock,
    stallTimeoutMs: services.timeouts.stallMs,
    ...(expectedBytes !== undefined && { expectedBytes }),
    policy: account.incompleteUploads,
    isControlAlive: () => session.isControlAlive,
    onBytes: (bytes) => countBytes(session, transfer, bytes),
  });
  return outcome.kind === 'stored'
    ? {
        kind: 'completed',
        text: `${outcome.object.sizeBytes} bytes stored`,
        stored: outcome.object,
      }
    : outcome;
}

function countBytes(session: Session, transfer: ActiveTransfer, bytes: number): void {
  transfer.bytes += bytes;
  session.services.observer.transferBytes(transfer.direction, bytes);
}

async function retrieveFile(session: Session, argument: string): Promise<void> {
  const { account, restartBytes, services } = session;
  const path = resolvePath(session, argument);
  const key = account.jail.objectKey(path);
  if (!(await isAllowed(session, 'read', 'RETR', path))) return;
  await runTransfer(session, { direction: 'download', path, key }, async (transfer) => {
    const download = await openDownload({
      store: account.store,
      key,
      offsetBytes: restartBytes,
      pool: services.pool,
      clock: services.clock,
      signal: transfer.cut,
      observer: services.transferObserver,
      log: session.log.child({ transfer: transfer.id }),
    });
    return {
      opening: `Sending ${quotePath(path)} (${download.info.sizeBytes} bytes)`,
      run: (connection) => sendAll(session, transfer, connection, download.chunks()),
      abandon: () => download.close(),
    };
  });
}
