/**
 * What stands before a connection is served when balancers announce their clients by the PROXY protocol:
 * reads the header from the sockets of trusted balancers and tells whose connection it is. What follows
 * the header goes back into the socket, so FTP, TLS or file bytes may stand right behind it.
 *
 * It must never believe a header of anybody else, and never wait for one without end.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { plainAddress } from '#gateway/kit/networks.ts';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import {
  type AnnouncedPair,
  binaryBytesMax,
  type ProxyHeader,
  readProxyHeader,
} from './proxy-header.ts';

/** Whose connection it is; the addresses as {@link plainAddress} spells them. */
export interface Arrival {
  readonly peerAddress: string;
  /** Which address the peer connected to: ours, or the balancer's. */
  readonly localAddress: string;
  /** Whether a believed header came, with or without addresses. */
  readonly hasHeader: boolean;
}

/**
 * untrusted: not from a trusted network, though a header is required · invalid: something else came ·
 * timeout: it did not come in time · left: the peer was gone before · crowded: too many were waited for.
 */
export type ProxyRefusal = 'untrusted' | 'invalid' | 'timeout' | 'left' | 'crowded';

export interface ProxyDoorOptions {
  /** optional: peers without a header are served as who they are, also those whose header is not believed. */
  readonly mode: 'optional' | 'required';
  /** The balancers that are believed. */
  readonly trusted: { contains(address: string): boolean };
  readonly clock: Clock;
  /** A connection was closed unserved. @param detail what an invalid header lacked. */
  readonly onRefused: (refusal: ProxyRefusal, address: string, detail: string | undefined) => void;
  readonly limits?: Partial<ProxyDoorLimits>;
}

export interface ProxyDoorLimits {
  /** For a required header. Default 5 s. */
  readonly requiredMs: number;
  /** For an optional one of a trusted peer; then it is served without. Default 1 s. */
  readonly optionalMs: number;
  /** Connections waited for at once; more are closed. Default 1024. */
  readonly waitingMax: number;
}

const defaultLimits: ProxyDoorLimits = { requiredMs: 5_000, optionalMs: 1_000, waitingMax: 1024 };

/** Without a door: the connection is whose socket it is. */
export function arrivalOf(socket: Socket): Arrival {
  return {
    peerAddress: plainAddress(socket.remoteAddress ?? ''),
    localAddress: plainAddress(socket.localAddress ?? ''),
    hasHeader: false,
  };
}

function announcedArrival(direct: Arrival, announced: AnnouncedPair | undefined): Arrival {
  if (!announced) return { ...direct, hasHeader: true };
  const { source, destination } = announced;
  return { peerAddress: source, localAddress: destination, hasHeader: true };
}

export class ProxyDoor {
  readonly #options: ProxyDoorOptions;
  readonly #limits: ProxyDoorLimits;
  readonly #waiting = new Set<Socket>();

  constructor(options: ProxyDoorOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
  }

  /**
   * @param socket paused, nothing read from it yet; paused again when this resolves. When nothing but the
   * end of data follows, it may be emitted already: ask `readableEnded`.
   * @returns undefined when the connection was closed instead. Never rejects.
   */
  async admit(socket: Socket): Promise<Arrival | undefined> {
    const { mode, trusted, clock } = this.#options;
    const { requiredMs, optionalMs, waitingMax } = this.#limits;
    const direct = arrivalOf(socket);
    if (!trusted.contains(direct.peerAddress)) {
      return mode === 'optional' ? direct : this.#refuse(socket, direct, 'untrusted');
    }
    if (this.#waiting.size >= waitingMax) return this.#refuse(socket, direct, 'crowded');
    this.#waiting.add(socket);
    const timeoutMs = mode === 'required' ? requiredMs : optionalMs;
    const read = await new HeaderReader(socket, clock, timeoutMs).result;
    this.#waiting.delete(socket);
    return this.#decide(socket, direct, read);
  }

  #decide(socket: Socket, direct: Arrival, read: HeaderRead): Arrival | undefined {
    const isOptional = this.#options.mode === 'optional' && !socket.destroyed;
    switch (read.kind) {
      case 'header':
        return announcedArrival(direct, read.announced);
      case 'invalid':
        return this.#refuse(socket, direct, 'invalid', read.reason);
      case 'absent':
        return isOptional ? direct : this.#refuse(socket, direct, 'invalid', 'no header');
      case 'left':
      case 'timeout':
        return isOptional ? direct : this.#refuse(socket, direct, read.kind);
    }
  }

  /** Closes the connections a header is still awaited from. */
  close(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  #refuse(socket: Socket, arrival: Arrival, refusal: ProxyRefusal, detail?: string): undefined {
    resetSocket(socket);
    this.#options.onRefused(refusal, arrival.peerAddress, detail);
  }
}

type HeaderRead =
  | Exclude<ProxyHeader, { kind: 'incomplete' }>
  | { readonly kind: 'timeout' }
  | { readonly kind: 'left' };

/**
 * Takes the header out of the socket and leaves the rest where it was, with the end of data behind it: only
 * as many bytes are read as are there, because a read past them would make the socket emit `end`.
 */
class HeaderReader {
  readonly #socket: Socket;
  readonly #result = Promise.withResolvers<HeaderRead>();
  readonly #timer: Timer;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, clock: Clock, timeoutMs: number) {
    this.#socket = socket;
    this.#timer = clock.setTimer(timeoutMs, () => this.#finish({ kind: 'timeout' }));
    // Stays: from here on somebody has to listen, or a reset would end the process.
    socket.on('error', () => undefined);
    socket.on('readable', this.#onReadable);
    socket.on('close', this.#onClose);
    if (socket.destroyed) this.#onClose();
  }

  get result(): Promise<HeaderRead> {
    return this.#result.promise;
  }

  readonly #onReadable = (): void => {
    const { readableLength } = this.#socket;
    // Readable with nothing to read: the end.
    if (readableLength === 0) return this.#finish({ kind: 'left' });
    const wanted = Math.min(readableLength, binaryBytesMax - this.#bytes.length);
    const chunk: Buffer | null = this.#socket.read(wanted);
    if (chunk) this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const read = readProxyHeader(this.#bytes);
    if (read.kind !== 'incomplete') this.#finish(read);
  };

  readonly #onClose = (): void => this.#finish({ kind: 'left' });

  #finish(read: HeaderRead): void {
    this.#timer.cancel();
    const socket = this.#socket;
    socket.off('readable', this.#onReadable);
    socket.off('close', this.#onClose);
    const rest = read.kind === 'header' ? this.#bytes.subarray(read.bytes) : this.#bytes;
    if (rest.length > 0 && !socket.destroyed) socket.unshift(rest);
    // Without its listener a socket forgets that it was paused, one tick later.
    process.nextTick(() => {
      socket.pause();
      this.#result.resolve(read);
    });
  }
}
