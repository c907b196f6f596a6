/** Server-side copies: whole objects (COS page 436/10881) and ranges as parts (436/8287). */
import { createHash } from 'node:crypto';
import { Crc64 } from '#gateway/kit/crc64.ts';
import { type CopySource, parseCopySource } from './address.ts';
import { type Attributes, attributesFrom, copiedFrom } from './attributes.ts';
import type { OpenObject } from './bucket.ts';
import { checkCopySource } from './conditions.ts';
import { CosError } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import { bodyBytesMax } from './intake.ts';
import { checkKey } from './key-rules.ts';
import { partAddress } from './multipart-operations.ts';
import { checksumHeaders, xmlTime } from './object-headers.ts';
import { checkReadable, overwriteFrom } from './object-operations.ts';
import { parseCopyRange } from './range.ts';
import type { BodyRange, Checksums, StagedBody } from './shelf.ts';
import { xmlElement } from './xml-writer.ts';

export async function copyObject(exchange: Exchange): Promise<Reply> {
  const { bucket, key } = exchange;
  checkKey(key);
  checkSelfCopy(exchange);
  const source = await openSource(exchange);
  return guarded(source, async () => {
    const { etag, crc64, sizeBytes, attributes: sourceAttributes } = source.record;
    if (sizeBytes > bodyBytesMax) throw new CosError('EntityTooLarge');
    const attributes = copiedAttributes(exchange, sourceAttributes);
    const overwrite = overwriteFrom(exchange);
    const copy = { name: 'CopyObjectResult', checksums: { etag, crc64 }, source };
    return copyReply(exchange, copy, { offsetBytes: 0, lengthBytes: sizeBytes }, (staged, now) =>
      bucket.put({ key, attributes, modifiedAtMs: now, overwrite, etag, crc64 }, staged),
    );
  });
}

/** A copy onto itself is how metadata or class are changed; with neither sent COS refuses it. */
function checkSelfCopy(exchange: Exchange): void {
  const { headers, bucket, key } = exchange;
  const source = sourceOf(exchange);
  const isSame = source.bucket === bucket.name && source.key === key;
  const changes =
    headers['x-cos-metadata-directive'] === 'Replaced' || headers['x-cos-storage-class'];
  if (isSame && !changes) {
    throw new CosError('InvalidRequest', {
      message: 'A copy of an object onto itself must replace its metadata or change its class.',
    });
  }
}

/** Class and encryption are as sent, or the bucket's; the rest is the source's unless `Replaced`. */
function copiedAttributes({ headers, key }: Exchange, source: Attributes): Attributes {
  const directive = headers['x-cos-metadata-directive'] ?? 'Copy';
  if (directive === 'Replaced') return attributesFrom(headers, key);
  if (directive === 'Copy') return copiedFrom(source, headers);
  throw new CosError('InvalidArgument', { message: 'The metadata directive is not valid.' });
}

export async function copyPart(exchange: Exchange): Promise<Reply> {
  const { bucket, key } = exchange;
  const { number, uploadId } = partAddress(exchange);
  const source = await openSource(exchange);
  return guarded(source, async () => {
    const range = copiedRange(exchange, source);
    const sizeBytes = range.lengthBytes;
    if (sizeBytes > bodyBytesMax) throw new CosError('EntityTooLarge');
    const checksums = await checksumsOf(source, range);
    const copy = { name: 'CopyPartResult', checksums, source };
    return copyReply(exchange, copy, range, (staged, now) =>
      bucket.putPart(key, uploadId, { number, sizeBytes, modifiedAtMs: now, ...checksums }, staged),
    );
  });
}

/** The source is closed when the reply cannot be made. */
async function guarded(source: OpenObject, make: () => Promise<Reply>): Promise<Reply> {
  try {
    return await make();
  } catch (error) {
    await source.body.close();
    throw error;
  }
}

interface Copy {
  readonly name: string;
  readonly checksums: Checksums;
  readonly source: OpenObject;
}

async function copyReply(
  { bucket, now }: Exchange,
  { name, checksums, source }: Copy,
  range: BodyRange,
  keep: (staged: StagedBody, modifiedAtMs: number) => Promise<unknown>,
): Promise<Reply> {
  let staged: StagedBody | undefined;
  const work = async () => {
    staged = await bucket.stageRange(source.body, range);
    const modifiedAtMs = now();
    await keep(staged, modifiedAtMs);
    return xmlElement(name, [
      ['ETag', checksums.etag],
      ['CRC64', checksums.crc64?.toString()],
      ['LastModified', xmlTime(modifiedAtMs)],
    ]);
  };
  const release = async () => {
    await staged?.discard();
    await source.body.close();
  };
  return { kind: 'slow', headers: checksumHeaders(checksums), work, release };
}

function copiedRange({ headers }: Exchange, { record }: OpenObject): BodyRange {
  const header = headers['x-cos-copy-source-range'];
  return typeof header === 'string'
    ? parseCopyRange(header, record.sizeBytes)
    : { offsetBytes: 0, lengthBytes: record.sizeBytes };
}

async function checksumsOf({ body }: OpenObject, range: BodyRange): Promise<Checksums> {
  const md5 = createHash('md5');
  const crc64 = new Crc64();
  for await (const chunk of body.read(range.offsetBytes, range.lengthBytes)) {
    md5.update(chunk);
    crc64.update(chunk);
  }
  return { etag: `"${md5.digest('hex')}"`, crc64: crc64.digest() };
}

/** @throws CosError InvalidArgument, InvalidURI. */
function sourceOf({ headers }: Exchange): CopySource {
  const header = headers['x-cos-copy-source'];
  return parseCopySource(typeof header === 'string' ? header : '');
}

/** @throws CosError NoSuchBucket, NoSuchKey, InvalidObjectState, PreconditionFailed, InvalidArgument. */
async function openSource(exchange: Exchange): Promise<OpenObject> {
  const source = sourceOf(exchange);
  const object = await exchange.bucketNamed(source.bucket).open(source.key);
  if (!object) throw new CosError('NoSuchKey');
  try {
    checkReadable(object.record);
    checkCopySource(exchange.headers, object.record);
    return object;
  } catch (error) {
    await object.body.close();
    throw error;
  }
}
