/**
 * The rooms of the product and who may enter which. This table is the truth; CONTRIBUTING.md tells it to
 * people. A new dependency between rooms is a decision to take here, not a side effect of an import.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  badNames,
  brokenImports,
  filesWithoutOpeningComment,
  findCycles,
  importCycles,
  longFiles,
  type RoomTable,
  roomViolations,
  type Sources,
  unusedFiles,
  usesOf,
} from '#test/support/architecture-rules.ts';
import { importsOf, tokens } from '#test/support/source-scan.ts';

const kit = 'gateway/kit';
/** The ObjectStore port with keys and listings; never a driver. */
const storage = 'gateway/storage';

const rooms: RoomTable = {
  gateway: { may: [kit, 'gateway/run'] },
  'gateway/kit': { may: [] },
  'gateway/config': { may: [kit], packages: ['zod', 'yaml'] },
  'gateway/storage': { may: [kit], packages: ['mime'] },
  'gateway/storage/credentials': { may: [kit, storage] },
  'gateway/storage/cos': {
    may: [kit, storage, 'gateway/storage/credentials'],
    packages: ['cos-nodejs-sdk-v5'],
  },
  'gateway/cosd': { may: [kit], packages: ['fast-xml-parser'] },
  'gateway/transfer': { may: [kit, storage] },
  'gateway/auth': { may: [kit], mayTypes: ['gateway/config'] },
  'gateway/ftp': {
    may: [kit, storage, 'gateway/transfer', 'gateway/auth'],
    packages: ['iconv-lite'],
  },
  'gateway/ftp-srv': {
    may: [kit, storage, 'gateway/transfer', 'gateway/auth', 'gateway/ftp'],
    mayTypes: ['gateway/config'],
    packages: ['ftp-srv'],
  },
  'gateway/observe': { may: [kit], packages: ['prom-client', 'pino', 'rotating-file-stream'] },
  'gateway/doctor': { may: [kit, storage, 'gateway/config', 'gateway/ftp'] },
  'gateway/run': {
    may: [
      kit,
      storage,
      'gateway/storage/cos',
      'gateway/storage/credentials',
      'gateway/config',
      'gateway/cosd',
      'gateway/transfer',
      'gateway/auth',
      'gateway/ftp',
      'gateway/ftp-srv',
      'gateway/observe',
      'gateway/doctor',
    ],
    data: ['package.json'],
  },
  operator: {
    may: [kit, 'operator/api', 'operator/plan', 'operator/runtime', 'operator/reconcile'],
    data: ['package.json'],
  },
  'operator/api': { may: [kit, 'gateway/config'], packages: ['zod'] },
  'operator/plan': {
    may: [kit, 'gateway/config', 'operator/api'],
    packageTypes: ['@kubernetes/client-node'],
  },
  'operator/runtime': { may: [kit], packages: ['@kubernetes/client-node', 'prom-client'] },
  'operator/reconcile': {
    may: [kit, 'operator/api', 'operator/plan', 'operator/runtime'],
  },
};

const entryPoints = ['gateway/main.ts', 'operator/main.ts'];

/** What scripts/ makes the CRD and the chart's roles from. */
const generatorSources = ['operator/api/crd.ts', 'operator/api/permissions.ts'];

/** Most files have 60 to 200; a file that comes near this has two nouns in it. */
const linesMax = 450;

const projectRoot = join(import.meta.dirname, '..');

function readSources(): Sources {
  const sources = new Map<string, string>();
  for (const folder of ['gateway', 'operator']) {
    for (const name of listFolder(join(projectRoot, folder))) {
      if (!name.endsWith('.ts')) continue;
      const path = `${folder}/${name}`;
      sources.set(path, readFileSync(join(projectRoot, path), 'utf8'));
    }
  }
  return sources;
}

/** A part of the product may not be built yet. */
function listFolder(path: string): string[] {
  try {
    return readdirSync(path, { recursive: true, encoding: 'utf8' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

const none: readonly string[] = [];

describe('the product', () => {
  const sources = readSources();

  test('imports only what the room table allows', () => {
    assert.deepEqual(roomViolations(rooms, sources), none);
  });

  test('imports only files that exist', () => {
    assert.deepEqual(brokenImports(sources), none);
  });

  test('has no cycle of files', () => {
    assert.deepEqual(importCycles(sources), none);
  });

  test('has no file that nobody imports', () => {
    assert.deepEqual(unusedFiles(sources, [...entryPoints, ...generatorSources]), none);
  });

  test('names files in kebab-case after what they are', () => {
    assert.deepEqual(badNames(sources), none);
  });

  test('opens each file with what it is for', () => {
    assert.deepEqual(filesWithoutOpeningComment(sources), none);
  });

  test('has no file too long to be read at once', () => {
    assert.deepEqual(longFiles(sources, linesMax), none);
  });

  test('prints only from the commands', () => {
    const mayPrint = (path: string) =>
      path.startsWith('gateway/run/') || entryPoints.includes(path);
    assert.deepEqual(usesOf(sources, 'console.*', mayPrint), none);
  });

  test('takes time only from the clock', () => {
    const isClock = (path: string) => path === 'gateway/kit/clock.ts';
    const names = ['setTimeout', 'setInterval', 'Date.now', 'performance.now'];
    assert.deepEqual(
      names.flatMap((name) => usesOf(sources, name, isClock)),
      none,
    );
  });
});

describe('the room table', () => {
  test('has no cycle of rooms', () => {
    const edges = Object.entries(rooms).map(([room, { may, mayTypes = [] }]) => {
      return [room, [...may, ...mayTypes]] as const;
    });
    assert.deepEqual(findCycles(new Map(edges)), none);
  });

  test('lets no gateway room enter the operator', () => {
    for (const [room, { may }] of Object.entries(rooms)) {
      if (!room.startsWith('gateway')) continue;
      assert.ok(
        may.every((target) => target.startsWith('gateway')),
        room,
      );
    }
  });
});

const sourcesOf = (files: Record<string, string>): Sources => new Map(Object.entries(files));

describe('the rules find', () => {
  const kitFile = { 'gateway/kit/a.ts': '// a' };

  test('a room that enters another without leave', () => {
    const text = "import { x } from '#gateway/config/x.ts';";
    const found = roomViolations(rooms, sourcesOf({ 'gateway/storage/keys.ts': text }));
    assert.deepEqual(found, [
      'gateway/storage/keys.ts: gateway/storage may not import gateway/config',
    ]);
  });

  test('a driver used past its port', () => {
    const text = "import { x } from '#gateway/storage/cos/x.ts';";
    const found = roomViolations(rooms, sourcesOf({ 'gateway/transfer/upload.ts': text }));
    assert.match(found[0] ?? '', /gateway\/transfer may not import gateway\/storage\/cos/);
  });

  test('values where only types may come in', () => {
    const path = 'gateway/auth/accounts.ts';
    const types = "import type { A } from '#gateway/config/model.ts';";
    const values = "import { type A, b } from '#gateway/config/model.ts';";
    assert.deepEqual(roomViolations(rooms, sourcesOf({ [path]: types })), none);
    assert.match(
      roomViolations(rooms, sourcesOf({ [path]: values }))[0] ?? '',
      /except by import type/,
    );
  });

  test('a package outside its room, also a scoped one and a subpath', () => {
    for (const specifier of ['zod', 'zod/v4', '@kubernetes/client-node/x', 'pino']) {
      const files = { 'gateway/transfer/upload.ts': `import '${specifier}';` };
      assert.equal(roomViolations(rooms, sourcesOf(files)).length, 1, specifier);
    }
  });

  test('a relative path out of the room', () => {
    const files = { 'gateway/transfer/upload.ts': "import { a } from '../kit/a.ts';" };
    assert.match(roomViolations(rooms, sourcesOf(files))[0] ?? '', /say #gateway\/kit\/a\.ts/);
    const inside = { 'gateway/storage/cos/store.ts': "import { a } from '../keys.ts';" };
    assert.deepEqual(roomViolations(rooms, sourcesOf(inside)), none);
  });

  test('an import from the tests, and a file in no room', () => {
    const files = {
      'gateway/kit/a.ts': "import '#test/support/x.ts';",
      'gatehouse/a.ts': "import 'x';",
    };
    assert.equal(roomViolations(rooms, sourcesOf(files)).length, 2);
  });

  test("nothing in Node's own modules, the own room and allowed rooms", () => {
    const text = `
      import { join } from 'node:path';
      import { a } from './a.ts';
      import { b } from '#gateway/kit/b.ts';
      export type { Key } from '#gateway/storage/keys.ts';`;
    assert.deepEqual(
      roomViolations(rooms, sourcesOf({ 'gateway/transfer/upload.ts': text })),
      none,
    );
  });

  test('a cycle of values, but none of types', () => {
    const cycle = (keyword: string) =>
      sourcesOf({
        'gateway/kit/a.ts': `${keyword} { b } from './b.ts';`,
        'gateway/kit/b.ts': "import { c } from './c.ts';",
        'gateway/kit/c.ts': "export { a } from './a.ts';",
      });
    assert.deepEqual(importCycles(cycle('import')), [
      'gateway/kit/a.ts → gateway/kit/b.ts → gateway/kit/c.ts → gateway/kit/a.ts',
    ]);
    assert.deepEqual(importCycles(cycle('import type')), none);
  });

  test('a file nobody imports, and a path to nowhere', () => {
    const files = sourcesOf({ ...kitFile, 'gateway/main.ts': "import './run/none.ts';" });
    assert.deepEqual(unusedFiles(files, entryPoints), [
      'gateway/kit/a.ts is imported by no file of the product',
    ]);
    assert.deepEqual(brokenImports(files), ['gateway/main.ts: there is no gateway/run/none.ts']);
  });

  test('odd names, silent files, long files', () => {
    const names = [
      'gateway/kit/someThing.ts',
      'gateway/kit/string-case_a.ts',
      'gateway/kit/utils.ts',
    ];
    for (const name of names) assert.equal(badNames(sourcesOf({ [name]: '' })).length, 1, name);
    assert.deepEqual(badNames(sourcesOf({ 'gateway/ftp-srv/ftp-srv.d.ts': '' })), none);
    assert.equal(
      filesWithoutOpeningComment(sourcesOf({ 'a.ts': 'const a = 1; // late' })).length,
      1,
    );
    assert.deepEqual(
      filesWithoutOpeningComment(sourcesOf({ 'a.ts': '#!/usr/bin/env node\n// a' })),
      none,
    );
    assert.deepEqual(longFiles(sourcesOf({ 'a.ts': '\n'.repeat(10) }), 10), none);
    assert.equal(longFiles(sourcesOf({ 'a.ts': '\n'.repeat(11) }), 10).length, 1);
  });

  test('printing and timers, but not their names in words', () => {
    const never = () => false;
    const uses = (text: string, name: string) =>
      usesOf(sourcesOf({ 'a.ts': text }), name, never).length;
    assert.equal(uses('console.log(1)', 'console.*'), 1);
    assert.equal(uses("// console.log\nlog('console.log')", 'console.*'), 0);
    assert.equal(uses('setTimeout(f, 1)', 'setTimeout'), 1);
    assert.equal(uses('server.setTimeout(1)', 'setTimeout'), 0);
    assert.equal(uses('const t = Date.now();', 'Date.now'), 1);
    assert.equal(uses('new Date(x).now', 'Date.now'), 0);
  });
});

describe('the scanner', () => {
  const specifiers = (text: string) => importsOf(text).map(({ specifier }) => specifier);

  test('reads every way to import', () => {
    const text = `
      import 'a';
      import b from 'b';
      import * as c from "c";
      import d, { type D, d2 as d3 } from 'd';
      import {
        e1,
        e2,
      } from 'e';
      export * from 'f';
      export * as g from 'g';
      export { h, type H } from 'h';
      export type { I } from 'i';
      const j = await import('j');
      type K = Foo<typeof import('k')>;
      const l = new Worker(new URL('./l.ts', import.meta.url));`;
    assert.deepEqual(specifiers(text), [
      'a',
      'b',
      'c',
      'd',
      'e',
      'f',
      'g',
      'h',
      'i',
      'j',
      'k',
      './l.ts',
    ]);
  });

  test('knows types from values', () => {
    const isType = (text: string) => importsOf(text).map(({ isTypeOnly }) => isTypeOnly);
    assert.deepEqual(isType("import type { A } from 'a';"), [true]);
    assert.deepEqual(isType("import type A from 'a';"), [true]);
    assert.deepEqual(isType("import { type A, type B as C } from 'a';"), [true]);
    assert.deepEqual(isType("export type { A } from 'a';"), [true]);
    assert.deepEqual(isType("function f(s: import('a').Socket) {}"), [true]);
    assert.deepEqual(isType("import { type A, b } from 'a';"), [false]);
    assert.deepEqual(isType("import a, { type A } from 'a';"), [false]);
    assert.deepEqual(isType("import type from 'a';"), [false]);
    assert.deepEqual(isType("import * as a from 'a';"), [false]);
  });

  test('is not fooled by comments, texts, templates and regular expressions', () => {
    const text = `
      // import a from 'a';
      /* import b from 'b'; */
      const c = "import c from 'c'";
      const d = \`import d from 'd' \${f({ x: \`\${1}\` })} import d from 'd'\`;
      const e = /'"\`[/'"]/.test(x) ? 4 / 2 : g(/import/);
      const f = { import: 1, export: 2, from: 'f' };
      object.import('g');
      export const h = 'h', from = 'i';
      export function from2() {}
      export default 'j';
      import k from 'k';`;
    assert.deepEqual(specifiers(text), ['k']);
  });

  test('reads nothing from an empty or unfinished text', () => {
    for (const text of ['', 'import', "import 'a", '`${', '/*', 'export {', 'import(']) {
      assert.deepEqual(specifiers(text), none, text);
    }
    assert.deepEqual(tokens('  \n'), none);
  });
});
