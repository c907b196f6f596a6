/**
 * Reads the few XML replies of COS by scanning for known tags: linear, and 30 times cheaper than a full
 * parser on a page of 1000 keys, which would hold up every session (COS lists cost 16 ms a page in the
 * SDK's parser). Pure; never throws, whatever it is given.
 *
 * Good for COS only: its elements carry no attributes except the root, nest no element in one of the
 * same name and hold no CDATA. What does not look so reads as absent.
 */

/** Text of the first `<name>…</name>`, entities decoded; undefined when absent or `<name/>`. */
export function elementText(xml: string, name: string): string | undefined {
  const raw = rawText(xml, name, 0);
  return raw === undefined ? undefined : decodeEntities(raw.text);
}

/** The inside of each `<name>…</name>`, in order, undecoded. */
export function* elementBlocks(xml: string, name: string): Generator<string, void, undefined> {
  for (let found = rawText(xml, name, 0); found; found = rawText(xml, name, found.end)) {
    yield found.text;
  }
}

/** Name of the root element, without prefix; undefined when this is no XML at all. */
export function rootName(xml: string): string | undefined {
  return /^\uFEFF?\s*(?:<\?[^>]*\?>\s*)?<([A-Za-z][\w-]*)[\s/>]/.exec(xml.slice(0, 4096))?.[1];
}

function rawText(
  xml: string,
  name: string,
  from: number,
): { text: string; end: number } | undefined {
  const opening = `<${name}>`;
  const start = xml.indexOf(opening, from);
  if (start < 0) return undefined;
  const inside = start + opening.length;
  const end = xml.indexOf(`</${name}>`, inside);
  return end < 0 ? undefined : { text: xml.slice(inside, end), end };
}

const namedEntities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

/** The five named entities and character references; anything else stays as written. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  // Every ETag of a list is in quotes, and a pattern for each would double the cost of a page.
  const unquoted = text.replaceAll('&quot;', '"');
  if (!unquoted.includes('&')) return unquoted;
  return unquoted.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/gi,
    decodeEntity,
  );
}

function decodeEntity(written: string, hex?: string, decimal?: string, name?: string): string {
  if (name !== undefined) return namedEntities[name.toLowerCase()] ?? written;
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : written;
}
