/** Pages of GET Bucket (COS page 436/7734) over a directory of 100,000 names that nobody made. */

export const manyNames = 100_000;
const prefix = 'many/';
const pageNames = 1000;
const pages = new Map<number, Buffer>();

export function nameAt(index: number): string {
  return `file-${String(index).padStart(6, '0')}.dat`;
}

/** Of any other prefix: empty. */
export function listPage(query: URLSearchParams): Buffer {
  if (query.get('prefix') !== prefix) return Buffer.from(document('', undefined));
  const marker = query.get('marker') ?? '';
  const begin = marker === '' ? 0 : Number(/(\d+)\.dat$/.exec(marker)?.[1] ?? manyNames) + 1;
  const wanted = Math.min(pageNames, Number(query.get('max-keys') ?? pageNames));
  if (wanted < pageNames) return page(begin, wanted);
  const known = pages.get(begin);
  if (known) return known;
  const made = page(begin, wanted);
  pages.set(begin, made);
  return made;
}

function page(begin: number, wanted: number): Buffer {
  const end = Math.min(manyNames, begin + wanted);
  let contents = '';
  for (let index = begin; index < end; index++) {
    const key = `${prefix}${nameAt(index)}`;
    contents += `<Contents><Key>${key}</Key><LastModified>2026-03-01T12:00:00.000Z</LastModified><ETag>"0123456789abcdef0123456789abcdef"</ETag><Size>${index}</Size><Owner><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Owner><StorageClass>STANDARD</StorageClass></Contents>`;
  }
  const next = end < manyNames ? `${prefix}${nameAt(end - 1)}` : undefined;
  return Buffer.from(document(contents, next));
}

function document(contents: string, nextMarker: string | undefined): string {
  const truncated =
    nextMarker === undefined
      ? '<IsTruncated>false</IsTruncated>'
      : `<IsTruncated>true</IsTruncated><NextMarker>${nextMarker}</NextMarker>`;
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>inbox</Name><EncodingType>url</EncodingType><MaxKeys>1000</MaxKeys>${truncated}${contents}</ListBucketResult>`;
}
