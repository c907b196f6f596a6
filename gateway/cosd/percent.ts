/**
 * Percent encoding as COS signs and lists it: UTF-8, the unreserved set of RFC 3986, upper-case digits.
 */
import { CosError } from './errors.ts';

/** RFC 3986 section 2.3: also `!'()*`, which encodeURIComponent leaves. */
export function percentEncode(text: string): string {
  if (/^[\w.~-]*$/.test(text)) return text;
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The same with slashes kept, for keys in addresses and lists. */
export function percentEncodeKey(key: string): string {
  if (/^[\w.~/-]*$/.test(key)) return key;
  return percentEncode(key).replaceAll('%2F', '/');
}

/** `+` stays a plus. @throws CosError InvalidURI for broken escapes and for bytes that are not UTF-8. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new CosError('InvalidURI', { cause: error });
  }
}
