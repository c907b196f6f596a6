/** PUT, GET, HEAD and DELETE of one object (COS pages 436/7749, 7753, 7745, 7743). */
import { attributesFrom } from './attributes.ts';
import { checkRead } from './conditions.ts';
import { asCosError, CosError } from './errors.ts';
import { documentReply, type Exchange, emptyReply, type Reply } from './exchange.ts';
import { receiveBody, receiveText } from './intake.ts';
import { checkKey } from './key-rules.ts';
import { checksumHeaders, objectHeaders } from './object-headers.ts';
import { parseRange } from './range.ts';
import type { ObjectRecord } from './shelf.ts';
import { readDeleteList } from './xml-reader.ts';
import { type XmlChild, xmlDocument } from './xml-writer.ts';

export async function putObject(exchange: Exchange): Promise<Reply> {
  const { bucket, key, headers } = exchange;
  checkKey(key);
  const attributes = attributesFrom(headers, key);
  const overwrite = overwriteFrom(exchange);
  const staged = bucket.stage();
  try {
    const checksums = await receiveBody(exchange.incoming, staged, exchange.intake);
    const modifiedAtMs = exchange.now();
    await bucket.put({ key, attributes, modifiedAtMs, overwrite, ...checksums }, staged);
    return emptyReply(200, checksumHeaders(checksums));
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/** COS ignores the header in buckets that ever had versioning; the embedded COS has none. */
export function overwriteFrom({ headers }: Exchange): 'allowed' | 'forbidden' {
  return headers['x-cos-forbid-overwrite'] === 'true' ? 'forbidden' : 'allowed';
}

export async function getObject(exchange: Exchange): Promise<Reply> {
  const object = await exchange.bucket.open(exchange.key);
  if (!object) throw new CosError('NoSuchKey');
  try {
    const { record } = object;
    checkReadable(record);
    if (checkRead(exchange.headers, record) === 'not-modified') return notModified(record);
    const range = parseRange(exchange.headers.range, record.sizeBytes);
    const { offsetBytes, lengthBytes } = range ?? { offsetBytes: 0, lengthBytes: record.sizeBytes };
    const headers = objectHeaders(record);
    headers['Content-Length'] = lengthBytes;
    if (range) headers['Content-Range'] = contentRange(offsetBytes, lengthBytes, record.sizeBytes);
    return { kind: 'object', status: range ? 206 : 200, headers, object, offsetBytes, lengthBytes };
  } catch (error) {
    await object.body.close();
    throw error;
  }
}

function contentRange(offsetBytes: number, lengthBytes: number, sizeBytes: number): string {
  return `bytes ${offsetBytes}-${offsetBytes + lengthBytes - 1}/${sizeBytes}`;
}

function notModified(record: ObjectRecord): Reply {
  return emptyReply(304, checksumHeaders(record));
}

/** Archived bytes cannot be read before a restore, which the embedded COS does not offer. */
export function checkReadable(record: ObjectRecord): void {
  if (/^(?:MAZ_)?(?:DEEP_)?ARCHIVE$/.test(record.attributes.storageClass)) {
    throw new CosError('InvalidObjectState');
  }
}

export async function headObject({ bucket, key, headers }: Exchange): Promise<Reply> {
  const record = bucket.find(key);
  if (!record) throw new CosError('NoSuchKey');
  if (checkRead(headers, record) === 'not-modified') return notModified(record);
  return emptyReply(200, { ...objectHeaders(record), 'Content-Length': record.sizeBytes });
}

/** 204 also when there was nothing. */
export async function deleteObject({ bucket, key }: Exchange): Promise<Reply> {
  await bucket.delete(key);
  return emptyReply(204);
}

/** 1000 keys of 850 bytes, percent-encoded or as entities, and their tags. */
const deleteListBytesMax = 4 * 1024 * 1024;

/** COS page 436/8289. Content-MD5 is a must. */
export async function deleteObjects(exchange: Exchange): Promise<Reply> {
  const { headers, incoming } = exchange;
  if (!headers['content-md5']) throw new CosError('MissingContentMD5');
  const xml = await receiveText(incoming, deleteListBytesMax, exchange.intake);
  const { keys, quiet } = readDeleteList(xml);
  const results = await Promise.all(keys.map((key) => deleteOne(exchange, key)));
  const told = results.filter(([name]) => !quiet || name === 'Error');
  return documentReply(xmlDocument('DeleteResult', told));
}

async function deleteOne({ bucket }: Exchange, key: string): Promise<XmlChild> {
  try {
    await bucket.delete(key);
    return ['Deleted', [['Key', key]]];
  } catch (error) {
    const { kind, message } = asCosError(error);
    return [
      'Error',
      [
        ['Key', key],
        ['Code', kind],
        ['Message', message],
      ],
    ];
  }
}
