/** What clients that show MLSD as it came print (RFC 3659 section 7.2). */
import type { ListedEntry } from './client.ts';

/** The directory itself and its parent are left out. */
export function parseFactLines(text: string): ListedEntry[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, facts = '', name] = /^((?:[^\s;=]+=[^;]*;)+) (.+)$/.exec(line) ?? [];
    if (name === undefined || /type=[cp]dir/i.test(facts)) return [];
    const size = /type=file/i.test(facts) ? /size=(\d+)/i.exec(facts)?.[1] : undefined;
    return [{ name, ...(size && { sizeBytes: Number(size) }) }];
  });
}
