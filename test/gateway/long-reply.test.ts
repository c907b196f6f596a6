/** Replies to a last step that takes longer than clients wait: lines keep them, and promise nothing else. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { FaultAct } from '#gateway/cosd/fault-script.ts';
import type { Operation } from '#gateway/cosd/operation.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';

const MiB = 1024 * 1024;
const slow = (operation: Operation, act: FaultAct) => [
  { operation, act: { do: 'delay', delayMs: 1_500 } as const },
  { operation, act },
];
const nothing: FaultAct = { do: 'delay', delayMs: 0 };
const denied: FaultAct = { do: 'error', status: 403, code: 'AccessDenied' };

async function storeSlowly(act: FaultAct) {
  const clock = fakeClock();
  const ftp = await startTestGateway({ clock });
  ftp.cosd.faults.set(slow('CompleteMultipartUpload', act));
  const client = await FtpClient.logIn(ftp.port);
  let raw = '';
  client.socket.on('data', (text) => (raw += String(text)));
  const data = await client.beginStore('file');
  raw = '';
  data.end(Buffer.alloc(3 * MiB, 1));
  await until('Complete is asked', () => ftp.cosd.requests().CompleteMultipartUpload === 1);
  return { ftp, client, clock, heard: () => raw };
}

describe('226 lines', () => {
  test('begin after 20 s of Complete, come every 20 s, and end with 226', async () => {
    const { ftp, client, clock, heard } = await storeSlowly(nothing);
    await using _ftp = ftp;
    await using _client = client;
    await clock.advance(19_999);
    assert.equal(heard(), '');
    await clock.advance(1);
    await until('the first line', () => /^226-3145728 bytes received, .*\r\n$/.test(heard()));
    await clock.advance(20_000);
    await until('the second line', () => heard().match(/^226-/gm)?.length === 2);
    client.send('NOOP');
    assert.match((await client.reply()).text, /^226 3145728 bytes stored$/m);
    assert.equal((await client.reply()).code, 200, 'NOOP is answered behind the reply');
    assert.equal((await ftp.bytes('file')).length, 3 * MiB);
  });

  test('are followed by the end of the session when Complete fails then', async () => {
    const { ftp, client, clock, heard } = await storeSlowly(denied);
    await using _ftp = ftp;
    await using _client = client;
    await clock.advance(20_000);
    await until('the first line', () => heard().startsWith('226-'));
    await once(client.socket, 'close');
    assert.doesNotMatch(heard(), /^226 /m);
    assert.deepEqual(ftp.keys(), []);
    const told = ftp.lines.filter(({ level }) => level === 'error').map(({ msg }) => msg);
    assert.ok(told.includes('failed after its reply had begun: session closed'), String(told));
    const counted = 'cosftp_transfers_total{direction="upload",result="rejected",reason="denied"}';
    assert.equal(await ftp.metric(counted), 1);
  });

  test('never begin for an upload that fails before them', async () => {
    const { ftp, client, heard } = await storeSlowly(denied);
    await using _ftp = ftp;
    await using _client = client;
    assert.equal((await client.reply()).code, 550);
    assert.doesNotMatch(heard(), /226/);
    await client.expect(200, 'NOOP');
  });
});

test('250 lines keep the client of a long directory rename', async () => {
  const clock = fakeClock();
  await using ftp = await startTestGateway({ clock });
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'a/file', 'x');
  ftp.cosd.faults.set(slow('PutObjectCopy', nothing));
  await using client = await FtpClient.logIn(ftp.port);
  await client.expect(350, 'RNFR a');
  client.send('RNTO b');
  await until('the copy is asked', () => ftp.cosd.requests().PutObjectCopy === 1);
  await clock.advance(20_000);
  const { code, text } = await client.reply();
  assert.equal(code, 250);
  assert.match(text, /^250-0 files renamed so far\n250 "\/a" renamed to "\/b"$/);
});

test('250 lines end with the rename, also when its mark cannot be cleared', async () => {
  const clock = fakeClock();
  await using ftp = await startTestGateway({ clock });
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'a/file', 'x');
  const key = '.cosftp/renames/*';
  ftp.cosd.faults.set([{ operation: 'DeleteObject', key, times: 'always', act: denied }]);
  await using client = await FtpClient.logIn(ftp.port);
  await client.expect(350, 'RNFR a');
  await client.expect(250, 'RNTO b');
  assert.equal(ftp.lines.filter(({ msg }) => msg === 'rename mark stays').length, 1);
  await clock.advance(60_000);
  assert.match((await client.command('NOOP')).text, /^200 /);
});

for (const [words, act] of [
  ['keep the client while COS copies a file for its time', nothing],
  ['are followed by the end of the session when the copy fails then', denied],
] as const) {
  test(`213 lines ${words}`, async () => {
    const clock = fakeClock();
    await using ftp = await startTestGateway({ clock, words: { store_mtime: true } });
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', 'x');
    ftp.cosd.faults.set(slow('PutObjectCopy', act));
    await using client = await FtpClient.logIn(ftp.port);
    let heard = '';
    client.socket.on('data', (text) => (heard += String(text)));
    client.send('MFMT 20231114221320 file');
    await until('the copy is asked', () => ftp.cosd.requests().PutObjectCopy === 1);
    await clock.advance(20_000);
    await until('the first line', () => heard === '213-COS copies the file\r\n');
    if (act === denied) {
      await once(client.socket, 'close');
      assert.doesNotMatch(heard, /^213 /m);
    } else {
      assert.match((await client.reply()).text, /^213 Modify=20231114221320; \/file$/m);
    }
  });
}
