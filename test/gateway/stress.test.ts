/**
 * A storm: many clients at once on little memory and few ports, most of them rude, in front of a store
 * that fails in every way it can. Every 226 is compared with the store at once; at the end nothing may be
 * left over. The seed replays the choices, though not the moments:
 *
 *     STRESS_SEED=17 STRESS_SECONDS=60 node --test test/gateway/stress.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { FaultAct, FaultRule } from '#gateway/cosd/fault-script.ts';
import type { DataReading } from '#gateway/ftp/data-connection.ts';
import { until } from '#test/support/condition.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { type SeededRandom, seededRandom } from '#test/support/random.ts';
import { StormClient } from '#test/support/storm-client.ts';

const seed = Number(process.env['STRESS_SEED'] ?? Date.now() % 1_000_000);
const seconds = Number(process.env['STRESS_SECONDS'] ?? 5);
const clientCount = 12;

for (const dataReading of ['direct', 'copied'] as const) {
  test(`a storm keeps every promise and leaves nothing, ${dataReading}, seed ${seed}`, async (t) => {
    t.diagnostic(`STRESS_SEED=${seed}`);
    const acted = await storm(dataReading);
    t.diagnostic(JSON.stringify(Object.fromEntries(acted)));
  });
}

async function storm(dataReading: DataReading): Promise<Map<string, number>> {
  await using ftp = await startTestGateway({
    dataReading,
    passivePorts: 24,
    words: {
      upload_memory: '8Mi',
      accounts: [
        { user: 'alice', password: 'secret', prefix: 'alice/' },
        { user: 'bob', password: 'secret', prefix: 'bob/', incomplete_uploads: 'complete' },
      ],
    },
    timeouts: { stallMs: 1500, dataConnectMs: 700 },
    storeTimeouts: { callMs: 2000, idleMs: 700, patientMs: 2500 },
  });
  const socketsBefore = openSockets();
  const stop = new AbortController();
  const weather = makeWeather(ftp, seededRandom(seed), stop.signal);
  const acted = new Map<string, number>();
  const endMs = performance.now() + seconds * 1000;
  const clients = Array.from({ length: clientCount }, async (_, index) => {
    const user = index % 3 === 0 ? 'bob' : 'alice';
    const random = seededRandom(seed + 1 + index);
    const name = `client${index}x`;
    const client = new StormClient({ ftp, name, user, prefix: `${user}/`, random });
    while (performance.now() < endMs) {
      count(acted, await client.act());
    }
    await client.leave();
  });
  try {
    await Promise.all(clients);
  } finally {
    stop.abort();
    await weather;
  }
  await checkNothingIsLeft(ftp, socketsBefore);
  for (const { msg, reason = '' } of ftp.lines) {
    if (/^(up|down)load /.test(msg)) count(acted, `${msg} ${String(reason)}`.trim());
  }
  return acted;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

async function checkNothingIsLeft(ftp: TestGateway, socketsBefore: number): Promise<void> {
  await until('all sessions to end', () => ftp.gateway.sessionCount === 0, 20_000);
  await until('the sockets to be closed', () => openSockets() <= socketsBefore + 64, 10_000);
  for (const name of ['cosftp_upload_buffer_bytes', 'cosftp_upload_buffer_waiting']) {
    await until(`${name} to be 0`, async () => (await ftp.metric(name)) === 0);
  }
  const said = (msg: string) => ftp.lines.filter((line) => line.msg === msg).length;
  // Each of them was logged: an abort the store refused, and those that have to wait for a Complete.
  const known =
    said('multipart upload left open') + said('complete got no answer; the abort waits');
  await until('the multipart uploads to be aborted', () => ftp.openUploads() <= known);
  assert.equal(said('command failed unexpectedly'), 0);
  const internal = ftp.lines.filter(({ reason }) => reason === 'internal');
  assert.deepEqual(internal, [], 'no failure was a surprise');
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

// The store's weather

async function makeWeather(
  ftp: TestGateway,
  random: SeededRandom,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const rules = Array.from({ length: random.between(0, 4) }, () => randomRule(random));
    ftp.cosd.faults.set(rules);
    await pause(random.between(50, 400));
  }
  ftp.cosd.faults.clear();
}

function randomRule(random: SeededRandom): FaultRule {
  const pick = <T>(items: readonly T[]): T => {
    const item = items[random.between(0, items.length - 1)];
    assert(item !== undefined);
    return item;
  };
  const operation = pick(operations);
  const at = pick(['request', 'upload', 'reply', 'download'] as const);
  const afterBytes = random.between(0, 2_000_000);
  const candidates: readonly FaultAct[] = [
    { do: 'delay', delayMs: random.between(1, 300) },
    { do: 'error', status: 503, code: 'SlowDown' },
    { do: 'error', status: 500, code: 'InternalError', when: 'after-body' },
    { do: 'error', status: 403, code: 'AccessDenied' },
    { do: 'reset', at, afterBytes },
    { do: 'hang', at, afterBytes, limitMs: 900 },
    { do: 'cut', afterBytes },
    { do: 'flip-in', atByte: random.between(0, 1000) },
    { do: 'flip-out', atByte: random.between(0, 1000) },
    { do: 'wrong-crc' },
    { do: 'wrong-etag' },
    { do: 'error-in-200', code: 'InternalError', work: pick(['skipped', 'done'] as const) },
    { do: 'drip', dripMs: random.between(1, 300) },
  ];
  const act = pick(candidates);
  // A lost reply to Initiate leaves an upload whose id nobody knows.
  const isLost = operation === 'InitiateMultipartUpload' && ('at' in act || act.do === 'delay');
  const times = random.between(1, 3);
  return { operation, nth: random.between(1, 2), times, act: isLost ? { do: 'wrong-crc' } : act };
}

const operations = [
  'PutObject',
  'InitiateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
  'GetObject',
  'HeadObject',
  'GetBucket',
  'DeleteObject',
  'PutObjectCopy',
] as const;
