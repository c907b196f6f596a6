/**
 * Whether a live object still is what was wished, so that nothing is sent when nothing has to change. Pure.
 *
 * Two looks are needed. The live object must contain every wished value (it may hold more: defaults of the
 * API server, other writers' annotations). And it must have been written from this very wish, told by a
 * hash in an annotation, because a field that is no longer wished would otherwise stay for ever: only an
 * apply without it takes it away.
 */
import { createHash } from 'node:crypto';

/** Hash of the wish from which an object was last written. */
export const wishHashAnnotation = 'cosftp.io/wish-hash';

interface Annotated {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> | undefined };
}

/** The object with the hash of itself among its annotations. */
export function withWishHash<T extends Annotated>(wished: T): T {
  const annotations = { ...wished.metadata?.annotations, [wishHashAnnotation]: hashOf(wished) };
  return { ...wished, metadata: { ...wished.metadata, annotations } };
}

/** @param wished as `withWishHash` gave it. */
export function isAsWished(wished: unknown, live: unknown): boolean {
  return live !== undefined && contains(live, wished);
}

/**
 * Objects may hold more than was wished; lists may not. A wished null or empty object is the same as
 * nothing: the API server drops those.
 */
export function contains(live: unknown, wished: unknown): boolean {
  if (wished === undefined || wished === null) return true;
  if (Array.isArray(wished)) {
    if (live === undefined) return wished.length === 0;
    if (!Array.isArray(live) || live.length !== wished.length) return false;
    return wished.every((item, index) => contains(live[index], item));
  }
  if (isRecord(wished)) {
    const entries = Object.entries(wished);
    if (live === undefined) return entries.every(([, value]) => contains(undefined, value));
    return isRecord(live) && entries.every(([key, value]) => contains(live[key], value));
  }
  return live === wished;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16);
}

/** Order of keys says nothing; undefined is nothing. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (!isRecord(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
