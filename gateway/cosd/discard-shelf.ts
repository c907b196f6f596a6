/**
 * A shelf that keeps records and throws the bytes away, for benchmarks that measure a client and not a
 * disk. Objects have their size, checksums and place in lists; read back they are zeros.
 */
import { KiB } from '#gateway/kit/bytes.ts';
import type { Body, BodyRange, KeptPart, ObjectShelf, OpenBody, StagedBody } from './shelf.ts';

export function createDiscardShelf(): ObjectShelf {
  return {
    load: async () => undefined,
    stage: () => new CountedBody(),
    stageRange: async (_bucket: string, _source: OpenBody, range: BodyRange) =>
      new CountedBody(range.lengthBytes),
    keepObject: async (_bucket, _record, staged) => zeros(staged.sizeBytes),
    joinObject: async (_bucket, record, _parts: readonly KeptPart[]) => zeros(record.sizeBytes),
    dropObject: async () => undefined,
    keepUpload: async () => undefined,
    keepPart: async (_bucket, _uploadId, record) => zeros(record.sizeBytes),
    dropUpload: async () => undefined,
    close: async () => undefined,
  };
}

class CountedBody implements StagedBody {
  sizeBytes: number;

  constructor(sizeBytes = 0) {
    this.sizeBytes = sizeBytes;
  }

  write(chunk: Uint8Array): undefined {
    this.sizeBytes += chunk.length;
  }

  async discard(): Promise<void> {}
}

const zeroChunk = new Uint8Array(256 * KiB);

function zeros(sizeBytes: number): Body {
  return { sizeBytes, open: async () => openZeros };
}

const openZeros: OpenBody = {
  *read(_offsetBytes: number, lengthBytes: number) {
    for (let left = lengthBytes; left > 0; left -= zeroChunk.length) {
      yield zeroChunk.subarray(0, Math.min(left, zeroChunk.length));
    }
  },
  close: async () => undefined,
};
