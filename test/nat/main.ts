/**
 * `npm run test:nat` (root, Linux): an upload of five minutes through a NAT that forgets idle connections
 * after two. The control connection says nothing meanwhile; the gateway's TCP keepalive has to keep it.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ClientReport } from './client.ts';
import { makeNat } from './namespaces.ts';
import type { ServerPorts, StoredFile } from './server.ts';

const idleTimeoutSeconds = 120;
const uploadSeconds = 300;
/** Everything but the upload itself. */
const graceMs = 60_000;

interface Check {
  readonly name: string;
  readonly holds: boolean;
  readonly found: string;
}

async function tryUpload(): Promise<readonly Check[]> {
  await using nat = await makeNat({ idleTimeoutSeconds });
  await using server = new Part([...nat.inServer, process.execPath, pathOf('server.ts')]);
  const { ftpPort, echoPort } = await server.next<ServerPorts>();
  const words = [nat.serverAddress, ftpPort, echoPort, uploadSeconds].map(String);
  await using client = new Part([...nat.inClient, process.execPath, pathOf('client.ts'), ...words]);
  const report = await client.next<ClientReport>();
  server.endInput();
  const stored = await server.next<StoredFile>();
  const isSame = stored.sizeBytes === report.sentBytes && stored.crc64 === report.crc64;
  return [
    {
      name: `an upload of ${uploadSeconds} s gets its 226`,
      holds: report.reply.startsWith('226 '),
      found: report.reply,
    },
    {
      name: 'COS has all of it',
      holds: isSame,
      found: `${stored.sizeBytes} of ${report.sentBytes} bytes, CRC-64 ${stored.crc64}`,
    },
    {
      name: `the NAT forgets an idle connection that nobody keeps alive (or this proves nothing)`,
      holds: report.idleConnection === 'forgotten',
      found: report.idleConnection,
    },
  ];
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** A process that tells things in lines of JSON, and ends when its input does. */
class Part implements AsyncDisposable {
  static readonly #all = new Set<Part>();
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor([program = '', ...args]: readonly string[]) {
    const timeout = uploadSeconds * 1000 + graceMs;
    Part.#all.add(this);
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async next<Told>(): Promise<Told> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`${this.#child.spawnargs.join(' ')} said nothing`);
    return JSON.parse(line.value) as Told;
  }

  static endAll(): void {
    for (const part of Part.#all) part.endInput();
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.endInput();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, 'close');
    }
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The trial then fails for want of a report, and takes its namespaces down on the way out.
  process.once(signal, () => Part.endAll());
}
process.stdout.write(
  `uploading for ${uploadSeconds} s through a NAT that forgets after ${idleTimeoutSeconds} s\n`,
);
const checks = await tryUpload();
for (const { name, holds, found } of checks) {
  process.stdout.write(`${holds ? '✔' : '✖'} ${name}: ${found}\n`);
}
const failed = checks.filter(({ holds }) => !holds).length;
process.stdout.write(`${checks.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
