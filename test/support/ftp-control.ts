/**
 * A control channel on a real socket, and a client that speaks raw bytes to it.
 */
import net from 'node:net';
import { ControlChannel } from '#gateway/ftp/control.ts';
import type { ControlOptions } from '#gateway/ftp/control-options.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { until } from './condition.ts';

export interface RawClient extends AsyncDisposable {
  readonly socket: net.Socket;
  /** Everything received so far. */
  readonly text: string;
  readonly hasFin: boolean;
  readonly isClosed: boolean;
  send(bytes: string | Uint8Array): void;
  /** Waits until that many complete lines arrived and returns all of them. */
  lines(count: number): Promise<string[]>;
}

export async function rawClient(
  options: net.NetConnectOpts & { readonly paused?: true },
): Promise<RawClient> {
  const socket = net.connect({ allowHalfOpen: true, ...options });
  const chunks: Buffer[] = [];
  let lineCount = 0;
  let hasFin = false;
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lineCount++;
  };
  if (!options.paused) socket.on('data', take);
  socket.on('end', () => {
    hasFin = true;
  });
  socket.on('error', () => undefined);
  await until('the connection', () => !socket.connecting);
  const text = () => Buffer.concat(chunks).toString('utf8');
  return {
    socket,
    get text() {
      return text();
    },
    get hasFin() {
      return hasFin;
    },
    get isClosed() {
      return socket.closed;
    },
    send: (bytes) => void socket.write(bytes),
    async lines(count) {
      await until(`${count} lines`, () => lineCount >= count);
      return text().split('\r\n').slice(0, -1);
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await until('the client to close', () => socket.closed);
    },
  };
}

export interface ControlServer extends AsyncDisposable {
  readonly port: number;
  /** In the order of their connections. */
  readonly channels: ControlChannel[];
  connect(options?: { readonly paused?: true }): Promise<RawClient>;
}

export type ChannelSetup = (
  channel: () => ControlChannel,
) => Omit<ControlOptions, 'socket' | 'clock'> & Partial<Pick<ControlOptions, 'clock'>>;

/** Accepts connections paused, as the server package does, and attaches a channel to each. */
export async function controlServer(setup: ChannelSetup): Promise<ControlServer> {
  const channels: ControlChannel[] = [];
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    const options = setup(() => channel);
    const channel: ControlChannel = new ControlChannel({ clock: systemClock, ...options, socket });
    channels.push(channel);
    channel.start();
  });
  server.listen(0, '127.0.0.1');
  await until('the listener', () => server.listening);
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    channels,
    connect: (options = {}) => rawClient({ port, host: '127.0.0.1', ...options }),
    async [Symbol.asyncDispose]() {
      for (const channel of channels) channel.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
