/**
 * One HTTP/1.1 connection of the store's stand-in, at the least CPU Node can do it for: the socket reads
 * into one buffer that all connections share, and bodies are looked at there. It understands what the
 * gateway and the relay send and nothing else: no chunked bodies, no pipelining of bodies by surprise.
 */
import type { Socket } from 'node:net';
import { takeOver } from '#gateway/ftp/direct-read.ts';
import { KiB } from '#gateway/kit/bytes.ts';

export interface StoreRequest {
  readonly method: string;
  /** As sent. */
  readonly target: string;
  readonly bodyBytes: number;
  /** Of a Range header; undefined without one. */
  readonly range: { readonly first: number; readonly last: number } | undefined;
}

export interface Body {
  /** In order. The chunk is valid during the call only. */
  take(chunk: Buffer): void;
  /** The last byte was taken. */
  end(): void;
}

export interface Answer {
  readonly status: number;
  readonly headers?: readonly string[];
  readonly body?: Buffer;
  /** Instead of `body`: what to write, in order. */
  readonly pieces?: Iterable<Buffer>;
  readonly bodyBytes?: number;
}

export type Serve = (request: StoreRequest, answer: (answer: Answer) => void) => Body;

/** Read into by every connection in turn: each looks at its bytes before the next one reads. */
const shared = Buffer.allocUnsafeSlow(256 * KiB);

const reasons: Readonly<Record<number, string>> = { 200: 'OK', 204: 'No Content' };

/** Serves requests on an accepted socket that nobody has read from. */
export function serveConnection(accepted: Socket, serve: Serve): void {
  let head = '';
  let body: Body | undefined;
  let restBytes = 0;

  const socket = takeOver(accepted, {
    space: () => shared,
    onBytes(bytes) {
      let chunk: Buffer = shared.subarray(0, bytes);
      while (chunk.length > 0) chunk = body ? takeBody(body, chunk) : takeHead(chunk);
      return true;
    },
  });
  if (!socket) {
    accepted.destroy();
    return;
  }
  const answer = (given: Answer) => write(socket, given);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.resume();

  function takeBody(into: Body, chunk: Buffer): Buffer {
    const mine = chunk.subarray(0, restBytes);
    into.take(mine);
    restBytes -= mine.length;
    if (restBytes === 0) endBody(into);
    return chunk.subarray(mine.length);
  }

  function takeHead(chunk: Buffer): Buffer {
    const before = head.length;
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end < 0) return chunk.subarray(chunk.length);
    const request = parseHead(head.slice(0, end));
    head = '';
    restBytes = request.bodyBytes;
    body = serve(request, answer);
    if (restBytes === 0) endBody(body);
    return chunk.subarray(end + 4 - before);
  }

  function endBody(into: Body): void {
    body = undefined;
    into.end();
  }
}

function parseHead(head: string): StoreRequest {
  const [method = '', target = ''] = head.slice(0, head.indexOf('\r\n')).split(' ');
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? '0';
  const range = /\r\nrange: *bytes=(\d+)-(\d+)/i.exec(head);
  return {
    method,
    target,
    bodyBytes: Number(length),
    range: range ? { first: Number(range[1]), last: Number(range[2]) } : undefined,
  };
}

function write(socket: Socket, { status, headers = [], body, pieces, bodyBytes }: Answer): void {
  const lines = [
    `HTTP/1.1 ${status} ${reasons[status] ?? 'Said'}`,
    `Date: ${new Date().toUTCString()}`,
    'x-cos-request-id: bench',
    `Content-Length: ${bodyBytes ?? body?.length ?? 0}`,
    ...headers,
  ];
  socket.cork();
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (body) socket.write(body);
  socket.uncork();
  if (pieces) writeAll(socket, pieces[Symbol.iterator]());
}

/** A MiB at a time, so that an abandoned reply of a GiB does not fill the socket's queue. */
function writeAll(socket: Socket, pieces: Iterator<Buffer>): void {
  const next = pieces.next();
  if (next.done || socket.destroyed) return;
  socket.write(next.value, () => writeAll(socket, pieces));
}
