/** Who is whose successor: one that starts ends the open uploads of its own instance and of nobody else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { UploadMarks } from '#gateway/run/upload-marks.ts';
import { openTestStore } from '#test/support/storage-store.ts';

const prefix = 'jail/';
const hour = 3_600_000;

function gateway(name: string | undefined, onAborted: (count: number) => void = () => undefined) {
  return new UploadMarks({ name, listenPort: 2121, clock: systemClock, log: silentLog, onAborted });
}

/** @returns how many uploads of the first are aborted when the second starts. */
async function abortedBy(first: string | undefined, second: string | undefined): Promise<number> {
  await using bench = await openTestStore();
  const { store, cosd } = bench;
  const marked = gateway(first).mark(store, prefix);
  await marked.createMultipart('jail/file');
  await marked.settled(hour);
  const { promise, resolve } = Promise.withResolvers<number>();
  const other = gateway(second, resolve);
  other.start(() => [{ store, prefix }]);
  const aborted = await promise;
  other.close();
  assert.equal(cosd.inspect.openUploads(cosd.bucket).length, 1 - aborted);
  return aborted;
}

describe('a gateway that starts beside another with an open upload', () => {
  for (const [what, first, second, aborted] of [
    ['of the same host name and port takes it for its own', undefined, undefined, 1],
    ['of the same host name and port, and another instance, spares it', 'north-0', 'south-0', 0],
    ['whose instance is named while the other has none spares it', undefined, 'south-0', 0],
    ['of the same instance takes it for its own', 'north-0', 'north-0', 1],
  ] as const) {
    test(what, async () => {
      assert.equal(await abortedBy(first, second), aborted);
    });
  }
});
