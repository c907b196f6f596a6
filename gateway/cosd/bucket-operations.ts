/** HEAD and GET of a bucket (COS pages 436/7735 and 436/7734). */
import type { KeptObject } from './bucket.ts';
import { CosError } from './errors.ts';
import { documentReply, type Exchange, emptyReply, type Reply } from './exchange.ts';
import { listPage } from './listing.ts';
import { xmlTime } from './object-headers.ts';
import { percentEncodeKey } from './percent.ts';
import { type XmlChild, xmlDocument } from './xml-writer.ts';

/** Default and bound of one page, keys and common prefixes together. */
export const listEntriesMax = 1000;

export async function headBucket(_exchange: Exchange): Promise<Reply> {
  return emptyReply(200);
}

export async function getBucket({ bucket, query }: Exchange): Promise<Reply> {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const marker = query.get('marker') ?? '';
  const entriesMax = countParameter(query, 'max-keys');
  const page = listPage(bucket.objects, { prefix, delimiter, marker, entriesMax });
  const encode = encoder(query);
  const owner = ownerOf(bucket.name);
  return documentReply(
    xmlDocument('ListBucketResult', [
      ['Name', bucket.name],
      ['EncodingType', query.get('encoding-type')],
      ['Prefix', encode(prefix)],
      ['Marker', encode(marker)],
      ['MaxKeys', entriesMax],
      ['Delimiter', delimiter === '' ? undefined : encode(delimiter)],
      ['IsTruncated', page.nextMarker !== undefined],
      ['NextMarker', page.nextMarker === undefined ? undefined : encode(page.nextMarker)],
      ...page.entries.map(([key, object]) => contents(encode(key), object, owner)),
      ...page.groups.map((group): XmlChild => ['CommonPrefixes', [['Prefix', encode(group)]]]),
    ]),
  );
}

function contents(encodedKey: string, { record }: KeptObject, owner: XmlChild): XmlChild {
  return [
    'Contents',
    [
      ['Key', encodedKey],
      ['LastModified', xmlTime(record.modifiedAtMs)],
      ['ETag', record.etag],
      ['Size', record.sizeBytes],
      owner,
      ['StorageClass', record.attributes.storageClass],
    ],
  ];
}

/** The account's number at the end of the bucket's name. */
export function ownerOf(bucketName: string): XmlChild {
  const account = bucketName.slice(bucketName.lastIndexOf('-') + 1);
  return [
    'Owner',
    [
      ['ID', account],
      ['DisplayName', account],
    ],
  ];
}

/** Values above the bound are cut to it. @throws CosError InvalidArgument. */
export function countParameter(
  query: ReadonlyMap<string, string>,
  name: string,
  countMax: number = listEntriesMax,
): number {
  const text = query.get(name) ?? '';
  if (text === '') return countMax;
  if (!/^\d{1,10}$/.test(text)) {
    throw new CosError('InvalidArgument', { message: `The parameter ${name} is not valid.` });
  }
  return Math.min(countMax, Number(text));
}

/** Keys, prefixes and markers as `encoding-type` asks. @throws CosError InvalidArgument. */
export function encoder(query: ReadonlyMap<string, string>): (text: string) => string {
  const type = query.get('encoding-type') ?? '';
  if (type === '') return (text) => text;
  if (type !== 'url') {
    throw new CosError('InvalidArgument', { message: 'The encoding-type can only be url.' });
  }
  return percentEncodeKey;
}
