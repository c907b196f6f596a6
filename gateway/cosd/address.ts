/**
 * Who is meant: bucket and region from the Host header, key and parameters from the request target, and
 * the source of a copy. Virtual hosts only, as in COS (no path style).
 */
import { CosError } from './errors.ts';
import { percentDecode } from './percent.ts';

export interface Target {
  /** Decoded, no leading slash; empty: the bucket itself. */
  readonly key: string;
  /** Decoded; a parameter without `=` has the empty value. The last of equal names counts. */
  readonly query: ReadonlyMap<string, string>;
}

const noQuery: ReadonlyMap<string, string> = new Map();

/** @throws CosError InvalidURI. */
export function parseTarget(rawTarget: string): Target {
  const target = rawTarget.startsWith('/') ? rawTarget : absoluteFormPath(rawTarget);
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? noQuery : parseQuery(target.slice(mark + 1));
  return { key: percentDecode(path.slice(1)), query };
}

/** `http://host/path`, as sent to a proxy. */
function absoluteFormPath(rawTarget: string): string {
  const path = /^https?:\/\/[^/?]*(.*)$/i.exec(rawTarget)?.[1];
  if (path === undefined) throw new CosError('InvalidURI');
  return path.startsWith('/') ? path : `/${path}`;
}

function parseQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    query.set(percentDecode(name), equals < 0 ? '' : percentDecode(pair.slice(equals + 1)));
  }
  return query;
}

export interface BucketHost {
  /** `<name>-<appid>`. */
  readonly bucket: string;
  /** Absent when the name does not tell: accelerate names and hosts that are not Tencent's. */
  readonly region?: string;
}

/**
 * `<bucket>.cos.<region>.myqcloud.com`, the same under tencentcos.cn, `cos-internal`, `cos.accelerate`,
 * and `<bucket>.<anything>` (a custom endpoint).
 * @throws CosError InvalidBucketName.
 */
export function parseHost(host: string): BucketHost {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  const dot = name.indexOf('.');
  const bucket = dot < 0 ? name : name.slice(0, dot);
  if (!isBucketName(bucket)) throw new CosError('InvalidBucketName');
  const region = /^cos(?:-internal)?\.([a-z\d-]+)\.(?:myqcloud\.com|tencentcos\.cn)$/.exec(
    name.slice(dot + 1),
  )?.[1];
  return region === undefined || region === 'accelerate' ? { bucket } : { bucket, region };
}

/** COS page 436/13312: lower-case letters, digits and hyphens, then the account's number. */
export function isBucketName(name: string): boolean {
  return /^[a-z\d](?:[a-z\d-]{0,48}[a-z\d])?-\d{1,12}$/.test(name);
}

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
}

/**
 * `<bucket>.cos.<region>.myqcloud.com/<encoded key>` (COS page 436/10881).
 * @throws CosError InvalidArgument, or InvalidURI for a broken escape.
 */
export function parseCopySource(header: string): CopySource {
  const slash = header.indexOf('/');
  const mark = header.indexOf('?', slash);
  const key = slash < 0 ? '' : percentDecode(header.slice(slash + 1, mark < 0 ? undefined : mark));
  if (key === '') {
    throw new CosError('InvalidArgument', {
      message: 'The x-cos-copy-source header is not valid.',
    });
  }
  return { bucket: parseHost(header.slice(0, slash)).bucket, key };
}
