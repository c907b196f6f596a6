/**
 * Content of simulated objects: pieces that are shared, never copied, with the checksum of the whole
 * combined from theirs. Thousands of runs would otherwise spend their time copying.
 */
import { crc64 } from '#gateway/kit/crc64.ts';
import { combineCrc64 } from '#gateway/kit/crc64-combine.ts';

interface Piece {
  readonly bytes: Uint8Array;
  readonly crc64: bigint;
}

/** Read-only. */
export interface Body {
  readonly pieces: readonly Piece[];
  readonly sizeBytes: number;
  readonly crc64: bigint;
}

export const emptyBody: Body = { pieces: [], sizeBytes: 0, crc64: 0n };

/** @param bytes must not change any more. */
export function bodyOf(bytes: Uint8Array): Body {
  if (bytes.length === 0) return emptyBody;
  return bodyOfPiece({ bytes, crc64: crc64(bytes) });
}

function bodyOfPiece(piece: Piece): Body {
  return { pieces: [piece], sizeBytes: piece.bytes.length, crc64: piece.crc64 };
}

export function join(bodies: readonly Body[]): Body {
  const pieces: Piece[] = [];
  let sizeBytes = 0;
  let sum = 0n;
  for (const body of bodies) {
    pieces.push(...body.pieces);
    sum = combineCrc64(sum, body.crc64, body.sizeBytes);
    sizeBytes += body.sizeBytes;
  }
  return { pieces, sizeBytes, crc64: sum };
}

/** `lengthBytes` from `offsetBytes` on, or what there is of them. */
export function slice(body: Body, offsetBytes: number, lengthBytes: number): Body {
  if (offsetBytes === 0 && lengthBytes >= body.sizeBytes) return body;
  const found: Body[] = [];
  let at = 0;
  for (const { bytes, crc64: sum } of body.pieces) {
    const first = Math.max(0, offsetBytes - at);
    const last = Math.min(bytes.length, offsetBytes + lengthBytes - at);
    if (first === 0 && last === bytes.length) found.push(bodyOfPiece({ bytes, crc64: sum }));
    else if (first < last) found.push(bodyOf(bytes.subarray(first, last)));
    at += bytes.length;
  }
  return join(found);
}

/** The same with one bit turned, or with one byte more where there is none to damage. */
export function damaged(body: Body): Body {
  const [first, ...rest] = body.pieces;
  if (!first) return bodyOf(Uint8Array.of(0));
  const bytes = Uint8Array.from(first.bytes);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  return join([bodyOf(bytes), ...rest.map(bodyOfPiece)]);
}

/** Fills `target`, or as much of it as there is. @returns how many bytes. */
export function copyInto(target: Uint8Array, body: Body): number {
  let at = 0;
  for (const { bytes } of body.pieces) {
    const fitting = bytes.subarray(0, target.length - at);
    target.set(fitting, at);
    at += fitting.length;
  }
  return at;
}

export function isSameBody(first: Body | undefined, second: Body | undefined): boolean {
  return first?.sizeBytes === second?.sizeBytes && first?.crc64 === second?.crc64;
}
