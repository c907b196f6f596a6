/**
 * A request body on its way to the shelf: counted, digested and written aside chunk by chunk, never
 * collected. When the shelf is slower than the client, the client waits.
 */
import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { GiB } from '#gateway/kit/bytes.ts';
import { Crc64 } from '#gateway/kit/crc64.ts';
import { CosError } from './errors.ts';
import type { FaultActs } from './faults.ts';
import type { Interrupt } from './interruption.ts';
import type { Checksums, StagedBody } from './shelf.ts';
import { uploadSpoiler } from './spoil.ts';

/**
 * `full`: MD5 (the ETag) and CRC-64. `crc64`: the ETag is made from it, saves the MD5. `none`: no CRC-64
 * header, ETags are numbers; for benchmarks of a client alone.
 */
export type ChecksumLevel = 'full' | 'crc64' | 'none';

/** One PUT or part (COS page 436/14518). */
export const bodyBytesMax: number = 5 * GiB;

export interface IntakeOptions {
  readonly checksums: ChecksumLevel;
  readonly acts: FaultActs;
  /** Told when a fault wants the connection gone or silent in the middle; the intake then never settles. */
  readonly interrupt: Interrupt;
}

/** The client is gone: nobody is left to answer. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected';
}

/**
 * Everything the client sends, or a rejection: CosError (BadDigest, InvalidDigest, MissingContentLength,
 * EntityTooLarge), ShelfError, Disconnected (also when less came than Content-Length promised). The staged
 * body stays the caller's.
 */
export async function receiveBody(
  incoming: IncomingMessage,
  staged: StagedBody,
  options: IntakeOptions,
): Promise<Checksums> {
  const contentMd5 = parseContentMd5(incoming.headers['content-md5']);
  checkLength(incoming);
  const wantsMd5 = options.checksums === 'full' || contentMd5 !== undefined;
  const md5 = wantsMd5 ? createHash('md5') : undefined;
  const crc64 = options.checksums === 'none' ? undefined : new Crc64();
  await drain(incoming, options, (chunk) => {
    if (staged.sizeBytes + chunk.length > bodyBytesMax) throw new CosError('EntityTooLarge');
    md5?.update(chunk);
    crc64?.update(chunk);
    return staged.write(chunk);
  });
  const digest = md5?.digest();
  if (contentMd5 && !digest?.equals(contentMd5)) throw new CosError('BadDigest');
  return checksumsFrom(digest, crc64?.digest());
}

let etagNumber = 0;

function checksumsFrom(md5: Buffer | undefined, crc64: bigint | undefined): Checksums {
  const opaque =
    md5?.toString('hex') ?? (crc64 ?? BigInt(++etagNumber)).toString(16).padStart(32, '0');
  return { etag: `"${opaque}"`, crc64 };
}

function checkLength({ headers }: IncomingMessage): void {
  const length = headers['content-length'];
  if (length === undefined && headers['transfer-encoding'] === undefined) {
    throw new CosError('MissingContentLength');
  }
  if (Number(length ?? 0) > bodyBytesMax) throw new CosError('EntityTooLarge');
}

/** @throws CosError InvalidDigest. */
export function parseContentMd5(header: string | string[] | undefined): Buffer | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  const md5 = Buffer.from(header, 'base64');
  if (md5.length !== 16 || !/^[A-Za-z\d+/]{22}==$/.test(header))
    throw new CosError('InvalidDigest');
  return md5;
}

/** A small body as a whole, for the XML requests. @throws CosError as receiveBody does. */
export async function receiveText(
  incoming: IncomingMessage,
  textBytesMax: number,
  options: IntakeOptions,
): Promise<string> {
  const contentMd5 = parseContentMd5(incoming.headers['content-md5']);
  checkLength(incoming);
  const chunks: Buffer[] = [];
  let textBytes = 0;
  await drain(incoming, options, (chunk) => {
    textBytes += chunk.length;
    if (textBytes > textBytesMax) throw new CosError('EntityTooLarge');
    chunks.push(chunk);
    return undefined;
  });
  const text = Buffer.concat(chunks);
  const md5: Hash = createHash('md5').update(text);
  if (contentMd5 && !md5.digest().equals(contentMd5)) throw new CosError('BadDigest');
  return text.toString('utf8');
}

/** Events instead of an iterator: half the cost for a small body. */
function drain(
  incoming: IncomingMessage,
  options: IntakeOptions,
  take: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  const spoil = uploadSpoiler(options.acts, options.interrupt);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      incoming.off('data', onData).off('close', onClose);
      // What still comes is thrown away, so that the reply can be read.
      incoming.resume();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      try {
        if (spoil && !spoil(chunk)) {
          incoming.off('data', onData);
          incoming.pause();
          return;
        }
        const room = take(chunk);
        if (!room) return;
        incoming.pause();
        room.then(() => incoming.resume(), fail);
      } catch (error) {
        fail(error);
      }
    };
    const onClose = () => fail(new Disconnected('the client went'));
    incoming.on('data', onData).on('close', onClose);
    incoming.on('end', () => {
      incoming.off('close', onClose);
      resolve();
    });
    if (incoming.destroyed) onClose();
  });
}
