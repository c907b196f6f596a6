/**
 * gateway/COMPLIANCE.md against the server: the verbs of the command table, their sources, the first
 * answer of each, and the COS calls its ordinary course costs. The page says what is true; this file says
 * only how each command is tried.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { commandTable as table } from '#gateway/ftp-srv/commands/table.ts';
import { cosOperations } from '#gateway/storage/cos/operation.ts';
import { conformanceCases } from '#test/support/conformance-cases.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTlsGateway } from '#test/support/tls-gateway.ts';

interface Row {
  readonly verbs: readonly string[];
  readonly code: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly source: string;
}

/** What stands in the first cell of a row about commands: `MKD, XMKD`. */
const verbsPattern = /^[A-Z][A-Z\d]+(, [A-Z][A-Z\d]+)*$/;

const page = readFileSync(join(import.meta.dirname, '../gateway/COMPLIANCE.md'), 'utf8');
const rows = readRows(page);

function readRows(text: string): Row[] {
  return text.split('\n').flatMap((line) => {
    const [, verbs = '', answer = '', calls = '', source = ''] = line
      .split('|')
      .map((cell) => cell.trim());
    if (!verbsPattern.test(verbs)) return [];
    return [
      {
        verbs: verbs.split(', '),
        code: Number.parseInt(answer, 10),
        calls: callsIn(calls),
        source,
      },
    ];
  });
}

/** `GetBucket` 1, … up to the bracket with the cases that cost more. */
function callsIn(cell: string): Record<string, number> {
  const [ordinary = ''] = cell.split('[');
  const named = [...ordinary.matchAll(/`(\w+)` (\d+)/g)];
  return Object.fromEntries(named.map(([, operation = '', count]) => [operation, Number(count)]));
}

describe('the compliance page', () => {
  test('and the command table have each verb once', () => {
    const verbs = table.flatMap((entry) => entry.verbs);
    assert.deepEqual(verbs.toSorted(), [...new Set(verbs)].toSorted());
  });

  test('has exactly the verbs of the command table, aliases in one row', () => {
    const ofPage = rows.map(({ verbs }) => verbs.join(', ')).toSorted();
    assert.deepEqual(ofPage, table.map(({ verbs }) => verbs.join(', ')).toSorted());
  });

  test('has a row in the conformance suite for each verb', () => {
    const verbs = table.flatMap((entry) => entry.verbs);
    assert.deepEqual(
      verbs.filter((verb) => !Object.hasOwn(conformanceCases, verb)),
      [],
      'test/support/conformance-cases.ts, then UPDATE_GOLDEN=1 npm test -- gateway/conformance',
    );
  });

  test('names the source the command table names', () => {
    for (const { verbs, source } of table) {
      assert.equal(rowOf(verbs[0]).source, source, verbs[0]);
    }
  });

  test('names only COS calls the driver makes', () => {
    const known: readonly string[] = cosOperations;
    const named = [...page.matchAll(/`([A-Z][a-z]+[A-Z]\w+)`/g)].map(([, name = '']) => name);
    assert.deepEqual(
      named.filter((name) => !known.includes(name)),
      [],
    );
  });
});

function rowOf(verb: string): Row {
  const row = rows.find(({ verbs }) => verbs.includes(verb));
  assert.ok(row, `${verb} stands on the page`);
  return row;
}

interface Trial {
  /** With its argument; default the bare verb. */
  readonly line?: string;
  readonly before?: readonly string[];
  /** STOR sends, the others read. */
  readonly data?: 'up' | 'down';
  /** Default alice's. */
  readonly login?: keyof typeof enter;
}

/** In a jail that holds `dir/file`, `dir/sub/` and `empty/`, at the root. */
const trials: Readonly<Record<string, Trial>> = {
  USER: { line: 'USER alice' },
  PASS: { line: 'PASS secret', before: ['USER alice'] },
  OPTS: { line: 'OPTS UTF8 ON' },
  HOST: { line: 'HOST ftp.example.com', login: 'none' },
  CLNT: { line: 'CLNT test' },
  SITE: { line: 'SITE CHMOD 644 dir/file' },
  AUTH: { line: 'AUTH TLS' },
  PBSZ: { line: 'PBSZ 0', login: 'secure' },
  PROT: { line: 'PROT P', login: 'secure' },
  CCC: { login: 'secure' },
  PORT: { line: 'PORT 127,0,0,1,200,1' },
  EPRT: { line: 'EPRT |1|127.0.0.1|51201|' },
  TYPE: { line: 'TYPE I' },
  MODE: { line: 'MODE S' },
  STRU: { line: 'STRU F' },
  STOR: { line: 'STOR dir/file', data: 'up' },
  APPE: { line: 'APPE dir/file', data: 'up' },
  STOU: { line: 'STOU dir/file', data: 'up' },
  RETR: { line: 'RETR dir/file', data: 'down' },
  REST: { line: 'REST 3' },
  RANG: { line: 'RANG 1 3' },
  HASH: { line: 'HASH dir/file' },
  XMD5: { line: 'XMD5 dir/file' },
  MD5: { line: 'MD5 dir/file' },
  XCRC: { line: 'XCRC dir/file' },
  ALLO: { line: 'ALLO 3' },
  SIZE: { line: 'SIZE dir/file' },
  MDTM: { line: 'MDTM dir/file' },
  MFMT: { line: 'MFMT 20231114221320 dir/file' },
  DELE: { line: 'DELE dir/file' },
  RNFR: { line: 'RNFR dir/file' },
  RNTO: { line: 'RNTO dir/other', before: ['RNFR dir/file'] },
  CWD: { line: 'CWD dir' },
  CDUP: { before: ['CWD dir/sub'] },
  MKD: { line: 'MKD dir/new' },
  RMD: { line: 'RMD empty' },
  LIST: { line: 'LIST dir', data: 'down' },
  NLST: { line: 'NLST dir', data: 'down' },
  MLSD: { line: 'MLSD dir', data: 'down' },
  MLST: { line: 'MLST dir/file' },
};

describe('the answer and the COS calls of', () => {
  for (const { verbs } of table) {
    for (const verb of verbs) {
      test(verb, async () => {
        await using ftp = await startTlsGateway({
          words: { active_mode: 'enabled', store_mtime: true },
        });
        for (const key of ['dir/file', 'dir/sub/', 'empty/']) {
          await ftp.cosd.inspect.put(ftp.cosd.bucket, key, key.endsWith('/') ? '' : 'content');
        }
        const { line = verbs[0], before = [], data, login = 'clear' } = trials[verbs[0]] ?? {};
        await using client = await enter[login](ftp.port);
        for (const earlier of before) await client.command(earlier);
        const connection = data && (await client.openData());
        ftp.cosd.forgetRequests();
        const answer = await client.command(line.replace(verbs[0], verb));
        assert.equal(answer.code, rowOf(verb).code, answer.text);
        if (connection) {
          connection.end(data === 'up' ? 'content' : '');
          connection.resume();
          assert.equal((await client.reply()).code, 226);
        }
        assert.deepEqual(madeOnly(ftp.cosd.requests()), rowOf(verb).calls);
      });
    }
  }
});

const enter = {
  none: (port: number) => FtpClient.connect(port),
  clear: (port: number) => FtpClient.logIn(port),
  secure: (port: number) => FtpClient.logInSecurely(port),
};

function madeOnly(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
