/**
 * What a fuzzed client does next, as a value: a scene of a few steps, drawn from a seed and nothing else.
 * Replies change what a step can achieve (no port, no data connection), never which step comes next, so
 * that a seed replays every session's bytes; only the interleaving of sessions is the machine's.
 */
import { KiB, MiB } from '#gateway/kit/bytes.ts';
import type { SeededRandom } from '#test/support/random.ts';
import { cutIntoSegments, drawBinary, drawLongLine, drawTelnet, endlessLine } from './noise.ts';
import { drawLine, drawName, drawNumber, fuzzPassword, fuzzUsers, pick } from './vocabulary.ts';

/** How many final replies bytes are owed; `unknown` until the client finds its place again. */
export type OwedReplies = number | 'unknown';

export interface Sending {
  readonly kind: 'send';
  /** Each is a write of its own. */
  readonly segments: readonly Buffer[];
  /** For the count; half a line counts as one. */
  readonly lines: number;
  readonly owed: OwedReplies;
}

/** How a data connection ends. `hold`: not by the client. */
export type DataEnd = 'fin' | 'rst' | 'half-close' | 'hold';

export type Step =
  | Sending
  /** Waits for every owed reply. */
  | { readonly kind: 'settle' }
  /** PASV or EPSV, and its reply. */
  | { readonly kind: 'reserve'; readonly verb: 'PASV' | 'EPSV' }
  /** A data connection to the last port; a stranger comes from another address. */
  | {
      readonly kind: 'open';
      readonly as: 'owner' | 'stranger';
      /** Whether it is TLS or clear as PROT says. */
      readonly protection: 'agreed' | 'other';
    }
  /** AUTH TLS with these lines behind it in clear, and what the client does after the 234. */
  | {
      readonly kind: 'secure';
      readonly smuggled: readonly string[];
      readonly next: 'handshake' | 'garbage' | 'silence';
    }
  | {
      readonly kind: 'data';
      readonly writeBytes: number;
      readonly reads: 'all' | 'none';
      readonly end: DataEnd;
    }
  /** Turns of the event loop. */
  | { readonly kind: 'wait'; readonly turns: number }
  /** Replies are not read from here to the next `settle`. */
  | { readonly kind: 'deafen' }
  /** The control connection ends; the next scene begins with a new one. */
  | { readonly kind: 'leave'; readonly how: 'fin' | 'rst' | 'half-close' };

export interface Scene {
  readonly name: string;
  readonly steps: readonly Step[];
  /** The server may close the connection without a word. */
  readonly mayBeClosed?: true;
}

export function drawScene(random: SeededRandom): Scene {
  let at = random.next() * weightSum;
  const chosen = scenes.find(({ weight }) => (at -= weight) < 0) ?? scenes[0];
  if (!chosen) throw new Error('no scene');
  return { name: chosen.name, ...chosen.draw(random) };
}

/** The lines that log in as that user. */
export function loginLines(user: string): Sending {
  return send([Buffer.from(`USER ${user}\r\nPASS ${fuzzPassword}\r\n`)], 2, 2);
}

/** Of a session before it begins. */
export function drawUser(random: SeededRandom): string {
  return pick(random, fuzzUsers);
}

type Drawn = Pick<Scene, 'steps' | 'mayBeClosed'>;

const scenes: readonly {
  readonly name: string;
  readonly weight: number;
  readonly draw: (random: SeededRandom) => Drawn;
}[] = [
  { name: 'dialogue', weight: 20, draw: dialogue },
  { name: 'burst', weight: 30, draw: burst },
  { name: 'transfer', weight: 120, draw: transfer },
  { name: 'rename', weight: 12, draw: rename },
  { name: 'deaf', weight: 1, draw: deaf },
  { name: 'login', weight: 3, draw: login },
  { name: 'long line', weight: 2, draw: longLine },
  { name: 'telnet', weight: 3, draw: telnet },
  { name: 'binary', weight: 2, draw: binary },
  { name: 'endless line', weight: 0.1, draw: endless },
  { name: 'secure', weight: 8, draw: secure },
  { name: 'no handshake', weight: 1, draw: failedHandshake },
  { name: 'protection', weight: 4, draw: protection },
  { name: 'leave', weight: 8, draw: leave },
];
const weightSum = scenes.reduce((sum, { weight }) => sum + weight, 0);

/** One line at a time, each answered before the next. */
function dialogue(random: SeededRandom): Drawn {
  const count = random.between(1, 8);
  return {
    steps: Array.from({ length: count }, () => [sendLines(random, 1), settle]).flat(),
  };
}

/** Many lines at once. */
function burst(random: SeededRandom): Drawn {
  return { steps: [sendLines(random, random.between(2, 80)), settle] };
}

/** More replies than the client's window holds, and nobody reads them. */
function deaf(random: SeededRandom): Drawn {
  const line = pick(random, ['HELP\r\n', 'FEAT\r\n', 'NOOP\r\n', 'STAT\r\n']);
  const count = random.between(100, 900);
  return {
    steps: [deafen, send([Buffer.from(line.repeat(count))], count, count), wait(random), settle],
  };
}

function login(random: SeededRandom): Drawn {
  const wrong = `USER ${drawUser(random)}\r\nPASS ${pick(random, ['', 'wrong', 'x'.repeat(99)])}\r\n`;
  const isWrong = random.next() < 0.3;
  return {
    steps: [
      ...(isWrong ? [send([Buffer.from(wrong)], 2, 2), settle] : []),
      loginLines(drawUser(random)),
      settle,
    ],
  };
}

function rename(random: SeededRandom): Drawn {
  const lines = [
    `RNFR ${drawName(random)}`,
    ...(random.next() < 0.2 ? [drawLine(random)] : []),
    `RNTO ${drawName(random)}`,
  ];
  return { steps: [sendTexts(random, lines), settle] };
}

function longLine(random: SeededRandom): Drawn {
  return { steps: [send(cutIntoSegments(random, drawLongLine(random)), 1, 1), settle] };
}

function telnet(random: SeededRandom): Drawn {
  return { steps: [send(cutIntoSegments(random, drawTelnet(random)), 1, 'unknown'), settle] };
}

function binary(random: SeededRandom): Drawn {
  return { steps: [send(cutIntoSegments(random, drawBinary(random)), 1, 'unknown'), settle] };
}

function endless(): Drawn {
  return { steps: [send([endlessLine()], 1, 'unknown'), settle], mayBeClosed: true };
}

/** Into TLS, mostly with protected data connections after it; sometimes with lines that try to come along. */
function secure(random: SeededRandom): Drawn {
  const smuggled = random.next() < 0.3 ? drawSmuggled(random) : [];
  return {
    steps: [
      { kind: 'secure', smuggled, next: 'handshake' },
      ...maybe(random, 0.8, sendTexts(random, ['PBSZ 0', 'PROT P'])),
      settle,
    ],
    // What TCP delivers late is taken for a broken handshake.
    ...(smuggled.length > 0 && { mayBeClosed: true }),
  };
}

function drawSmuggled(random: SeededRandom): string[] {
  const lines = [`USER ${drawUser(random)}`, `PASS ${fuzzPassword}`, 'NOOP', 'AUTH TLS', 'QUIT'];
  return Array.from({ length: random.between(1, 4) }, () => pick(random, lines));
}

/** 234, and then anything but TLS. */
function failedHandshake(random: SeededRandom): Drawn {
  const next = pick(random, ['garbage', 'silence'] as const);
  const how = pick(random, ['fin', 'rst', 'half-close'] as const);
  return {
    steps: [
      { kind: 'secure', smuggled: [], next },
      { kind: 'leave', how },
    ],
    mayBeClosed: true,
  };
}

function protection(random: SeededRandom): Drawn {
  const lines = [
    'PBSZ 0',
    'PBSZ 0',
    'PBSZ 16384',
    'PBSZ x',
    'PROT P',
    'PROT P',
    'PROT C',
    'PROT S',
  ];
  const count = random.between(1, 4);
  const texts = Array.from({ length: count }, () => pick(random, [...lines, 'CCC', 'AUTH NOPE']));
  return { steps: [sendTexts(random, texts), settle] };
}

/** Away, with or without unanswered lines behind. */
function leave(random: SeededRandom): Drawn {
  const how = pick(random, ['fin', 'rst', 'half-close'] as const);
  const hasWork = random.next() < 0.6;
  const isPolite = random.next() < 0.3;
  return {
    steps: [
      ...(hasWork ? [sendLines(random, random.between(1, 20))] : []),
      ...(isPolite ? [sendTexts(random, ['QUIT'])] : []),
      { kind: 'leave', how },
    ],
  };
}

/** The heart: a data connection, a command that uses it, and something that goes wrong. */
function transfer(random: SeededRandom): Drawn {
  const connecting = pick(random, ['early', 'early', 'early', 'late', 'late', 'never'] as const);
  const open: Step = {
    kind: 'open',
    as: random.next() < 0.03 ? 'stranger' : 'owner',
    protection: random.next() < 0.02 ? 'other' : 'agreed',
  };
  const preamble = random.next() < 0.4 ? [sendTexts(random, drawPreamble(random))] : [];
  return {
    steps: [
      ...preamble,
      ...(random.next() < 0.95 ? [reserve(random)] : []),
      ...(connecting === 'early' ? [open, ...maybe(random, 0.05, drawData(random))] : []),
      sendTexts(random, [drawTransferLine(random)]),
      ...(connecting === 'late' ? [wait(random), open] : []),
      ...(connecting === 'never' ? [wait(random), ...maybe(random, 0.8, abort(random))] : []),
      ...maybe(random, 0.15, sendTexts(random, [pick(random, meanwhile), pick(random, meanwhile)])),
      ...maybe(random, 0.1, abort(random)),
      drawData(random),
      ...maybe(random, 0.1, abort(random)),
      ...maybe(random, 0.08, sendLines(random, random.between(1, 10))),
      ...(random.next() < 0.06
        ? [{ kind: 'leave', how: pick(random, ['fin', 'rst', 'half-close'] as const) } as const]
        : [settle]),
    ],
  };
}

const meanwhile = ['NOOP', 'STAT', 'NOOP', 'STAT a', 'PWD', 'ABOR'];

function drawPreamble(random: SeededRandom): string[] {
  const lines = [
    'TYPE I',
    `REST ${drawNumber(random)}`,
    `ALLO ${drawNumber(random)}`,
    `RNFR ${drawName(random)}`,
    `CWD ${drawName(random)}`,
    'CWD /',
    `MKD ${drawName(random)}`,
    `DELE ${drawName(random)}`,
  ];
  return Array.from({ length: random.between(1, 3) }, () => pick(random, lines));
}

function drawTransferLine(random: SeededRandom): string {
  const verbs = ['STOR', 'STOR', 'STOR', 'STOR', 'APPE', 'STOU', 'RETR', 'RETR', 'LIST', 'NLST'];
  const verb = pick(random, [...verbs, 'MLSD', 'STAT', 'LIST -la']);
  return random.next() < 0.1 ? verb : `${verb} ${drawName(random)}`;
}

function drawData(random: SeededRandom): Step {
  const sizes = [0, 1, 100, KiB, KiB, 10 * KiB, 100 * KiB];
  // Sizes around the first part, where one request becomes many.
  const large = [MiB - 1, MiB, MiB + 1, 3 * MiB];
  return {
    kind: 'data',
    writeBytes: random.next() < 0.03 ? pick(random, large) : pick(random, sizes),
    reads: random.next() < 0.85 ? 'all' : 'none',
    end: random.next() < 0.02 ? 'hold' : pick(random, ['fin', 'half-close', 'half-close', 'rst']),
  };
}

function abort(random: SeededRandom): Step {
  if (random.next() < 0.7) return sendTexts(random, ['ABOR']);
  return send([Buffer.from([0xff, 0xf4, 0xff, 0xf2]), Buffer.from('ABOR\r\n')], 1, 1);
}

function reserve(random: SeededRandom): Step {
  return { kind: 'reserve', verb: random.next() < 0.5 ? 'PASV' : 'EPSV' };
}

function maybe(random: SeededRandom, chance: number, step: Step): readonly Step[] {
  return random.next() < chance ? [step] : [];
}

function sendLines(random: SeededRandom, count: number): Sending {
  return sendTexts(
    random,
    Array.from({ length: count }, () => drawLine(random)),
  );
}

function sendTexts(random: SeededRandom, lines: readonly string[]): Sending {
  const end = random.next() < 0.9 ? '\r\n' : '\n';
  const bytes = Buffer.from(lines.map((line) => line + end).join(''));
  return send(cutIntoSegments(random, bytes), lines.length, lines.length);
}

function send(segments: readonly Buffer[], lines: number, owed: OwedReplies): Sending {
  return { kind: 'send', segments, lines, owed };
}

const settle: Step = { kind: 'settle' };
const deafen: Step = { kind: 'deafen' };

function wait(random: SeededRandom): Step {
  return { kind: 'wait', turns: random.between(1, 20) };
}
