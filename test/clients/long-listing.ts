/** What clients that show LIST as it came print: the lines of `ls -l`. */
import type { ListedEntry } from './client.ts';

/** Type and rights, links, owner, group, size, month, day, time or year, name. */
const line = /^([-dl])\S{9,}\s+\d+\s+\S+\s+\S+\s+(\d+)\s+\S+\s+\d+\s+[\d:]+ (.+)$/;

/** Other lines (`total 3`, a client's own words) are left out. */
export function parseLongListing(lines: readonly string[]): ListedEntry[] {
  return lines.flatMap((text) => {
    const found = line.exec(text.replace(/\r$/, ''));
    if (!found) return [];
    const [, type, size = '', name = ''] = found;
    return [{ name, ...(type === '-' && { sizeBytes: Number(size) }) }];
  });
}

/** One name a line, perhaps with its directory in front. */
export function parseNames(text: string): ListedEntry[] {
  const lines = text.split('\n').map((name) => name.replace(/\r$/, ''));
  return lines
    .filter((name) => name !== '')
    .map((name) => ({ name: name.slice(name.lastIndexOf('/') + 1) }));
}
