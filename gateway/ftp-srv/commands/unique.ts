/** STOU: an upload under a name that nobody has (RFC 959 section 4.1.3, RFC 1123 section 4.1.2.9). */
import { randomBytes } from 'node:crypto';
import { uploadFile } from '../file-upload.ts';
import type { CommandEntry } from './entry.ts';
import { resolvePath } from './path.ts';
import { isAllowed } from './permission.ts';

export const uniqueCommands: readonly CommandEntry[] = [
  {
    verbs: ['STOU'],
    syntax: '[<path>]',
    description: 'Store a file under a new name, which the 150 tells',
    source: 'RFC 1123 section 4.1.2.9',
    argument: 'optional',
    login: 'required',
    transferParameters: 'forgotten',
    run: async (session, argument) => {
      if (session.restartBytes > 0) return session.reply(503, 'REST does not go with STOU');
      const name = uniqueName(argument, randomBytes(8).toString('hex'));
      const path = resolvePath(session, name);
      const key = session.account.jail.objectKey(path);
      if (!(await isAllowed(session, 'write', 'STOU', path))) return;
      // RFC 1123 wants exactly this; the name is one for the client's next command.
      await uploadFile(session, { path, key, opening: `FILE: ${name}` });
    },
  },
];

/**
 * `scans/page.pdf` becomes `scans/page-<suffix>.pdf`. Looking for a free name instead would let two
 * clients find the same one; 64 random bits never meet again.
 */
export function uniqueName(asked: string, suffix: string): string {
  const nameStart = asked.lastIndexOf('/') + 1;
  const directory = asked.slice(0, nameStart);
  const name = asked.slice(nameStart) || 'file';
  const dot = name.lastIndexOf('.');
  const end = dot > 0 ? dot : name.length;
  return `${directory}${name.slice(0, end)}-${suffix}${name.slice(end)}`;
}
