/** Multipart uploads (COS pages 436/7746, 7750, 7742, 7740, 7747, 7736). Copies of parts are elsewhere. */
import { randomBytes } from 'node:crypto';
import { attributesFrom } from './attributes.ts';
import { countParameter, encoder, ownerOf } from './bucket-operations.ts';
import { documentReply, type Exchange, emptyReply, type Reply } from './exchange.ts';
import { receiveBody, receiveText } from './intake.ts';
import { compareKeys } from './key-order.ts';
import { checkKey } from './key-rules.ts';
import { checksumHeaders, xmlTime } from './object-headers.ts';
import { overwriteFrom } from './object-operations.ts';
import { parsePartNumber } from './part-rules.ts';
import type { PartRecord } from './shelf.ts';
import { readPartList } from './xml-reader.ts';
import { type XmlChild, xmlDocument, xmlElement } from './xml-writer.ts';

export async function initiateUpload(exchange: Exchange): Promise<Reply> {
  const { bucket, key, headers } = exchange;
  checkKey(key);
  const initiatedAtMs = exchange.now();
  // Like COS: the time in front, so that ids of one key sort by age.
  const uploadId = `${Math.floor(initiatedAtMs / 1000)}${randomBytes(24).toString('hex')}`;
  const attributes = attributesFrom(headers, key);
  await bucket.beginUpload({ uploadId, key, initiatedAtMs, attributes });
  return documentReply(
    xmlDocument('InitiateMultipartUploadResult', [
      ['Bucket', bucket.name],
      ['Key', key],
      ['UploadId', uploadId],
    ]),
  );
}

export async function uploadPart(exchange: Exchange): Promise<Reply> {
  const { bucket, key } = exchange;
  const { number, uploadId } = partAddress(exchange);
  const staged = bucket.stage();
  try {
    const checksums = await receiveBody(exchange.incoming, staged, exchange.intake);
    const record: PartRecord = {
      number,
      sizeBytes: staged.sizeBytes,
      modifiedAtMs: exchange.now(),
      ...checksums,
    };
    await bucket.putPart(key, uploadId, record, staged);
    return emptyReply(200, checksumHeaders(checksums));
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/** Refuses before the body is read. @throws CosError InvalidArgument, NoSuchUpload. */
export function partAddress({ bucket, key, query }: Exchange): {
  number: number;
  uploadId: string;
} {
  const number = parsePartNumber(query.get('partNumber'));
  const uploadId = query.get('uploadId') ?? '';
  bucket.upload(key, uploadId);
  return { number, uploadId };
}

/** 10,000 parts as the SDK writes them are 853 KB. */
const partListBytesMax = 2 * 1024 * 1024;

/** What can be refused is refused with its status; only the joining happens behind the 200. */
export async function completeUpload(exchange: Exchange): Promise<Reply> {
  const { bucket, key, host } = exchange;
  const uploadId = exchange.query.get('uploadId') ?? '';
  const xml = await receiveText(exchange.incoming, partListBytesMax, exchange.intake);
  const listed = readPartList(xml);
  const checksums = bucket.checkComplete(key, uploadId, listed);
  const overwrite = overwriteFrom(exchange);
  const work = async () => {
    const modifiedAtMs = exchange.now();
    const record = await bucket.complete({ key, modifiedAtMs, overwrite }, uploadId, listed);
    return xmlElement('CompleteMultipartUploadResult', [
      ['Location', `${host}/${key}`],
      ['Bucket', bucket.name],
      ['Key', key],
      ['ETag', record.etag],
    ]);
  };
  return {
    kind: 'slow',
    headers: checksumHeaders(checksums),
    work,
    release: async () => undefined,
  };
}

export async function abortUpload({ bucket, key, query }: Exchange): Promise<Reply> {
  await bucket.abort(key, query.get('uploadId') ?? '');
  return emptyReply(204);
}

export async function listParts({ bucket, key, query }: Exchange): Promise<Reply> {
  const { record, parts } = bucket.upload(key, query.get('uploadId') ?? '');
  const after = countParameter(query, 'part-number-marker', Number.MAX_SAFE_INTEGER);
  const first = query.get('part-number-marker') ? after : 0;
  const partsMax = countParameter(query, 'max-parts');
  const encode = encoder(query);
  const rest = [...parts.values()]
    .map((part) => part.record)
    .filter(({ number }) => number > first)
    .toSorted((a, b) => a.number - b.number);
  const page = rest.slice(0, partsMax);
  const isTruncated = rest.length > page.length;
  return documentReply(
    xmlDocument('ListPartsResult', [
      ['Bucket', bucket.name],
      ['Encoding-type', query.get('encoding-type')],
      ['Key', encode(key)],
      ['UploadId', record.uploadId],
      ownerOf(bucket.name),
      ['PartNumberMarker', first],
      ['NextPartNumberMarker', isTruncated ? page.at(-1)?.number : undefined],
      ['StorageClass', record.attributes.storageClass],
      ['MaxParts', partsMax],
      ['IsTruncated', isTruncated],
      ...page.map(partElement),
    ]),
  );
}

function partElement(part: PartRecord): XmlChild {
  return [
    'Part',
    [
      ['PartNumber', part.number],
      ['LastModified', xmlTime(part.modifiedAtMs)],
      ['ETag', part.etag],
      ['Size', part.sizeBytes],
    ],
  ];
}

export async function listUploads({ bucket, query }: Exchange): Promise<Reply> {
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const uploadIdMarker = query.get('upload-id-marker') ?? '';
  const uploadsMax = countParameter(query, 'max-uploads');
  const encode = encoder(query);
  const rest = bucket.uploads().filter(({ record }) => {
    if (!record.key.startsWith(prefix)) return false;
    const order = keyMarker === '' ? 1 : compareKeys(record.key, keyMarker);
    const isLaterOfSameKey = uploadIdMarker !== '' && record.uploadId > uploadIdMarker;
    return order > 0 || (order === 0 && isLaterOfSameKey);
  });
  const page = rest.slice(0, uploadsMax).map(({ record }) => record);
  const last = rest.length > page.length ? page.at(-1) : undefined;
  return documentReply(
    xmlDocument('ListMultipartUploadsResult', [
      ['Bucket', bucket.name],
      ['Encoding-Type', query.get('encoding-type')],
      ['KeyMarker', encode(keyMarker)],
      ['UploadIdMarker', uploadIdMarker],
      ['NextKeyMarker', last && encode(last.key)],
      ['NextUploadIdMarker', last?.uploadId],
      ['MaxUploads', uploadsMax],
      ['IsTruncated', last !== undefined],
      ['Prefix', encode(prefix)],
      ...page.map(
        (upload): XmlChild => [
          'Upload',
          [
            ['Key', encode(upload.key)],
            ['UploadId', upload.uploadId],
            ['StorageClass', upload.attributes.storageClass],
            ownerOf(bucket.name),
            ['Initiated', xmlTime(upload.initiatedAtMs)],
          ],
        ],
      ),
    ]),
  );
}
