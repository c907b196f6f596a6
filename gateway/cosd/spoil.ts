/**
 * What a fault script does to bytes, headers and documents on their way in and out. The store itself is
 * never touched: bytes are turned before it sees them, or in a copy of what it gave.
 */
import type { ReplyHeaders } from './exchange.ts';
import type { FaultPoint } from './fault-script.ts';
import type { FaultActs } from './faults.ts';
import type { Interrupt, Interruption } from './interruption.ts';
import { crcHeader } from './object-headers.ts';
import { xmlElement } from './xml-writer.ts';

/** What breaks the connection at this point, if anything does. */
export function interruptionAt(acts: FaultActs, point: FaultPoint): Breaking | undefined {
  if (point === 'download' && acts.cut) return { how: 'cut', afterBytes: acts.cut.afterBytes };
  const act = [acts.reset, acts.hang].find((candidate) => candidate?.at === point);
  return act && { how: act.do, afterBytes: act.afterBytes ?? 0 };
}

export interface Breaking {
  readonly how: Interruption;
  /** Of the request's or the reply's body; of no meaning elsewhere. */
  readonly afterBytes: number;
}

/** Changes the headers it is given. */
export function spoilHeaders(headers: ReplyHeaders, acts: FaultActs): ReplyHeaders {
  const crc64 = headers[crcHeader];
  if (acts['omit-crc']) delete headers[crcHeader];
  else if (acts['wrong-crc'] && crc64 !== undefined) headers[crcHeader] = wrongCrc(String(crc64));
  if (acts['wrong-etag'] && headers['ETag'] !== undefined) headers['ETag'] = wrongEtag;
  return headers;
}

/** The same inside a result document. */
export function spoilDocument(xml: string, acts: FaultActs): string {
  const etag = acts['wrong-etag'] ? xmlElement('ETag', wrongEtag) : '$&';
  const spoilt = xml.replace(/<ETag>[^<]*<\/ETag>/, etag);
  if (acts['omit-crc']) return spoilt.replace(/<CRC64>\d+<\/CRC64>/, '');
  if (!acts['wrong-crc']) return spoilt;
  return spoilt.replace(/<CRC64>(\d+)<\/CRC64>/, (_all, decimal: string) =>
    xmlElement('CRC64', wrongCrc(decimal)),
  );
}

const wrongEtag = `"${'0'.repeat(32)}"`;

function wrongCrc(decimal: string): string {
  return (BigInt(decimal) ^ 1n).toString();
}

/** False as soon as nothing more of the body is to be taken. Undefined: the body is left alone. */
export type UploadSpoiler = (chunk: Uint8Array) => boolean;

export function uploadSpoiler(acts: FaultActs, interrupt: Interrupt): UploadSpoiler | undefined {
  const flip = acts['flip-in'];
  const breaking = interruptionAt(acts, 'upload');
  if (!flip && !breaking) return undefined;
  let seenBytes = 0;
  return (chunk) => {
    if (flip) flipBit(chunk, (flip.atByte ?? 0) - seenBytes);
    seenBytes += chunk.length;
    if (!breaking || seenBytes < breaking.afterBytes) return true;
    interrupt(breaking.how);
    return false;
  };
}

export interface SpoiltChunk {
  readonly chunk: Uint8Array;
  /** False: nothing may follow. */
  readonly goesOn: boolean;
}

export type DownloadSpoiler = (chunk: Uint8Array) => SpoiltChunk;

export function downloadSpoiler(
  acts: FaultActs,
  interrupt: Interrupt,
): DownloadSpoiler | undefined {
  const flip = acts['flip-out'];
  const breaking = interruptionAt(acts, 'download');
  if (!flip && !breaking) return undefined;
  let sentBytes = 0;
  return (original) => {
    const chunk = Uint8Array.from(original);
    if (flip) flipBit(chunk, (flip.atByte ?? 0) - sentBytes);
    const leftBytes = (breaking?.afterBytes ?? 0) - sentBytes;
    sentBytes += chunk.length;
    if (!breaking || leftBytes >= chunk.length) return { chunk, goesOn: true };
    // A turn later, so that what stands before it is written.
    setImmediate(() => interrupt(breaking.how));
    return { chunk: chunk.subarray(0, leftBytes), goesOn: false };
  };
}

/** Turns the lowest bit of one byte, if the chunk has that byte. */
function flipBit(chunk: Uint8Array, index: number): void {
  const byte = chunk[index];
  if (byte !== undefined) chunk[index] = byte ^ 1;
}
