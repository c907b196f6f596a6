/**
 * `npm run test:slow-complete`: COS takes 50 s to put an upload together, longer than many clients wait
 * for a reply. When it succeeds then, every client must be content; when it fails, every client must
 * report a failure. All of them side by side: about a minute.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultRule } from '#gateway/cosd/fault-script.ts';
import { crc64 } from '#gateway/kit/crc64.ts';
import { until } from '#test/support/condition.ts';
import { startTestCosd, type TestCosd } from '#test/support/cosd.ts';
import { gatewayWords } from '#test/support/gateway-words.ts';
import { freePassivePort } from '#test/support/port-range.ts';
import { type Program, startProgram } from '#test/support/program.ts';
import { seededRandom } from '#test/support/random.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { password, type Uploader, uploaders, user } from './uploaders.ts';

const completeMs = 50_000;
const MiB = 1024 * 1024;
/** More than one part, so that there is something to complete. */
const bytes = seededRandom(50).bytes(3 * MiB);

const outcomes = ['succeeds', 'fails'] as const;
type Outcome = (typeof outcomes)[number];

const slow = (key: string): FaultRule => ({
  operation: 'CompleteMultipartUpload',
  key,
  times: 'always',
  act: { do: 'drip', dripMs: completeMs },
});

const faults: readonly FaultRule[] = [
  ...outcomes.map((outcome) => slow(`${outcome}-*`)),
  { ...slow('fails-*'), act: { do: 'error-in-200', code: 'InternalError' } },
];

interface Trial {
  readonly name: string;
  readonly isRight: boolean;
  readonly found: string;
}

async function tryAll(): Promise<readonly Trial[]> {
  await using directory = await temporaryDirectory();
  await using cosd = await startTestCosd({ faults });
  const [file, localFile] = [join(directory.path, 'gateway.json'), join(directory.path, 'file')];
  await writeFile(localFile, bytes);
  const words = { passive_port: await freePassivePort(32), accounts: [{ user, password }] };
  await writeFile(file, JSON.stringify(gatewayWords(cosd, words)));
  await using gateway = await startProgram({
    args: ['serve', '--config', file],
    cwd: directory.path,
  });
  const trials = await Promise.all(
    outcomes.flatMap((outcome) =>
      uploaders.map((uploader) => tryOne({ outcome, uploader, cosd, gateway, localFile })),
    ),
  );
  await until('the failed uploads to be aborted', () => openUploads(cosd) === 0, 20_000);
  return trials;
}

interface TrialOptions {
  readonly outcome: Outcome;
  readonly uploader: Uploader;
  readonly cosd: TestCosd;
  readonly gateway: Program;
  readonly localFile: string;
}

async function tryOne(options: TrialOptions): Promise<Trial> {
  const { outcome, uploader, cosd, gateway, localFile } = options;
  const remoteFile = `${outcome}-${uploader.name}`;
  const port = Number(gateway.listening['ftp_port']);
  const startedMs = performance.now();
  const told = await uploader.upload({ port, localFile, remoteFile }).then(
    () => 'content',
    (error: unknown) => `failed: ${error instanceof Error ? error.message : String(error)}`,
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const object = cosd.inspect.find(cosd.bucket, remoteFile);
  const isStored = object?.crc64 === crc64(bytes);
  const isContent = told === 'content';
  const wasSlow = seconds * 1000 >= completeMs;
  const isRight = outcome === 'succeeds' ? isContent && isStored : !isContent && !object;
  return {
    name: `${uploader.name}, when Complete ${outcome} after ${completeMs / 1000} s`,
    isRight: isRight && wasSlow,
    found: `${told} after ${seconds.toFixed(1)} s; COS has ${isStored ? 'all of it' : 'nothing of it'}`,
  };
}

function openUploads(cosd: TestCosd): number {
  return cosd.inspect.openUploads(cosd.bucket).length;
}

process.stdout.write(
  `${uploaders.length} clients upload while Complete takes ${completeMs / 1000} s\n`,
);
const trials = await tryAll();
for (const { name, isRight, found } of trials) {
  process.stdout.write(`${isRight ? '✔' : '✖'} ${name}: ${found}\n`);
}
const wrong = trials.filter(({ isRight }) => !isRight).length;
process.stdout.write(`${trials.length - wrong} passed, ${wrong} failed\n`);
process.exitCode = wrong === 0 ? 0 : 1;
