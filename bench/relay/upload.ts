/**
 * One upload of the relay: 'data' events are collected by reference into parts of 8 MiB, four of them are
 * under way at once, and all uploads together hold sixteen. A file below one part is one PUT.
 */
import type { Socket } from 'node:net';
import { MiB } from '#gateway/kit/bytes.ts';
import { Permits } from './permits.ts';
import type { StoreClient } from './store-client.ts';

const partBytes = 8 * MiB;
const partsInFlight = 4;
const partsOfAll = new Permits(16);

export class RelayUpload {
  readonly #socket: Socket;
  readonly #store: StoreClient;
  readonly #path: string;
  readonly #mine = new Permits(partsInFlight);
  readonly #sending: Promise<unknown>[] = [];
  #uploadId: Promise<string> | undefined;
  #part: Buffer[] = [];
  #filledBytes = 0;

  constructor(socket: Socket, store: StoreClient, path: string) {
    this.#socket = socket;
    this.#store = store;
    this.#path = path;
  }

  /** Resolves when the store has everything. */
  async run(): Promise<void> {
    await partsOfAll.take();
    await new Promise<void>((resolve, reject) => {
      this.#socket.on('data', (chunk: Buffer) => {
        this.#take(chunk);
      });
      this.#socket.on('end', resolve);
      this.#socket.on('error', reject);
      this.#socket.resume();
    });
    await this.#finish();
  }

  #take(chunk: Buffer): void {
    const room = partBytes - this.#filledBytes;
    this.#part.push(chunk.subarray(0, room));
    this.#filledBytes += Math.min(room, chunk.length);
    if (this.#filledBytes < partBytes) return;
    this.#seal();
    const rest = chunk.subarray(room);
    this.#socket.pause();
    void Promise.all([this.#mine.take(), partsOfAll.take()]).then(() => {
      this.#socket.resume();
      if (rest.length > 0) this.#take(rest);
    });
  }

  #seal(): void {
    const number = this.#sending.length + 1;
    const body = this.#part;
    this.#part = [];
    this.#filledBytes = 0;
    this.#sending.push(this.#send(number, body));
  }

  async #send(number: number, body: readonly Buffer[]): Promise<void> {
    this.#uploadId ??= this.#initiate();
    const uploadId = await this.#uploadId;
    await this.#store.send('PUT', `${this.#path}?partNumber=${number}&uploadId=${uploadId}`, body);
    this.#mine.give();
    partsOfAll.give();
  }

  async #initiate(): Promise<string> {
    const reply = await this.#store.send('POST', `${this.#path}?uploads`);
    return /<UploadId>(.*?)<\/UploadId>/.exec(reply)?.[1] ?? '';
  }

  async #finish(): Promise<void> {
    if (this.#sending.length === 0) {
      await this.#store.send('PUT', this.#path, this.#part);
      return partsOfAll.give();
    }
    if (this.#filledBytes > 0) this.#seal();
    else partsOfAll.give();
    await Promise.all(this.#sending);
    await this.#store.send('POST', `${this.#path}?uploadId=${await this.#uploadId}`);
  }
}
