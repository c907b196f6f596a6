/** STOR, APPE and RETR, and what prepares or stops them. */
import { quotePath } from '#gateway/ftp/replies.ts';
import type { ObjectInfo } from '#gateway/storage/object-store.ts';
import type { UploadBase } from '#gateway/transfer/continuation.ts';
import { openDownload } from '#gateway/transfer/download.ts';
import { overLimitText, uploadFile } from '../file-upload.ts';
import type { Session } from '../session.ts';
import { runTransfer } from '../transfer.ts';
import { sendAll } from '../transfer-body.ts';
import type { CommandEntry } from './entry.ts';
import { fileKey, findFile } from './file.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

export const transferCommands: readonly CommandEntry[] = [
  {
    verbs: ['STOR'],
    syntax: '<path>',
    description: 'Store a file, from the offset given by REST; 226 means COS has it, CRC-64 equal',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: storeFile,
  },
  {
    verbs: ['APPE'],
    syntax: '<path>',
    description: 'Append to a file, or store it when there is none; what COS has is copied there',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: appendFile,
  },
  {
    verbs: ['RETR'],
    syntax: '<path>',
    description: 'Retrieve a file, from the offset given by REST, or the range given by RANG',
    source: 'RFC 959 section 4.1.3',
    argument: 'required',
    login: 'required',
    transferParameters: 'forgotten',
    run: retrieveFile,
  },
  {
    verbs: ['REST'],
    syntax: '<offset>',
    description: 'Byte offset at which the next RETR or STOR begins',
    source: 'RFC 3659 section 5',
    argument: 'required',
    login: 'required',
    feature: 'REST STREAM',
    transferParameters: 'kept',
    run: async (session, argument) => {
      const offset = parseCount(argument);
      if (offset === undefined) return session.reply(501, 'REST needs a byte offset');
      session.restartBytes = offset;
      session.rangeEndBytes = undefined;
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
  const bytes = parseCount(/^(\d+) +R +\d+$/i.exec(argument)?.[1] ?? argument);
  if (bytes === undefined) return session.reply(501, 'ALLO needs a number of bytes');
  if (bytes > session.account.limitBytes) return session.reply(552, overLimitText(session, bytes));
  session.expectedBytes = bytes;
  return session.reply(200, `${bytes} bytes expected`);
}

async function storeFile(session: Session, argument: string): Promise<void> {
  const { account, restartBytes } = session;
  const path = resolvePath(session, argument);
  const key = account.jail.objectKey(path);
  if (!(await isAllowed(session, 'write', 'STOR', path))) return;
  const mustLook = restartBytes > 0 || !account.permissions.has('overwrite');
  const source = mustLook ? await findFile(session, path) : undefined;
  if (source && !(await isAllowed(session, 'overwrite', 'STOR', path))) return;
  if (restartBytes > 0 && restartBytes > (source?.sizeBytes ?? 0)) {
    const end = source ? `the end, ${source.sizeBytes}` : 'the end: there is no such file';
    return session.reply(554, `${quotePath(path)}: REST ${restartBytes} lies beyond ${end}`);
  }
  await uploadFile(session, { path, key, base: keep(source, restartBytes) });
}

/** What COS has stays where it is: a head below 1 MiB is read, anything longer is copied inside COS. */
async function appendFile(session: Session, argument: string): Promise<void> {
  const path = resolvePath(session, argument);
  const key = session.account.jail.objectKey(path);
  if (!(await isAllowed(session, 'write', 'APPE', path))) return;
  if (session.restartBytes > 0) return session.reply(503, 'REST does not go with APPE: use STOR');
  const source = await findFile(session, path);
  if (source && !(await isAllowed(session, 'overwrite', 'APPE', path))) return;
  await uploadFile(session, { path, key, base: keep(source, source?.sizeBytes ?? 0) });
}

function keep(source: ObjectInfo | undefined, keptBytes: number): UploadBase | undefined {
  return source && keptBytes > 0 ? { source, keptBytes } : undefined;
}

async function retrieveFile(session: Session, argument: string): Promise<void> {
  const { account, restartBytes, rangeEndBytes, services } = session;
  const path = resolvePath(session, argument);
  const key = fileKey(session, path);
  if (!(await isAllowed(session, 'read', 'RETR', path))) return;
  await runTransfer(session, { direction: 'download', path, key }, async (transfer) => {
    const download = await openDownload({
      store: account.store,
      key,
      offsetBytes: restartBytes,
      ...(rangeEndBytes !== undefined && { endBytes: rangeEndBytes }),
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
