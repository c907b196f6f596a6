/**
 * Known ways to break the promise, put in again from outside: what other gateways do, and what this one
 * must be caught doing. Nothing of the product knows of them.
 */
import type { UploadTarget } from '#gateway/ftp/receive.ts';
import {
  type ObjectInfo,
  type ObjectStore,
  StoreError,
  type WriteReceipt,
} from '#gateway/storage/object-store.ts';
import type { StoredObject } from '#gateway/transfer/upload.ts';
import type { Seams } from './session.ts';

export interface Mutant {
  readonly name: string;
  readonly seams: Seams;
  /** What the violation must say. */
  readonly caughtAs: RegExp;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'a cut upload is committed like one that ended',
    seams: { target: committingOnCut },
    caughtAs: /against the evidence|neither all nor what the policy keeps/,
  },
  {
    name: 'the evidence is not asked before the commit',
    seams: { target: withoutEvidence },
    caughtAs: /226 against the evidence|replaced against the evidence/,
  },
  {
    name: 'an upload is aborted while its Complete may be at work',
    seams: { store: abortingAfterSilence },
    caughtAs: /was aborted while its Complete is at work/,
  },
  {
    name: 'no checksum is compared',
    seams: { store: withoutChecksums },
    caughtAs: /226 .*the object differs/,
  },
  {
    name: 'one part is left out of Complete',
    seams: { store: withoutLastPart },
    caughtAs: /neither all nor|the object differs|reply is 451/,
  },
  {
    name: 'a failure of the store is told as stored',
    seams: { target: alwaysContent },
    caughtAs: /226 .*the object differs/,
  },
];

type Target = UploadTarget<StoredObject>;

/** Methods of classes with private fields stay bound to their object. */
function changed<T extends object>(original: T, changes: Partial<T>): T {
  return new Proxy(original, {
    get(target, name) {
      const value: unknown = Reflect.get(name in changes ? changes : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function committingOnCut(upload: Target): Target {
  const always = { mayCommit: () => true };
  return changed(upload, {
    discard: async () => void (await upload.finish(always).catch(() => undefined)), // the bug
    commitPartial: () => upload.finish(always),
  });
}

function withoutEvidence(upload: Target): Target {
  return changed(upload, {
    finish: ({ mayCommit }) =>
      upload.finish({
        mayCommit: () => {
          mayCommit();
          return true; // the bug
        },
      }),
  });
}

function alwaysContent(upload: Target): Target {
  return changed(upload, {
    finish: (options) =>
      upload.finish(options).catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
        return { sizeBytes: upload.receivedBytes, crc64: 0n, etag: '"?"', checksum: 'absent' };
      }),
  });
}

function withoutChecksums(store: ObjectStore): ObjectStore {
  const blind = <Told extends WriteReceipt | ObjectInfo>({ crc64: _crc64, ...told }: Told) => told;
  return changed(store, {
    put: async (...args) => blind(await store.put(...args)),
    uploadPart: async (...args) => blind(await store.uploadPart(...args)),
    copyPart: async (...args) => blind(await store.copyPart(...args)),
    completeMultipart: async (...args) => blind(await store.completeMultipart(...args)),
    head: async (...args) => blind(await store.head(...args)) as ObjectInfo,
  });
}

function abortingAfterSilence(store: ObjectStore): ObjectStore {
  return changed(store, {
    completeMultipart: async (upload, ...args) => {
      try {
        return await store.completeMultipart(upload, ...args);
      } catch (error) {
        await store.abortMultipart(upload).catch(() => undefined); // the bug
        throw error;
      }
    },
  });
}

function withoutLastPart(store: ObjectStore): ObjectStore {
  return changed(store, {
    completeMultipart: (upload, parts, options) =>
      store.completeMultipart(upload, parts.length > 1 ? parts.slice(0, -1) : parts, options),
  });
}
