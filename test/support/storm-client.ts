/**
 * One client of a storm: random acts, most of them rude, and a book of what each of its files holds.
 * After every act the store is looked into past HTTP; what it holds must be one of the few things that
 * the replies allow.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ActiveTransfer } from '#gateway/ftp-srv/active-transfer.ts';
import { until } from './condition.ts';
import { FtpClient } from './ftp-client.ts';
import type { TestGateway } from './gateway.ts';
import { type SeededRandom, seededRandom } from './random.ts';

export interface StormClientOptions {
  readonly ftp: TestGateway;
  /** No other client's name holds it. */
  readonly name: string;
  /** `alice`: cut uploads are discarded; `bob`: what arrived is kept. */
  readonly user: 'alice' | 'bob';
  /** Of the account, as in the bucket. */
  readonly prefix: string;
  readonly random: SeededRandom;
}

/** What a key may hold; undefined: no object. */
type Belief = Buffer | undefined | { readonly prefixOf: Buffer };

const fileBytesMax = 5 * 1024 * 1024;

export class StormClient {
  readonly #options: StormClientOptions;
  /** By path; absent: no object. */
  readonly #book = new Map<string, Buffer>();
  #client: FtpClient | undefined;

  constructor(options: StormClientOptions) {
    this.#options = options;
  }

  /** @throws when the gateway breaks a promise. */
  async act(): Promise<string> {
    const act = this.#pick(acts);
    const path = `${this.#options.name}-${this.#options.random.between(0, 2)}`;
    const client = await this.#connected();
    try {
      await this[act](client, path);
    } catch (error) {
      throw new Error(`${act} of ${path}`, { cause: error });
    }
    return act;
  }

  async leave(): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
  }

  async #connected(): Promise<FtpClient> {
    if (this.#client && !this.#client.socket.destroyed) return this.#client;
    this.#client = await FtpClient.logIn(this.#options.ftp.port, this.#options.user);
    return this.#client;
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[this.#options.random.between(0, items.length - 1)];
    assert(item !== undefined);
    return item;
  }

  // Acts

  async store(client: FtpClient, path: string): Promise<void> {
    const sent = this.#newContent();
    const data = await this.#beginStore(client, path);
    if (!data) return;
    await this.#write(data, sent, sent.length);
    data.end();
    const { code } = await client.reply();
    // 45x may leave it open whether the store did what it was asked last.
    await this.#check(path, code === 226 ? [sent] : [this.#held(path), sent]);
  }

  /** Data is reset in the middle. */
  async breakData(client: FtpClient, path: string): Promise<void> {
    const sent = this.#newContent();
    const data = await this.#beginStore(client, path);
    if (!data) return;
    await this.#write(data, sent, this.#options.random.between(0, sent.length));
    data.resetAndDestroy();
    assert.notEqual((await client.reply()).code, 226);
    await this.#check(path, this.#afterCut(path, sent));
  }

  /** The client is gone, at whatever moment. */
  async vanish(client: FtpClient, path: string): Promise<void> {
    const { random } = this.#options;
    const sent = this.#newContent();
    const data = await this.#beginStore(client, path);
    if (!data) return;
    const isWhole = random.next() < 0.3;
    await this.#write(data, sent, isWhole ? sent.length : random.between(0, sent.length));
    if (isWhole) data.end();
    await pause(random.between(0, 30));
    destroy(client.socket, random);
    await pause(random.between(0, 3));
    destroy(data, random);
    await this.#settled();
    await this.#check(path, [...this.#afterCut(path, sent), ...(isWhole ? [sent] : [])]);
  }

  async abort(client: FtpClient, path: string): Promise<void> {
    const { random } = this.#options;
    const sent = this.#newContent();
    const data = await this.#beginStore(client, path);
    if (!data) return;
    await this.#write(data, sent, random.between(0, sent.length));
    const abors = random.between(1, 2);
    client.socket.write('ABOR\r\n'.repeat(abors));
    assert.notEqual((await client.reply()).code, 226, 'the data had not ended');
    for (let count = 0; count < abors; count++) assert.equal((await client.reply()).code, 226);
    data.destroy();
    await this.#check(path, this.#afterCut(path, sent));
  }

  /** ABOR, QUIT and the end of the control connection in one segment. */
  async abortAndLeave(client: FtpClient, path: string): Promise<void> {
    const sent = this.#newContent();
    const data = await this.#beginStore(client, path);
    if (!data) return;
    await this.#write(data, sent, this.#options.random.between(0, sent.length));
    client.socket.end('ABOR\r\nQUIT\r\n');
    while (await client.replyOrEnd());
    data.destroy();
    await this.#settled();
    await this.#check(path, this.#afterCut(path, sent));
  }

  /** STOR and nobody connects, or the client leaves right away. */
  async storeWithoutData(client: FtpClient, path: string): Promise<void> {
    if ((await this.#reserve(client)) === undefined) return;
    client.send(`STOR ${path}`);
    if (this.#options.random.next() < 0.5) client.socket.resetAndDestroy();
    else {
      const { code } = await client.reply();
      if (code === 150) assert.notEqual((await client.reply()).code, 226);
    }
    await this.#check(path, [this.#held(path)]);
  }

  async retrieve(client: FtpClient, path: string): Promise<void> {
    const bytes = await this.#read(client, `RETR ${path}`);
    if (bytes)
      assert(
        bytes.equals(this.#held(path) ?? Buffer.of()),
        `${bytes.length} bytes are read of ${this.#held(path)?.length}`,
      );
  }

  async list(client: FtpClient, path: string): Promise<void> {
    const bytes = await this.#read(client, 'NLST');
    const isListed = bytes?.toString().split('\r\n').includes(path);
    if (bytes) assert.equal(isListed, this.#held(path) !== undefined, 'whether it is listed');
  }

  /** Stops reading, then leaves or asks to stop. */
  async neglect(client: FtpClient, path: string): Promise<void> {
    const { random } = this.#options;
    const data = await this.#openData(client);
    if (!data) return;
    data.pause();
    const { code } = await client.command(this.#pick([`RETR ${path}`, `RETR ${path}`, 'MLSD /']));
    await pause(random.between(0, 60));
    if (random.next() < 0.3) client.socket.destroy();
    else if (code === 150) {
      if (random.next() < 0.3) data.destroy();
      client.send('ABOR');
      await client.reply();
      await client.reply();
    }
    data.destroy();
  }

  async remove(client: FtpClient, path: string): Promise<void> {
    const { code } = await client.command(`DELE ${path}`);
    await this.#check(path, code === 250 ? [undefined] : [this.#held(path), undefined]);
  }

  async rename(client: FtpClient, path: string): Promise<void> {
    const target = `${this.#options.name}-target`;
    const source = this.#held(path);
    if ((await client.command(`RNFR ${path}`)).code !== 350) return;
    const { code } = await client.command(`RNTO ${target}`);
    await this.#check(path, code === 250 ? [undefined] : [source, undefined]);
    await this.#check(target, code === 250 ? [source] : [this.#held(target), source]);
    if (source)
      assert(
        [path, target].some((name) => this.#held(name)?.equals(source)),
        'kept',
      );
  }

  /** Much at once, none of it waited for. */
  async pipeline(client: FtpClient, path: string): Promise<void> {
    const { random } = this.#options;
    const lines = ['NOOP', `SIZE ${path}`, 'EPSV', 'ABOR', `MDTM ${path}`, 'PWD', 'STAT', 'HELP'];
    const count = random.between(1, 40);
    client.socket.write(Array.from({ length: count }, () => `${this.#pick(lines)}\r\n`).join(''));
    if (random.next() < 0.3) return destroy(client.socket, random);
    for (let index = 0; index < count; index++) await client.reply();
  }

  // Steps

  async #reserve(client: FtpClient): Promise<number | undefined> {
    const { code, text } = await client.command('EPSV');
    assert(code === 229 || code === 425, text);
    return code === 229 ? Number(/\|\|\|(\d+)\|/.exec(text)?.[1]) : undefined;
  }

  async #openData(client: FtpClient): Promise<Socket | undefined> {
    const port = await this.#reserve(client);
    if (port === undefined) return undefined;
    const data = connect({ port, host: '127.0.0.1', noDelay: true });
    data.on('error', () => undefined);
    await once(data, 'connect');
    return data;
  }

  /** What came when the reply was 226. */
  async #read(client: FtpClient, line: string): Promise<Buffer | undefined> {
    const data = await this.#openData(client);
    if (!data) return undefined;
    const chunks: Buffer[] = [];
    data.on('data', (chunk: Buffer) => chunks.push(chunk));
    const closed = new Promise((resolve) => data.once('close', resolve));
    let { code } = await client.command(line);
    if (code === 150) ({ code } = await client.reply());
    if (code === 226) await closed;
    data.destroy();
    return code === 226 ? Buffer.concat(chunks) : undefined;
  }

  async #beginStore(client: FtpClient, path: string): Promise<Socket | undefined> {
    const data = await this.#openData(client);
    if (!data) return undefined;
    const { code } = await client.command(`STOR ${path}`);
    if (code === 150) return data;
    assert(code >= 400, String(code));
    data.destroy();
    await this.#check(path, [this.#held(path)]);
    return undefined;
  }

  async #write(data: Socket, bytes: Buffer, count: number): Promise<void> {
    const { random } = this.#options;
    for (let at = 0; at < count && !data.destroyed; ) {
      const end = Math.min(count, at + random.between(1, 1_500_000));
      const isFlowing = data.write(bytes.subarray(at, end));
      if (!isFlowing) await Promise.race([drained(data), pause(300)]);
      at = end;
    }
  }

  #newContent(): Buffer {
    const { random } = this.#options;
    const most = this.#pick([0, 1000, 100_000, 1024 * 1024, fileBytesMax, fileBytesMax]);
    const seed = random.between(0, 2 ** 31);
    return Buffer.from(seededRandom(seed).bytes(random.between(0, most)));
  }

  // The book

  #held(path: string): Buffer | undefined {
    return this.#book.get(path);
  }

  #afterCut(path: string, sent: Buffer): readonly Belief[] {
    const { user } = this.#options;
    return [this.#held(path), ...(user === 'bob' ? [{ prefixOf: sent }] : [])];
  }

  /** @throws when the store holds none of `beliefs`; otherwise what it holds is what is held from now on. */
  async #check(path: string, beliefs: readonly Belief[]): Promise<void> {
    const { ftp, prefix } = this.#options;
    const key = `${prefix}${path}`;
    const isThere = ftp.keys().includes(key);
    const held = isThere ? await ftp.bytes(key) : undefined;
    const found = held ? `${held.length} bytes` : 'nothing';
    assert(
      beliefs.some((belief) => isHeld(belief, held)),
      `the store has ${found} of ${path}`,
    );
    if (held) this.#book.set(path, held);
    else this.#book.delete(path);
  }

  /** The transfer of a client that left is over. */
  async #settled(): Promise<void> {
    const { ftp, name } = this.#options;
    const transfers = () => ftp.gateway.transfers as readonly Partial<ActiveTransfer>[];
    const isRunning = () => transfers().some(({ path }) => path?.includes(name));
    await until('the transfer of a client that left to end', () => !isRunning(), 20_000);
  }
}

const acts = [
  'store',
  'store',
  'store',
  'breakData',
  'vanish',
  'abort',
  'abortAndLeave',
  'storeWithoutData',
  'retrieve',
  'retrieve',
  'list',
  'neglect',
  'remove',
  'rename',
  'pipeline',
] as const;

function isHeld(belief: Belief, held: Buffer | undefined): boolean {
  if (belief === undefined || held === undefined) return belief === held;
  if (Buffer.isBuffer(belief)) return belief.equals(held);
  return held.length > 0 && belief.prefixOf.subarray(0, held.length).equals(held);
}

/** A reset during a shutdown is an error in libuv, and Node would keep the handle for ever. */
function destroy(socket: Socket, random: SeededRandom): void {
  if (random.next() < 0.5 && !socket.writableEnded) socket.resetAndDestroy();
  else socket.destroy();
}

function drained(data: Socket): Promise<unknown> {
  return new Promise((resolve) => {
    data.once('drain', resolve);
    data.once('close', resolve);
  });
}
