/**
 * A gateway that lives on while others die beside it, and one upload through it that stays open for as
 * long: what it has in the bucket belongs to nobody else.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { crc64 } from '#gateway/kit/crc64.ts';
import { until } from './condition.ts';
import type { TestCosd } from './cosd.ts';
import { FtpClient } from './ftp-client.ts';
import { type Program, startProgram } from './program.ts';
import { seededRandom } from './random.ts';

const bytes = seededRandom(81).bytes(3 * 1024 * 1024);
/** Two parts, and a byte for each `keepOn`. */
const heldBack = 1_000;
const key = 'jail/held';

export class HeldUpload implements AsyncDisposable {
  readonly #cosd: TestCosd;
  readonly #gateway: Program;
  readonly #client: FtpClient;
  readonly #data: Socket;
  #sent = bytes.length - heldBack;

  private constructor(cosd: TestCosd, gateway: Program, client: FtpClient, data: Socket) {
    this.#cosd = cosd;
    this.#gateway = gateway;
    this.#client = client;
    this.#data = data;
  }

  /** @param words of a gateway's configuration; it gets a port of its own, and so is another instance. */
  static async begin(
    cosd: TestCosd,
    directory: string,
    words: Readonly<Record<string, unknown>>,
  ): Promise<HeldUpload> {
    const file = join(directory, 'living.json');
    await writeFile(file, JSON.stringify({ ...words, listen_port: await freePort() }));
    const gateway = await startProgram({ args: ['serve', '--config', file], cwd: directory });
    const client = await FtpClient.logIn(Number(gateway.listening['ftp_port']));
    const data = await client.beginStore('held');
    const held = new HeldUpload(cosd, gateway, client, data);
    data.write(bytes.subarray(0, held.#sent));
    await until('the upload and its marker', () => held.ids.length === 1 && held.markers > 0);
    return held;
  }

  /** Of its open upload. */
  get ids(): readonly string[] {
    const open = this.#cosd.inspect.openUploads(this.#cosd.bucket);
    return open.filter((upload) => upload.key === key).map(({ uploadId }) => uploadId);
  }

  /** Of its gateway. */
  get markers(): number {
    const instance = `-${Number(this.#gateway.listening['ftp_port'])}/`;
    const keys = this.#cosd.inspect.keys(this.#cosd.bucket, 'jail/.cosftp/uploads/');
    return keys.filter((marker) => marker.includes(instance)).length;
  }

  /** What its gateway logged last, for a failure that nobody sees twice. */
  story(): string {
    return `${this.ids.join()} of the living gateway: ${this.#gateway.stdout.slice(-4_000)}`;
  }

  /** A little more, so that it does not stall. */
  keepOn(): void {
    this.#data.write(bytes.subarray(this.#sent, ++this.#sent));
  }

  /** @throws when it does not end as if nothing had happened around it. */
  async finish(): Promise<void> {
    this.#data.end(bytes.subarray(this.#sent));
    assert.equal((await this.#client.reply()).code, 226, 'the living gateway stores its upload');
    const { inspect, bucket } = this.#cosd;
    assert.equal(inspect.find(bucket, key)?.crc64, crc64(bytes));
    await until('its marker to go', () => this.markers === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#data.destroy();
    await this.#gateway.stop('SIGKILL');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
