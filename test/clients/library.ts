/**
 * A client library in its own language: one process that reads one request a line and answers in one
 * line, words parted by tabs and percent-encoded. `action argument…` is answered by `ok value…`,
 * `error message` or, in the middle of an abort, `waiting`, which any line lets go on.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClientOptions, FtpActions, ListedEntry, Login } from './client.ts';
import { parseLongListing } from './long-listing.ts';

/** No single action takes longer. */
const answerTimeoutMs = 60_000;

type Process = ChildProcessByStdio<Writable, Readable, Readable>;

export class Library {
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #options: ClientOptions;
  #process: Process | undefined;
  #answers: AsyncIterator<string> | undefined;

  /** `args` bring the script; it reads the login from its environment. */
  constructor(program: string, args: readonly string[], options: ClientOptions) {
    this.#program = program;
    this.#args = args;
    this.#options = options;
  }

  /** @throws Error with what the library said. */
  async call(action: string, ...words: readonly string[]): Promise<readonly string[]> {
    const answer = await this.#ask([action, ...words]);
    return this.#valuesOf(answer);
  }

  /** A call that stops once in the middle and goes on when `meanwhile` is over. */
  async callInTwo(
    meanwhile: () => Promise<void>,
    action: string,
    ...words: readonly string[]
  ): Promise<void> {
    const [kind, ...values] = await this.#ask([action, ...words]);
    if (kind !== 'waiting') {
      this.#valuesOf([kind ?? '', ...values]);
      throw new Error(`${action} ended before it could be given up`);
    }
    await meanwhile();
    this.#valuesOf(await this.#ask(['go']));
  }

  async close(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 2_000);
    await gone;
    clearTimeout(timer);
  }

  async #ask(words: readonly string[]): Promise<readonly string[]> {
    const { process, answers } = this.#running();
    process.stdin.write(`${words.map(encodeURIComponent).join('\t')}\n`);
    const late = new AbortController();
    const line = await Promise.race([
      answers.next(),
      pause(answerTimeoutMs, undefined, { signal: late.signal }),
    ]);
    late.abort();
    if (line === undefined || line.done === true) {
      process.kill('SIGKILL');
      this.#process = undefined;
      throw new Error(line ? 'the process ended' : `no answer in ${answerTimeoutMs / 1000} s`);
    }
    // Java and Perl's URI forms write a space as a plus.
    return line.value.split('\t').map((word) => decodeURIComponent(word.replaceAll('+', ' ')));
  }

  #valuesOf([kind, ...values]: readonly string[]): readonly string[] {
    if (kind === 'ok') return values;
    throw new Error(values[0] ?? `the library answered ${kind ?? 'nothing'}`);
  }

  #running(): { process: Process; answers: AsyncIterator<string> } {
    if (this.#process && this.#answers) {
      return { process: this.#process, answers: this.#answers };
    }
    const child = spawn(this.#program, this.#args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...loginVariables(this.#options.login) },
    });
    child.stdin.on('error', () => {}); // it ended; the missing answer tells
    child.stderr.on('data', (text: Buffer) => this.#options.note(text.toString('utf8')));
    this.#process = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { process: child, answers: this.#answers };
  }
}

function loginVariables(login: Login): Record<string, string> {
  return {
    FTP_HOST: login.host,
    FTP_PORT: String(login.port),
    FTP_USER: login.user,
    FTP_PASSWORD: login.password,
    FTP_MODE: login.mode,
    FTP_CA_FILE: login.caFile ?? '',
  };
}

/** The actions that all libraries answer under these names; a driver replaces what its library lacks. */
export function libraryActions(library: Library): Omit<FtpActions, 'mirrorUp' | 'mirrorDown'> {
  const act = async (action: string, ...words: readonly string[]) =>
    void (await library.call(action, ...words));
  const list = async (action: string, path: string) =>
    parseEntries(await library.call(action, path));
  return {
    login: (password) => act('login', password),
    listLong: async (directory) => parseLongListing(await library.call('list-long', directory)),
    listNames: (directory) => list('list-names', directory),
    listFacts: (directory) => list('list-facts', directory),
    listMatching: (directory, pattern) => list('list-names', `${directory}/${pattern}`),
    put: (local, remote) => act('put', local, remote),
    get: (remote, local) => act('get', remote, local),
    putText: (local, remote) => act('put-text', local, remote),
    getText: (remote, local) => act('get-text', remote, local),
    resumeGet: (remote, local) => act('resume-get', remote, local),
    resumePut: (local, remote) => act('resume-put', local, remote),
    append: (local, remote) => act('append', local, remote),
    putMany: (local, names, remote) => act('put-many', local, remote, ...names),
    getMany: (remote, names, local) => act('get-many', remote, local, ...names),
    rename: (from, to) => act('rename', from, to),
    delete: (path) => act('delete', path),
    makeDirectory: (path) => act('make-directory', path),
    removeDirectory: (path) => act('remove-directory', path),
    sizeOf: async (path) => Number((await library.call('size', path))[0]),
    modifiedAt: async (path) => new Date(Number((await library.call('modified', path))[0]) * 1000),
    abortPut: (local, remote, underWay) => library.callInTwo(underWay, 'abort-put', local, remote),
    abortGet: (remote, leastBytes) => act('abort-get', remote, String(leastBytes)),
  };
}

/** Name and size in turns; an empty size is none. Some libraries give names with their directory. */
export function parseEntries(values: readonly string[]): ListedEntry[] {
  const entries: ListedEntry[] = [];
  for (let index = 0; index < values.length; index += 2) {
    const path = values[index] ?? '';
    const size = values[index + 1] ?? '';
    const name = path.slice(path.lastIndexOf('/') + 1);
    entries.push({ name, ...(size !== '' && { sizeBytes: Number(size) }) });
  }
  return entries;
}
