/**
 * Every verb at the wire, before and after login, with right, missing, empty, oversize and wrong
 * arguments. The answers stand in test/golden/conformance.golden.txt, one line per command; with
 * `UPDATE_GOLDEN=1` the file is written anew. However the bytes arrive, the answers are the same.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { commandVerbs } from '#gateway/ftp-srv/commands/table.ts';
import {
  type ConformanceCase,
  conformanceCases,
  oddLines,
  wrongArguments,
} from '#test/support/conformance-cases.ts';
import {
  type Answered,
  askAtOnce,
  askLineByLine,
  type SessionScript,
} from '#test/support/conformance-session.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { assertGolden } from '#test/support/golden.ts';

const states = {
  'before login': [],
  'logged in': ['USER alice', 'PASS secret'],
} as const;
type State = keyof typeof states;

interface Section {
  readonly title: string;
  readonly sessions: readonly Omit<SessionScript, 'port'>[];
}

const sections: readonly Section[] = [
  ...Object.keys(states).flatMap((state) =>
    commandVerbs.map((verb) => sectionOf(verb, state as State)),
  ),
  {
    title: 'odd lines, logged in',
    sessions: [{ before: states['logged in'], lines: oddLines, data: 'reads' }],
  },
];

function sectionOf(verb: string, state: State): Section {
  const { lines, data = 'reads', alone }: ConformanceCase = conformanceCases[verb] ?? { lines: [] };
  const all = [...lines, ...wrongArguments.map((argument) => verb + argument)];
  const scripts = alone ? all.map((line) => [line]) : [all];
  return {
    title: `${verb}, ${state}`,
    sessions: scripts.map((script) => ({ before: states[state], lines: script, data })),
  };
}

describe('on the wire', () => {
  let ftp: TestGateway;
  const golden: string[] = [];

  before(async () => {
    ftp = await startTestGateway({ words: { data_peer_networks: ['127.0.0.0/8'] } });
  });
  after(async () => {
    await ftp[Symbol.asyncDispose]();
    await assertGolden('conformance.golden.txt', `${golden.join('\n')}\n`);
  });

  for (const { title, sessions } of sections) {
    test(title, async () => {
      golden.push(...(golden.length > 0 ? [''] : []), `# ${title}`);
      for (const session of sessions) {
        const script = { ...session, port: ftp.port };
        await fillBucket(ftp);
        const answered = await askLineByLine(script);
        golden.push(...shown(answered));
        const expected = answered.flatMap(({ replies }) => replies.map(masked));
        for (const delivery of ['byte by byte', 'in one segment'] as const) {
          await fillBucket(ftp);
          const replies = (await askAtOnce(script, delivery)).slice(session.before.length);
          assert.deepEqual(replies.map(masked), expected, delivery);
        }
      }
    });
  }
});

async function fillBucket({ cosd }: TestGateway): Promise<void> {
  for (const key of cosd.inspect.keys(cosd.bucket)) await cosd.inspect.delete(cosd.bucket, key);
  const modifiedAtMs = Date.UTC(2026, 1, 3, 4, 5, 6);
  for (const key of ['dir/file', 'dir/sub/', 'empty/']) {
    const content = key.endsWith('/') ? '' : 'content';
    await cosd.inspect.put(cosd.bucket, key, content, { modifiedAtMs });
  }
}

/** One line each, neighbours with the same answer side by side. */
function shown(answered: readonly Answered[]): string[] {
  const rows: { lines: string[]; text: string }[] = [];
  for (const { line, replies } of answered) {
    const text = replies.length === 0 ? '(closed)' : replies.map(masked).join('  ');
    const last = rows.at(-1);
    if (last?.text === text) last.lines.push(visible(line));
    else rows.push({ lines: [visible(line)], text });
  }
  return rows.map(({ lines, text }) => `${lines.join(' ¦ ')} → ${text}`);
}

/** Long runs are counted, bytes that are no text are written out. */
function visible(line: string): string {
  return line
    .replace(/(.)\1{99,}/g, (run, character: string) => `${character}…(${run.length})`)
    .replace(/[\x00-\x1f\x80-\xff]| $/g, (character) => {
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
    });
}

/** What differs from run to run, and the middle of long replies: FEAT and HELP grow. */
function masked(reply: string): string {
  const lines = reply.split('\n');
  const middle = lines.length > 6 ? [' …'] : lines.slice(1, -1);
  const [first = '', ...last] = lines.length > 1 ? [lines[0], ...middle, lines.at(-1)] : lines;
  return [first, ...last]
    .join(' /')
    .replace(/(n)\1{99,}/g, (run) => `n…(${run.length})`)
    .replace(/\|\|\|\d+\|/, '|||PORT|')
    .replace(/\((\d+,){4}\d+,\d+\)/, '(127,0,0,1,PORT)')
    .replace(/request [\w.=+/-]+/g, 'request ID')
    .replace(/-[0-9a-f]{16}/g, '-UNIQUE');
}
