/**
 * A gateway that is killed in the middle of uploads, again and again, in front of a bucket that others use
 * as well; and what has to be true after the next start.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { until } from './condition.ts';
import { startTestCosd, type TestCosd } from './cosd.ts';
import { FtpClient } from './ftp-client.ts';
import { gatewayWords } from './gateway-words.ts';
import { HeldUpload } from './held-upload.ts';
import { freePortRange, type PortRange } from './port-range.ts';
import { type Program, startProgram } from './program.ts';
import { type SeededRandom, seededRandom } from './random.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const MiB = 1024 * 1024;
const uploadsAtOnce = 3;
/** Requests of the uploads at most before the kill: into the second batch of parts of each. */
const requestsMax = 24;

type Start = () => Promise<Program>;

export interface KillReport {
  readonly kills: number;
  /** Multipart uploads of the killed ones that were open right after a kill, all kills together. */
  readonly leftOpen: number;
  /** From the start of the next one to the end of the last of them, at most. */
  readonly clearedWithinMs: number;
}

/**
 * @throws when an upload of a killed gateway is still there after the next start, or one of others is not:
 * of a gateway that lives beside it, of one that only left its marker, of another program.
 */
export async function killUploads(kills: number, seed: number): Promise<KillReport> {
  const random = seededRandom(seed);
  await using cosd = await startTestCosd();
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'gateway.json');
  await writeFile(file, JSON.stringify(words(cosd, await freePortRange(8))));
  const start = () => startProgram({ args: ['serve', '--config', file], cwd: directory.path });
  const foreign = await beginForeignUploads(cosd);
  await using held = await HeldUpload.begin(
    cosd,
    directory.path,
    words(cosd, await freePortRange(8)),
  );
  const others = [...foreign, ...held.ids];
  const scene: Scene = { cosd, start, held, others };
  let leftOpen = 0;
  let clearedWithinMs = 0;
  await using victims = new AsyncDisposableStack();
  let victim = victims.use(await start());
  await untilOldEnough(cosd, foreign);
  for (let kill = 0; kill < kills; kill++) {
    leftOpen += await killOnce(scene, victim, random);
    const startedMs = performance.now();
    victim = victims.use(await start());
    await assertCleared(scene, `seed ${seed}, kill ${kill}`);
    clearedWithinMs = Math.max(clearedWithinMs, performance.now() - startedMs);
    held.keepOn();
  }
  await victim.stop('SIGKILL');
  await held.finish();
  return { kills, leftOpen, clearedWithinMs };
}

interface Scene {
  readonly cosd: TestCosd;
  readonly start: Start;
  readonly held: HeldUpload;
  /** Ids of uploads that must stay. */
  readonly others: readonly string[];
}

/**
 * A killed one may leave a marker without an id, and what was begun just before it could be its upload: the
 * store's clocks differ a little.
 */
async function untilOldEnough(cosd: TestCosd, ids: readonly string[]): Promise<void> {
  const youngest = () =>
    Math.max(
      ...cosd.inspect
        .openUploads(cosd.bucket)
        .filter(({ uploadId }) => ids.includes(uploadId))
        .map(({ initiatedAtMs }) => initiatedAtMs),
    );
  await until('the uploads of others to be older', () => Date.now() - youngest() > 4_000);
}

/** One of another program, and one that a gateway of another machine has marked. */
async function beginForeignUploads(cosd: TestCosd): Promise<readonly string[]> {
  const query = { uploads: '' };
  const begin = async (key: string) => {
    const { text } = await cosd.fetch({ method: 'POST', key, query });
    return /<UploadId>([^<]+)</.exec(text)?.[1] ?? '';
  };
  const ids = [await begin('jail/file-0'), await begin('jail/file-1')];
  const content = JSON.stringify({ key: 'jail/file-1', upload_id: ids[1] });
  await cosd.inspect.put(cosd.bucket, otherMarker, content);
  return ids;
}

const otherMarker = 'jail/.cosftp/uploads/other-2121/abcd-1';

/** @returns how many uploads it left open. */
async function killOnce(scene: Scene, victim: Program, random: SeededRandom): Promise<number> {
  const { cosd, others } = scene;
  const port = Number(victim.listening['ftp_port']);
  cosd.forgetRequests();
  const killAfter = random.between(1, requestsMax);
  const uploads = Array.from({ length: uploadsAtOnce }, (_, index) => upload(port, index, random));
  const made = () => Object.values(cosd.requests()).reduce((sum, count) => sum + count, 0);
  let areOver = false; // short ones may need fewer requests
  const over = Promise.all(uploads).then(() => {
    areOver = true;
  });
  while (made() < killAfter && !areOver) await turn();
  victim.process.kill('SIGKILL');
  await Promise.all([once(victim.process, 'close'), over]);
  return cosd.inspect.openUploads(cosd.bucket).length - others.length;
}

function words(cosd: TestCosd, { first, last }: PortRange): Record<string, unknown> {
  return gatewayWords(cosd, {
    passive_port: `${first}-${last}`,
    accounts: [{ user: 'alice', password: 'secret', prefix: 'jail/' }],
  });
}

/** Never rejects: its server dies. */
async function upload(port: number, index: number, random: SeededRandom): Promise<void> {
  const bytes = random.bytes(random.between(MiB, 8 * MiB));
  try {
    const client = await FtpClient.logIn(port);
    const data: Socket = await client.beginStore(`file-${index}`);
    data.on('error', () => undefined);
    data.end(bytes);
    await client.reply();
  } catch {
    // killed before, in between or after
  }
}

async function assertCleared({ cosd, held, others }: Scene, replay: string): Promise<void> {
  const open = () => cosd.inspect.openUploads(cosd.bucket).map(({ uploadId }) => uploadId);
  const markers = () => cosd.inspect.keys(cosd.bucket).filter((key) => key.includes('/.cosftp/'));
  const isClear = () => open().length <= others.length && markers().length === 1 + held.markers;
  await until(`nothing left of the dead gateway (${replay})`, isClear, 20_000);
  assert.deepEqual(open().toSorted(), others.toSorted(), `${replay}: ${held.story()}`);
  assert.ok(markers().includes(otherMarker) && held.markers > 0, replay);
}
