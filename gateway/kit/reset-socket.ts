/**
 * Ends a TCP connection with a reset, so that the peer does not take what it has for everything.
 *
 * libuv refuses a reset while a shutdown is under way (uv_tcp_close_reset: EINVAL), and Node 24 then
 * forgets the handle without closing it: the descriptor stays open, and a process that ends by itself
 * spins in its last loop. After `end`, therefore, the socket is closed without a reset.
 */
import type { Socket } from 'node:net';

/** Pending writes are dropped. Nothing happens to a socket that is destroyed already. */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded || socket.destroyed) socket.destroy();
  else socket.resetAndDestroy();
}
