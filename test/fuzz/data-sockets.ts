/**
 * The data connections of one fuzzed client, polite ones and others. Nothing here waits for the gateway,
 * and no error of a data connection is a violation: what counts is what the control connection says.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { wrapInTls } from './client-tls.ts';
import type { Step } from './scene.ts';

type OpenStep = Extract<Step, { kind: 'open' }>;
type DataStep = Extract<Step, { kind: 'data' }>;

const content = Buffer.alloc(4 * 1024 * 1024, 'fuzz ');
const strangerAddress = '127.0.1.77';

export class DataSockets {
  /** Of the last reservation; undefined when there was none. */
  port: number | undefined;
  /** What PROT agreed upon. */
  isProtected = false;
  /** The TLS session of the control connection. */
  tlsSession: Buffer | undefined;
  readonly #localAddress: string;
  #open: { readonly socket: Socket; readonly plain: Socket }[] = [];

  constructor(localAddress: string) {
    this.#localAddress = localAddress;
  }

  /** Resolves when it stands or is refused; a TLS handshake begins then and is not waited for. */
  async open({ as, protection }: OpenStep): Promise<void> {
    if (this.port === undefined) return;
    const localAddress = as === 'owner' ? this.#localAddress : strangerAddress;
    const plain = connect({ port: this.port, host: '127.0.0.1', localAddress, noDelay: true });
    plain.on('error', () => undefined);
    await Promise.race([once(plain, 'connect'), once(plain, 'close')]).catch(() => undefined);
    const isTls = !plain.destroyed && this.isProtected === (protection === 'agreed');
    this.#open.push({ plain, socket: isTls ? wrapInTls(plain, this.tlsSession) : plain });
  }

  /** On the connection opened last, if there is one. */
  async act({ writeBytes, reads, end }: DataStep): Promise<void> {
    const { socket, plain } = this.#open.at(-1) ?? {};
    if (!socket || !plain || socket.destroyed) return;
    if (reads === 'all') socket.resume();
    if (writeBytes > 0 && socket.writable) socket.write(content.subarray(0, writeBytes));
    if (end === 'hold') return;
    if (end === 'rst' && !plain.writableEnded) plain.resetAndDestroy();
    else endWhenSecure(socket);
    if (end === 'fin') socket.once('finish', () => socket.destroy());
  }

  closeAll(): void {
    for (const { socket, plain } of this.#open) {
      socket.destroy();
      plain.destroy();
    }
    this.#open = [];
    this.port = undefined;
  }
}

/** Node's TLS forgets an end that comes before its handshake. */
function endWhenSecure(socket: Socket): void {
  const isShaking = socket instanceof TLSSocket && socket.getCipher() === undefined;
  if (isShaking) socket.once('secureConnect', () => socket.end());
  else socket.end();
}
