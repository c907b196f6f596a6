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
  /** Multipart uploads that were open right after a kill, all kills together. */
  readonly leftOpen: number;
}

/** @throws when an upload of a killed gateway is still there after a start, or one of others is not. */
export async function killUploads(kills: number, seed: number): Promise<KillReport> {
  const random = seededRandom(seed);
  await using cosd = await startTestCosd();
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'gateway.json');
  await writeFile(file, JSON.stringify(words(cosd)));
  const start = () => startProgram({ args: ['serve', '--config', file], cwd: directory.path });
  const foreign = await beginForeignUploads(cosd);
  let leftOpen = 0;
  for (let kill = 0; kill < kills; kill++) {
    leftOpen += await killOnce(cosd, start, random);
    await assertCleared(cosd, start, foreign, `seed ${seed}, kill ${kill}`);
  }
  return { kills, leftOpen };
}

/** One of another program, and one that another living gateway has marked. */
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

async function killOnce(cosd: TestCosd, start: Start, random: SeededRandom): Promise<number> {
  await using program = await start();
  const port = Number(program.listening['ftp_port']);
  cosd.forgetRequests();
  const killAfter = random.between(1, requestsMax);
  const uploads = Array.from({ length: uploadsAtOnce }, (_, index) => upload(port, index, random));
  const made = () => Object.values(cosd.requests()).reduce((sum, count) => sum + count, 0);
  while (made() < killAfter) await turn();
  program.process.kill('SIGKILL');
  await Promise.all([once(program.process, 'close'), ...uploads]);
  return cosd.inspect.openUploads(cosd.bucket).length - 2;
}

function words(cosd: TestCosd): Record<string, unknown> {
  const { region, bucket, endpoint, secretId: secretid, secretKey: secretkey } = cosd;
  return {
    listen_address: '127.0.0.1',
    listen_port: 0,
    passive_port: '61740-61747',
    admin_port: 0,
    cos: { region, bucket, endpoint, protocol: 'http', secretid, secretkey },
    accounts: [{ user: 'alice', password: 'secret', prefix: 'jail/' }],
  };
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

async function assertCleared(
  cosd: TestCosd,
  start: Start,
  foreign: readonly string[],
  replay: string,
): Promise<void> {
  await using _program = await start();
  const open = () => cosd.inspect.openUploads(cosd.bucket).map(({ uploadId }) => uploadId);
  const markers = () => cosd.inspect.keys(cosd.bucket).filter((key) => key.includes('/.cosftp/'));
  const isClear = () => open().length === foreign.length && markers().length === 1;
  await until(`nothing left of the dead gateway (${replay})`, isClear, 20_000);
  assert.deepEqual(open().toSorted(), foreign.toSorted(), replay);
  assert.deepEqual(markers(), [otherMarker], replay);
}
