/**
 * One scripted session on the wire: lines go out in one of three deliveries, replies come back as text.
 * A reply that names a passive port gets its data connection.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { FtpClient } from './ftp-client.ts';

export const deliveries = ['line by line', 'byte by byte', 'in one segment'] as const;
export type Delivery = (typeof deliveries)[number];

export interface SessionScript {
  readonly port: number;
  /** Not recorded. */
  readonly before: readonly string[];
  readonly lines: readonly string[];
  readonly data: 'reads' | 'sends';
}

export interface Answered {
  readonly line: string;
  /** All that came for it; several when the first was preliminary. Empty when the session had ended. */
  readonly replies: readonly string[];
}

/** Waits for the answer to each line before it sends the next. */
export async function askLineByLine(script: SessionScript): Promise<Answered[]> {
  await using session = await ScriptedClient.open(script);
  const answered: Answered[] = [];
  for (const line of [...script.before, ...script.lines]) {
    if (session.isOver) {
      answered.push({ line, replies: [] });
      continue;
    }
    session.write(`${line}\r\n`);
    const replies = [await session.reply()];
    while (replies.at(-1)?.startsWith('1')) replies.push(await session.reply());
    answered.push({ line, replies: replies.filter((reply) => reply !== undefined) });
  }
  return answered.slice(script.before.length);
}

/** Bytes of one line that are sent one by one; the rest of a longer one follows at once. */
const singleBytesMax = 64;
const lastLine = 'HELP SYST';

/** Sends everything without waiting for an answer. @returns all replies in order. */
export async function askAtOnce(
  script: SessionScript,
  delivery: Exclude<Delivery, 'line by line'>,
): Promise<string[]> {
  await using session = await ScriptedClient.open(script);
  const lines = [...script.before, ...script.lines, lastLine];
  if (delivery === 'in one segment') session.write(`${lines.join('\r\n')}\r\n`);
  else void session.writeSlowly(lines);
  const replies: string[] = [];
  for (;;) {
    const reply = await session.reply();
    if (reply === undefined || reply.startsWith('214-SYST')) break;
    replies.push(reply);
  }
  return replies;
}

class ScriptedClient implements AsyncDisposable {
  readonly #client: FtpClient;
  readonly #data: SessionScript['data'];
  readonly #sockets: Socket[] = [];
  #isOver = false;

  private constructor(client: FtpClient, data: SessionScript['data']) {
    this.#client = client;
    this.#data = data;
  }

  static async open({ port, data }: SessionScript): Promise<ScriptedClient> {
    return new ScriptedClient(await FtpClient.connect(port), data);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Characters below 256 are bytes. */
  write(text: string): void {
    if (!this.#isOver) this.#client.socket.write(Buffer.from(text, 'latin1'));
  }

  async writeSlowly(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      for (const byte of line.slice(0, singleBytesMax)) {
        this.write(byte);
        await turn();
      }
      this.write(line.slice(singleBytesMax));
      await turn();
      this.write('\r');
      await turn();
      this.write('\n');
      await turn();
    }
  }

  /** Undefined when the server closed the connection instead. */
  async reply(): Promise<string | undefined> {
    const reply = await this.#client.replyOrEnd();
    if (!reply) {
      this.#isOver = true;
      return undefined;
    }
    const passive = /^229 .*\(\|\|\|(\d+)\|\)/.exec(reply.text);
    if (passive) await this.#openData(Number(passive[1]));
    return reply.text;
  }

  async #openData(port: number): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#sockets.push(socket);
    // The next EPSV may have closed this port already.
    await once(socket, 'connect').catch(() => undefined);
    socket.on('error', () => undefined);
    socket.resume();
    if (this.#data === 'sends') socket.end('content');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#client[Symbol.asyncDispose]();
  }
}
