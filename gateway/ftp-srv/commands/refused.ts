/**
 * Commands that are known and meant to stay without effect: a client, or whoever reads its log, learns
 * why instead of meeting an unknown word. What no family and no row here names is answered 502 as well.
 */
import type { CommandEntry } from './entry.ts';

interface Refusal {
  readonly verb: string;
  readonly source: string;
  readonly reason: string;
}

const otherSecurity = 'Only TLS protects a session here';
const otherPassive = 'Use PASV or EPSV';

const refusals: readonly Refusal[] = [
  { verb: 'ACCT', source: 'RFC 959 section 4.1.1', reason: 'No account beside user and password' },
  { verb: 'SMNT', source: 'RFC 959 section 4.1.1', reason: 'There is one file system only' },
  { verb: 'ADAT', source: 'RFC 2228 section 3', reason: otherSecurity },
  { verb: 'MIC', source: 'RFC 2228 section 3', reason: otherSecurity },
  { verb: 'CONF', source: 'RFC 2228 section 3', reason: otherSecurity },
  { verb: 'ENC', source: 'RFC 2228 section 3', reason: otherSecurity },
  { verb: 'PRET', source: 'convention', reason: 'PASV and EPSV need no announcement' },
  { verb: 'SPSV', source: 'convention', reason: otherPassive },
  { verb: 'CPSV', source: 'convention', reason: 'No transfers between servers: use PASV or EPSV' },
  { verb: 'SSCN', source: 'convention', reason: 'No transfers between servers' },
  { verb: 'ESTP', source: 'convention', reason: otherPassive },
];

export const refusedCommands: readonly CommandEntry[] = refusals.map(
  ({ verb, source, reason }) => ({
    verbs: [verb],
    syntax: '',
    description: `Not supported. ${reason}`,
    source,
    argument: 'optional',
    login: 'not-required',
    standing: 'refused',
    transferParameters: 'kept',
    run: (session) => session.reply(502, `Not supported. ${reason}`),
  }),
);
