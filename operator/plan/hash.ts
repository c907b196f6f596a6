/** Short hashes of wishes, for telling whether what runs was made from the present one. Pure. */
import { createHash } from 'node:crypto';

/** @param value plain JSON, made by the same code each time, so that the order of its words is the same. */
export function shortHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);
}
