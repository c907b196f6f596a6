/**
 * Control lines a client might send: well-formed, odd and broken. Pure: a seed replays every byte.
 *
 * Names come from a small pool, so that sessions meet each other's files and a million lines do not fill
 * the store. `HELP SYST` is never drawn: the client uses it to find its place again (client.ts).
 */
import { commandVerbs } from '#gateway/ftp-srv/commands/table.ts';
import type { SeededRandom } from '#test/support/random.ts';

/** Accounts of the gateway under test, see gateway-process.ts. All have the same password. */
export const fuzzUsers = ['alice', 'bob', 'carol', 'dora'] as const;
export const fuzzPassword = 'secret';

/** End a login or the connection: drawn apart, or no session would ever get deep. */
const endingVerbs: ReadonlySet<string> = new Set(['QUIT', 'REIN', 'USER', 'PASS', 'AUTH']);
/** Drawn apart because an unused reservation keeps its port from the client for a while. */
const reservingVerbs: ReadonlySet<string> = new Set(['PASV', 'EPSV', 'PORT', 'EPRT']);

const everydayVerbs = commandVerbs.filter(
  (verb) => !endingVerbs.has(verb) && !reservingVerbs.has(verb),
);
const strangeVerbs = [
  ['APPE', 'STOU', 'SITE', 'ACCT', 'SMNT', 'MFMT', 'HASH', 'PBSZ', 'PROT', 'CCC', 'HOST', 'LANG'],
  ['XYZZY', 'STORE', 'S', 'GET', 'HTTP/1.1', 'Üser', 'CLNT', 'AVBL', 'MFF', 'PRET', 'MODE', 'STRU'],
].flat();

const names = [
  ['a', 'b', 'c.txt', 'dir', 'dir/a', 'dir/deep/b', '/', '..', '.', './a', '../../a', 'dir/'],
  ['/dir/../a', '//dir//a', 'a b', ' a', 'a ', '"quoted"', 'a"b', '-la', '-l dir', '*', '*.txt'],
  ['[ab]*', '?', 'dir/*', '{a,b}', 'a[', '~', '~alice', '%2e%2e', '%s%s%n', 'a;b', "a'b", 'a|b'],
  ['ä', '文件', '文件/名', 'e\u0301', '\u202eabc', '😀', 'a\\b', 'C:\\a', '.cosftp', '.cosftp/x'],
  ['n'.repeat(200), 'n'.repeat(850), 'n'.repeat(851), 'd/'.repeat(300), '文'.repeat(283)],
].flat();

const numbers = [
  ['0', '1', '00', '-1', '+1', '1.5', '1e3', '0x10', '100', '1048576', '2097152', '4294967296'],
  ['9007199254740991', '9007199254740993', '99999999999999999999', '5 R 80', 'R', 'nine', '٣'],
].flat();

const words = [
  ['A', 'A N', 'I', 'L 8', 'L 7', 'E', 'S', 'F', 'R', 'B', 'ALL', '1', '2', '3', 'UTF8 ON'],
  ['UTF8 OFF', 'MLST', 'MLST size;type;', 'MLST x;;;', 'HASH CRC64', 'STOR', 'NOPE', 'UTF8', 'TLS'],
  ['127,0,0,1,4,1', '10,0,0,1,0,21', '1,2,3', '256,0,0,1,1,1', '|1|127.0.0.1|1025|', '|2|::1|99|'],
  [
    '|||1|',
    '20240229120000 a',
    '20240230120000 a',
    'UTIME 20240229120000 a',
    'CHMOD 644 a',
    'HELP',
    'P',
    'C',
    '65536',
  ],
].flat();

const wrongLogins: readonly string[] = [
  'USER nobody',
  'PASS wrong',
  'USER ',
  'PASS',
  'USER alice',
  'REIN',
  'AUTH NOPE',
].flat();

/** One line without its end. */
export function drawLine(random: SeededRandom): string {
  const chance = random.next();
  if (chance < 0.03) return pick(random, [...reservingVerbs]) + drawArgument(random, 0.8);
  if (chance < 0.04) return pick(random, wrongLogins);
  if (chance < 0.1) return pick(random, strangeVerbs) + drawArgument(random, 0.3);
  if (chance < 0.13)
    return pick(random, ['', ' ', ' NOOP', '\t', 'NOOP ', 'noop', 'NoOp x', '  a']);
  const verb = pick(random, everydayVerbs);
  return (random.next() < 0.1 ? verb.toLowerCase() : verb) + drawArgument(random, 0.2);
}

/** The name of a file or directory. */
export function drawName(random: SeededRandom): string {
  return pick(random, names);
}

export function drawNumber(random: SeededRandom): string {
  return pick(random, numbers);
}

export function pick<T>(random: SeededRandom, items: readonly T[]): T {
  const item = items[random.between(0, items.length - 1)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

/** With its space in front; empty with the chance given. */
function drawArgument(random: SeededRandom, emptyChance: number): string {
  const chance = random.next();
  if (chance < emptyChance) return '';
  const argument = pick(random, [names, names, numbers, words]);
  const text = pick(random, argument);
  if (random.next() > 0.03) return ` ${text}`;
  return ` ${text}${pick(random, ['\u0000', '\u0007', '\u001b[2J', '\r', '\u0085', '\u007f', '\t'])}x`;
}
