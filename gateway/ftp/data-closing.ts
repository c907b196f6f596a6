/**
 * How a data connection is closed once its transfer is decided: in order after a success, and after a
 * failure so that the client can still read the reply. Must leave no socket open for good.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#gateway/kit/clock.ts';
import type { DataConnection } from './data-connection.ts';

/** How long a client that was refused may go on sending into the void before its connection is reset. */
const refusedLingerMs = 2000;
/** How long a client may keep its side open after our end of data; the kernel still delivers what it has. */
const completedLingerMs = 15_000;

/** Nobody reads a download's socket, so the client's end would never be seen and the socket never freed. */
export function closeAfterSuccess({ socket }: DataConnection, clock: Clock): void {
  if (!socket.writableEnded) socket.end();
  if (!socket.readableEnded) drain(socket, clock, completedLingerMs, () => socket.destroy());
}

/**
 * Closing a socket with unread bytes resets it, and the reset can destroy the reply's chance to be read.
 * So what still arrives is dropped for a moment first.
 */
export function closeAfterFailure(connection: DataConnection, clock: Clock): void {
  const { socket } = connection;
  if (!connection.isDrainable()) {
    connection.reset();
    return;
  }
  socket.once('end', () => socket.destroy());
  drain(socket, clock, refusedLingerMs, () => connection.reset());
}

/** Drops what arrives, until the socket closes or `whenLate` closes it. */
function drain(socket: Socket, clock: Clock, lingerMs: number, whenLate: () => void): void {
  if (socket.destroyed) return;
  const timer = clock.setTimer(lingerMs, whenLate);
  socket.once('close', () => timer.cancel());
  socket.resume();
}
