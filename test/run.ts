/**
 * `npm test`: runs the test files side by side and prints one line per file, the failures in full, and
 * node:test's closing counts.
 *
 *   npm test                                   everything but the suites with scripts of their own
 *   npm test -- observe ftp/replies            files whose path contains one of the words
 *   npm test -- 'test/config/*.test.ts'        files by pattern
 *   npm test -- --name 'cut' transfer          only tests whose name matches
 */
import { existsSync, globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { Transform } from 'node:stream';
import { run } from 'node:test';
import { spec, type TestEvent } from 'node:test/reporters';
import { parseArgs } from 'node:util';

/** Slow, or in need of programs and clusters: see their scripts in package.json. */
const suitesWithOwnScript = ['clients', 'container', 'memory', 'e2e', 'long'];

/** A test that takes longer hangs. */
const testTimeoutMs = 240_000;
/** The whole run, several times what it needs on an idle machine; a file that keeps its process alive ends here, by name. */
const runTimeoutMs = 1_800_000;

const projectRoot = join(import.meta.dirname, '..');

function chooseFiles(words: readonly string[]): string[] {
  const all = globSync('test/**/*.test.ts', { cwd: projectRoot }).sort(comparePaths);
  const usual = all.filter(
    (path) => !suitesWithOwnScript.some((suite) => path.startsWith(`test/${suite}/`)),
  );
  if (words.length === 0) return usual;
  const chosen = words.flatMap((word) => filesFor(word, all, usual));
  return [...new Set(chosen)].sort(comparePaths);
}

/** A file, a folder, a pattern, or part of a path. */
function filesFor(word: string, all: readonly string[], usual: readonly string[]): string[] {
  const path = relative(projectRoot, join(projectRoot, word));
  if (existsSync(join(projectRoot, path))) {
    const isFolder = statSync(join(projectRoot, path)).isDirectory();
    return isFolder ? all.filter((file) => file.startsWith(`${path}/`)) : [path];
  }
  if (/[*?{[]/.test(word)) return globSync(word, { cwd: projectRoot });
  return usual.filter((file) => file.includes(word));
}

function comparePaths(first: string, second: string): number {
  return first < second ? -1 : first > second ? 1 : 0;
}

/** Passed tests become one line per file; everything else goes on to the spec reporter. */
function compact(): Transform {
  return new Transform({
    objectMode: true,
    transform(event: TestEvent, _encoding, done) {
      if (event.type === 'test:summary') {
        const { file, counts, success, duration_ms: ms } = event.data;
        if (file === undefined) process.exitCode ??= success ? 0 : 1;
        else finishFile(relative(projectRoot, file), counts, ms);
        done(null, event);
      } else {
        done(null, isQuiet(event) ? undefined : event);
      }
    },
  });
}

function isQuiet({ type, data }: TestEvent): boolean {
  switch (type) {
    case 'test:pass':
      return data.skip === undefined && data.todo === undefined;
    case 'test:start':
    case 'test:plan':
      return true;
    default:
      return false;
  }
}

interface Counts {
  readonly tests: number;
  readonly passed: number;
  readonly skipped: number;
}

function finishFile(path: string, { tests, passed, skipped }: Counts, ms: number): void {
  unfinished.delete(path);
  const mark = passed + skipped === tests ? '✔' : '✖';
  const seconds = (ms / 1000).toFixed(1);
  process.stdout.write(`${mark} ${path}: ${passed} of ${tests} passed, ${seconds} s\n`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string', multiple: true } },
});
const files = chooseFiles(positionals);
const unfinished = new Set(files);
if (files.length === 0) {
  process.stderr.write(`No test file matches ${positionals.join(' ')}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`${files.length} test files on Node ${process.versions.node}\n`);
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    process.stderr.write(`Not finished in time: ${[...unfinished].join(' ')}\n`);
    deadline.abort();
    process.exitCode = 1;
  }, runTimeoutMs);
  run({
    files: files.map((file) => join(projectRoot, file)),
    concurrency: Math.min(4, Math.max(2, availableParallelism())),
    timeout: testTimeoutMs,
    signal: deadline.signal,
    ...(values.name ? { testNamePatterns: values.name } : {}),
  })
    .on('end', () => clearTimeout(timer))
    .pipe(compact())
    .pipe(new spec())
    .pipe(process.stdout);
}
