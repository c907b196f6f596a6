/**
 * The data connections of one fuzzed client, polite ones and others. Nothing here waits for the gateway,
 * and no error of a data connection is a violation: what counts is what the control connection says.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Step } from './scene.ts';

type DataStep = Extract<Step, { kind: 'data' }>;

const content = Buffer.alloc(4 * 1024 * 1024, 'fuzz ');
const strangerAddress = '127.0.1.77';

export class DataSockets {
  /** Of the last reservation; undefined when there was none. */
  port: number | undefined;
  readonly #localAddress: string;
  #open: Socket[] = [];

  constructor(localAddress: string) {
    this.#localAddress = localAddress;
  }

  /** Resolves when it stands or is refused. */
  async open(as: 'owner' | 'stranger'): Promise<void> {
    if (this.port === undefined) return;
    const localAddress = as === 'owner' ? this.#localAddress : strangerAddress;
    const socket = connect({ port: this.port, host: '127.0.0.1', localAddress, noDelay: true });
    socket.on('error', () => undefined);
    this.#open.push(socket);
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
  }

  /** On the connection opened last, if there is one. */
  async act({ writeBytes, reads, end }: DataStep): Promise<void> {
    const socket = this.#open.at(-1);
    if (!socket || socket.destroyed) return;
    if (reads === 'all') socket.resume();
    if (writeBytes > 0 && socket.writable) socket.write(content.subarray(0, writeBytes));
    if (end === 'hold') return;
    if (end === 'rst' && !socket.writableEnded) socket.resetAndDestroy();
    else socket.end();
    if (end === 'fin') socket.once('finish', () => socket.destroy());
  }

  closeAll(): void {
    for (const socket of this.#open) socket.destroy();
    this.#open = [];
    this.port = undefined;
  }
}
