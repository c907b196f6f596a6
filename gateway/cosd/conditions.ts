/**
 * Preconditions of GET, HEAD (COS page 436/7745) and copy (436/10881): a version as it is against the
 * headers of a request. An ETag header outweighs the time header of the same direction (RFC 9110 section
 * 13.2.2).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { CosError } from './errors.ts';

export interface Version {
  readonly etag: string;
  readonly modifiedAtMs: number;
}

/** The reply to a read. */
export type ReadVerdict = 'send' | 'not-modified';

/** @throws CosError PreconditionFailed. */
export function checkRead(headers: IncomingHttpHeaders, version: Version): ReadVerdict {
  const holds = conditions(headers, '', version);
  if (holds.match === false) throw new CosError('PreconditionFailed');
  return holds.noneMatch === false ? 'not-modified' : 'send';
}

/** @throws CosError PreconditionFailed. */
export function checkCopySource(headers: IncomingHttpHeaders, version: Version): void {
  const holds = conditions(headers, 'x-cos-copy-source-', version);
  if (holds.match === false || holds.noneMatch === false) {
    throw new CosError('PreconditionFailed');
  }
}

/** Undefined: not asked. */
interface Holding {
  readonly match: boolean | undefined;
  readonly noneMatch: boolean | undefined;
}

function conditions(headers: IncomingHttpHeaders, prefix: string, version: Version): Holding {
  const header = (name: string): string | undefined => {
    const value = headers[prefix + name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const match = header('if-match');
  const noneMatch = header('if-none-match');
  const isNewerThan = (time: string | undefined) => isModifiedSince(version, time);
  return {
    match:
      match === undefined
        ? negate(isNewerThan(header('if-unmodified-since')))
        : hasEtag(match, version.etag),
    noneMatch:
      noneMatch === undefined
        ? isNewerThan(header('if-modified-since'))
        : !hasEtag(noneMatch, version.etag),
  };
}

function hasEtag(list: string, etag: string): boolean {
  const bare = unquote(etag);
  return list.split(',').some((item) => item.trim() === '*' || unquote(item.trim()) === bare);
}

/** ETags are compared without their quotes: SDKs send them either way. */
export function unquote(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

/** In whole seconds, as HTTP dates are. A date that cannot be read is not asked. */
function isModifiedSince(version: Version, time: string | undefined): boolean | undefined {
  const sinceMs = time === undefined ? Number.NaN : Date.parse(time);
  if (Number.isNaN(sinceMs)) return undefined;
  return Math.floor(version.modifiedAtMs / 1000) * 1000 > sinceMs;
}

function negate(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value;
}
