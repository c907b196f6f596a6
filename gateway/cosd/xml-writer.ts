/**
 * Writes the XML of replies. Text is escaped here and nowhere else; control characters, which keys may
 * hold and XML 1.0 may not, go out as character references, the way COS sends them (a client that wants
 * to parse them asks for encoding-type=url).
 */

const prolog = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Children in order; undefined ones are left out. */
export type XmlChild = readonly [name: string, content: XmlContent];
export type XmlContent = string | number | boolean | undefined | readonly XmlChild[];

export function xmlDocument(name: string, children: readonly XmlChild[]): string {
  return prolog + xmlElement(name, children);
}

export function xmlElement(name: string, content: XmlContent): string {
  if (content === undefined) return '';
  const inner =
    typeof content === 'object'
      ? content.map(([childName, child]) => xmlElement(childName, child)).join('')
      : escapeXml(String(content));
  return inner === '' ? `<${name}/>` : `<${name}>${inner}</${name}>`;
}

const mustEscape = /[&<>\u0000-\u001f\u007f]/;
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

export function escapeXml(text: string): string {
  if (!mustEscape.test(text)) return text;
  return text.replace(
    /[&<>\u0000-\u001f\u007f]/g,
    (character) =>
      escapes[character] ?? `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`,
  );
}
