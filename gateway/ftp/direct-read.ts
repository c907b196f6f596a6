/**
 * Reads an accepted TCP connection straight into memory of the caller's choice. Node hands every chunk out
 * in a fresh 64 KiB buffer, which costs a copy and a garbage collection per 55 MiB; a socket made with
 * `onread` costs neither. Node offers that for outgoing connections only, so the handle of an accepted
 * one is moved into a new socket: one private field, `_handle` (lib/net.js of Node 24).
 *
 * Because the field is private, `chooseDataReading` proves at start, on a loopback pair, that everything the
 * pump relies on works; where it does not, pump.ts reads by 'data' events and copies. Never to be used
 * on anything but a plain TCP socket: a TLSSocket's handle is another kind.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';

export interface DirectReader {
  /**
   * Where the next bytes go; never empty. Chosen right after each `onBytes`, also when that returned
   * false, and kept until bytes came: memory given here must not be reused before `pause`.
   */
  space(): Uint8Array;
  /** That many bytes are at the start of what `space` gave. False stops reading. Must not throw. */
  onBytes(bytes: number, space: Uint8Array): boolean;
}

interface WithHandle {
  _handle: object | null;
}

/**
 * The connection as a new socket, paused; `accepted` is destroyed without closing it. Undefined when the
 * handle cannot be moved: bytes were read already, or it is gone.
 */
export function takeOver(accepted: Socket, reader: DirectReader): Socket | undefined {
  const inner = accepted as unknown as WithHandle;
  const handle = inner._handle;
  const isTouched = accepted.bytesRead > 0 || accepted.readableEnded;
  if (!handle || isTouched) return undefined;
  inner._handle = null;
  const options: SocketConstructorOpts = {
    handle: handle as NonNullable<SocketConstructorOpts['handle']>,
    allowHalfOpen: true,
    onread: {
      buffer: () => reader.space(),
      callback: (bytes, space) => reader.onBytes(bytes, space),
    },
  };
  const socket = new Socket(options);
  accepted.destroy();
  return socket;
}
