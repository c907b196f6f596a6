/**
 * The gateway under test, in a process of its own in front of an embedded COS in this one, and what can
 * be seen of it from outside: its log, its metrics, its memory, its descriptors.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { testCertificate } from '#test/support/certificate.ts';
import { startTestCosd, type TestCosd } from '#test/support/cosd.ts';
import { type TemporaryDirectory, temporaryDirectory } from '#test/support/temporary-directory.ts';
import { writePair } from '#test/support/tls-gateway.ts';
import { Violation } from './violation.ts';

/** What must be nothing when no client is there. */
export interface Holdings {
  readonly sessions: number;
  readonly transfers: number;
  readonly busyPorts: number;
  readonly partBytes: number;
  readonly waitingForMemory: number;
  readonly openMultiparts: number;
}

/** Lines of the log that tell of a mistake of ours. */
const faults = ['command failed unexpectedly', 'passive port failed', 'discard goes on'];
const linesKept = 40;

export class Subject implements AsyncDisposable {
  readonly ftpPort: number;
  /** Rejects with a Violation when the process ends or its log tells of a fault. */
  readonly failed: Promise<never>;
  readonly #adminPort: number;
  readonly #child: ChildProcess;
  readonly #cosd: TestCosd;
  readonly #directory: TemporaryDirectory;
  readonly #logLines: string[] = [];
  readonly #errors: string[] = [];
  #isStopping = false;

  static async start(): Promise<Subject> {
    const cosd = await startTestCosd({ checksums: 'full' });
    const directory = await temporaryDirectory();
    await writePair(directory.path, testCertificate());
    const entry = fileURLToPath(new URL('./gateway-process.ts', import.meta.url));
    const child = fork(entry, [String(cosd.port), directory.path], {
      execArgv: ['--max-semi-space-size=4', '--expose-gc'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.stderr?.pipe(process.stderr);
    const [ports] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => {
        throw new Error('the gateway did not start');
      }),
    ])) as [{ ftpPort: number; adminPort: number }];
    return new Subject({ child, cosd, directory }, ports);
  }

  private constructor(
    parts: {
      readonly child: ChildProcess;
      readonly cosd: TestCosd;
      readonly directory: TemporaryDirectory;
    },
    ports: { readonly ftpPort: number; readonly adminPort: number },
  ) {
    this.#child = parts.child;
    this.#cosd = parts.cosd;
    this.#directory = parts.directory;
    this.ftpPort = ports.ftpPort;
    this.#adminPort = ports.adminPort;
    this.failed = this.#watch();
    this.failed.catch(() => undefined);
  }

  /** Warnings and errors, oldest first. */
  get logLines(): readonly string[] {
    return [...this.#logLines, ...this.#errors];
  }

  async holdings(): Promise<Holdings> {
    const metrics = await this.#metrics();
    const { sessions, transfers } = (await this.#fetch('/statusz').then((reply) =>
      reply.json(),
    )) as { sessions: number; transfers: readonly unknown[] };
    return {
      sessions,
      transfers: transfers.length,
      busyPorts: metrics('cosftp_passive_ports{state="busy"}'),
      partBytes: metrics('cosftp_upload_buffer_bytes'),
      waitingForMemory: metrics('cosftp_upload_buffer_waiting'),
      openMultiparts: this.#cosd.inspect.openUploads(this.#cosd.bucket).length,
    };
  }

  /** After a full garbage collection: what the process holds, and not what it was too lazy to give back. */
  async heldRssBytes(): Promise<number> {
    this.#child.send('collect');
    const [{ rssBytes }] = (await once(this.#child, 'message')) as [{ rssBytes: number }];
    return rssBytes;
  }

  /** As it is. NaN where the system does not tell. */
  async rssBytes(): Promise<number> {
    return (await this.#metrics())('process_resident_memory_bytes');
  }

  /** Open descriptors but those of connections to the store and of scrapes; NaN where nobody can tell. */
  descriptors(): number {
    const directory = `/proc/${this.#child.pid}`;
    try {
      const peers = peersByInode(readFileSync(`${directory}/net/tcp`, 'utf8'));
      return readdirSync(`${directory}/fd`).filter((name) => {
        const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`${directory}/fd/${name}`) ?? '')?.[1];
        const ports = inode === undefined ? undefined : peers.get(inode);
        return ports?.remote !== this.#cosd.port && ports?.local !== this.#adminPort;
      }).length;
    } catch (error) {
      if (process.platform !== 'linux') return Number.NaN;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    await this.#cosd.close();
    await this.#directory[Symbol.asyncDispose]();
  }

  #watch(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.#child.once('exit', (code, signal) => {
        if (!this.#isStopping) reject(new Violation(`the gateway ended: ${signal ?? code}`));
      });
      this.#child.stderr?.on('data', (chunk: Buffer) => this.#errors.push(chunk.toString()));
      createInterface({ input: this.#child.stdout ?? process.stdin }).on('line', (line) => {
        this.#logLines.push(line);
        if (this.#logLines.length > linesKept) this.#logLines.shift();
        const isFault = faults.some((text) => line.includes(text)) || line.includes('"internal"');
        if (isFault) reject(new Violation(`the log tells of a fault: ${line}`));
      });
    });
  }

  async #metrics(): Promise<(name: string) => number> {
    const text = await this.#fetch('/metrics').then((reply) => reply.text());
    const values = new Map(text.split('\n').map((line) => cut(line, line.lastIndexOf(' '))));
    return (name) => Number(values.get(name) ?? Number.NaN);
  }

  async #fetch(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#adminPort}${path}`, {
      headers: { connection: 'close' },
    });
  }
}

function cut(line: string, at: number): [string, string] {
  return [line.slice(0, at), line.slice(at + 1)];
}

interface Ports {
  readonly local: number;
  readonly remote: number;
}

/** proc(5), /proc/net/tcp: local and remote address in hex, inode in the tenth column. */
function peersByInode(table: string): ReadonlyMap<string, Ports> {
  const rows = table.trim().split('\n').slice(1);
  return new Map(
    rows.map((row) => {
      const columns = row.trim().split(/\s+/);
      const portOf = (address = '') => Number.parseInt(address.slice(-4), 16);
      return [columns[9] ?? '', { local: portOf(columns[1]), remote: portOf(columns[2]) }];
    }),
  );
}

/** A descriptor may be gone by the time it is looked at. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
