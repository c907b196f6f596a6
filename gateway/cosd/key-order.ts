/**
 * The order of keys in COS: by the bytes of their UTF-8 form (COS page 436/7734). It differs from the
 * order of JavaScript strings, which is by UTF-16 units: a surrogate pair (U+10000 and above) is higher
 * than U+E000 to U+FFFF in UTF-8 and lower in UTF-16. Never sort keys in another way.
 */

const firstSurrogate = 0xd800;
const afterSurrogates = 0xe000;

/** Negative, 0 or positive, as Array.sort wants it. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return utf8Rank(unitA) - utf8Rank(unitB);
  }
  return a.length - b.length;
}

/** Lifts surrogates above every other unit; relative order among themselves stays. */
function utf8Rank(unit: number): number {
  return unit >= firstSurrogate && unit < afterSurrogates ? unit + 0x1_0000 : unit;
}

/** A sorted copy without repeats. Keys without surrogates take the engine's own, faster order. */
export function sortKeys(keys: Iterable<string>): string[] {
  const unique = [...new Set(keys)];
  return unique.some((key) => /[\ud800-\udfff]/.test(key))
    ? unique.sort(compareKeys)
    : unique.sort();
}
