/**
 * An upload as STOR, APPE and STOU begin it: from the size limit to the text of its reply. Permissions and
 * offsets have been looked at before. It must never decide what a cut leaves behind: ftp/receive.ts does.
 */
import type { DataConnection } from '#gateway/ftp/data-connection.ts';
import { receive } from '#gateway/ftp/receive.ts';
import { quotePath } from '#gateway/ftp/replies.ts';
import { formatBytes } from '#gateway/kit/bytes.ts';
import { mtimeName } from '#gateway/storage/mtime.ts';
import { newObjectAttributes } from '#gateway/storage/new-object.ts';
import { attributesOf, type ObjectAttributes } from '#gateway/storage/object-attributes.ts';
import type { ObjectInfo } from '#gateway/storage/object-store.ts';
import type { UploadBase } from '#gateway/transfer/continuation.ts';
import { type StoredObject, Upload } from '#gateway/transfer/upload.ts';
import type { ActiveTransfer } from './active-transfer.ts';
import { LongReply } from './long-reply.ts';
import type { Session } from './session.ts';
import { runTransfer } from './transfer.ts';
import type { TransferEnd } from './transfer-end.ts';

export interface UploadTarget {
  readonly path: string;
  readonly key: string;
  /** Absent: the file begins with this transfer. */
  readonly base?: UploadBase | undefined;
  /** Text after 150; default says what is stored. */
  readonly opening?: string;
}

/** Rejects with nothing: every failure ends in a reply. */
export async function uploadFile(session: Session, target: UploadTarget): Promise<void> {
  const { path, key, base } = target;
  if (session.rangeEndBytes !== undefined) return session.reply(503, 'RANG goes with RETR only');
  const wholeBytes = (base?.keptBytes ?? 0) + (session.expectedBytes ?? 0);
  if (wholeBytes > session.account.limitBytes) {
    return session.reply(552, overLimitText(session, wholeBytes));
  }
  await runTransfer(session, { direction: 'upload', path, key }, (transfer) => {
    const work = openUpload(session, transfer, target);
    return {
      prepare: () => work.ready(),
      opening: target.opening ?? openingFor(target),
      run: (connection) => receiveFile(session, transfer, work, connection),
      abandon: () => work.discard('no data connection'),
    };
  });
}

function openingFor({ path, base }: UploadTarget): string {
  const storing = `Storing ${quotePath(path)}`;
  return base ? `${storing} from byte ${base.keptBytes}` : storing;
}

function openUpload(session: Session, transfer: ActiveTransfer, target: UploadTarget): Upload {
  const { path, key, base } = target;
  const { services, account, expectedBytes } = session;
  return new Upload({
    store: account.store,
    key,
    ...(base && { base }),
    pool: services.pool,
    plan: account.plan,
    limitBytes: account.limitBytes,
    attributes: base ? keptAttributes(base.source) : newObjectAttributes(path, account.newObjects),
    ...(expectedBytes !== undefined && { expectedBytes }),
    partsInFlight: account.partsInFlight,
    clock: services.clock,
    observer: services.transferObserver,
    log: session.log.child({ transfer: transfer.id }),
  });
}

/** A file that is continued stays what it was, but for the time of its last modification. */
function keptAttributes(source: ObjectInfo): ObjectAttributes {
  const { metadata, ...attributes } = attributesOf(source);
  if (!metadata) return attributes;
  const { [mtimeName]: _passed, ...kept } = metadata;
  return { ...attributes, metadata: kept };
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
    pace: session.paceOf('upload'),
    ...(expectedBytes !== undefined && { expectedBytes }),
    policy: account.incompleteUploads,
    closeNotify: services.tls?.closeNotify ?? 'required',
    isControlAlive: () => session.isControlAlive,
    onCommitting: () => {
      const text = () => `${upload.receivedBytes} bytes received, COS puts the file together`;
      transfer.longReply = new LongReply(session, { code: 226, text });
    },
    onBytes: (bytes) => countBytes(session, transfer, bytes),
  });
  return outcome.kind === 'stored'
    ? {
        kind: 'completed',
        text: storedText(outcome.object, upload.receivedBytes),
        stored: outcome.object,
      }
    : outcome;
}

function storedText({ sizeBytes }: StoredObject, receivedBytes: number): string {
  const bytes = `${sizeBytes} bytes stored`;
  return sizeBytes === receivedBytes ? bytes : `${bytes}, ${receivedBytes} of them now`;
}

function countBytes(session: Session, transfer: ActiveTransfer, bytes: number): void {
  transfer.bytes += bytes;
  session.services.observer.transferBytes(transfer.direction, bytes);
}

/** The text of 552. @param bytes what the file would have at least. */
export function overLimitText(session: Session, bytes: number): string {
  const { limitBytes } = session.account;
  return `IOError: ${bytes} bytes exceed the limit of ${limitBytes} bytes (${formatBytes(limitBytes)}) for one file`;
}
