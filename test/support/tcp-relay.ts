/**
 * Stands between a client and a server on 127.0.0.1, passes bytes on as they are, and can cut or refuse:
 * a bad network for servers that cannot be told to behave badly.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpRelay extends AsyncDisposable {
  readonly port: number;
  /** Resets every connection there is. */
  cut(): void;
  /** New connections are reset until `allow`. */
  refuse(): void;
  allow(): void;
}

export async function startTcpRelay(target: { host: string; port: number }): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  let isRefusing = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (isRefusing) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(target);
    keep(far);
    near.pipe(far);
    far.pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    refuse() {
      isRefusing = true;
    },
    allow() {
      isRefusing = false;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}
