/** Data connections and waits end when their transfer does: nothing is kept for a client that left. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';

const MiB = 1024 * 1024;

/** Of this process: the clients', the gateway's and the embedded COS's. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

for (const command of ['RETR file', 'LIST']) {
  test(`the data connections of ${command} are closed once the client closed its side`, async () => {
    await using ftp = await startTestGateway();
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', 'content');
    await using client = await FtpClient.logIn(ftp.port);
    await client.read(command);
    const before = openSockets();
    for (let round = 0; round < 20; round++) {
      assert.equal((await client.read(command)).reply.code, 226);
    }
    await until('the data sockets to be closed', () => openSockets() <= before + 1);
  });
}

test('a download whose client talks back into the data connection still arrives whole', async () => {
  await using ftp = await startTestGateway();
  const content = Buffer.alloc(3 * MiB, 'c');
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', content);
  await using client = await FtpClient.logIn(ftp.port);
  const data = await client.openData();
  const received: Buffer[] = [];
  data.on('data', (piece: Buffer) => received.push(piece));
  const ended = once(data, 'end');
  data.write(Buffer.alloc(100_000, 'x'));
  await client.expect(150, 'RETR file');
  assert.equal((await client.reply()).code, 226);
  await ended;
  assert.ok(Buffer.concat(received).equals(content));
});

for (const dataReading of ['direct', 'copied'] as const) {
  test(`a refused client can send the rest of a file and read why, ${dataReading}`, async () => {
    await using ftp = await startTestGateway({
      account: { single_file_max_size: MiB },
      dataReading,
    });
    await using client = await FtpClient.logIn(ftp.port);
    const data = await client.beginStore('file');
    let error: Error | undefined;
    data.on('error', (reason) => {
      error = reason;
    });
    const closed = once(data, 'close');
    data.end(Buffer.alloc(16 * MiB));
    assert.equal((await client.reply()).code, 552);
    await closed;
    assert.equal(error, undefined);
  });
}

test('an upload that waits for memory ends at once with its client, or with ABOR', async () => {
  await using ftp = await startTestGateway({ words: { upload_memory: '8Mi' } });
  const holders: FtpClient[] = [];
  const announced = 'ALLO 1000000'; // an upload that is known to be longer begins with a part
  for (let index = 0; index < 8; index++) {
    const holder = await FtpClient.logIn(ftp.port);
    await holder.expect(200, announced);
    await holder.beginStore(`held-${index}`);
    holders.push(holder);
  }
  await using aborting = await FtpClient.logIn(ftp.port);
  await aborting.expect(200, announced);
  await aborting.openData();
  aborting.send('STOR waiting');
  const leaving = await FtpClient.logIn(ftp.port);
  await leaving.expect(200, announced);
  await leaving.openData();
  leaving.send('STOR waiting');
  await until('both to wait', () => ftp.gateway.transfers.length === 10);
  aborting.send('ABOR');
  aborting.send('ABOR');
  const codes = [await aborting.reply(), await aborting.reply(), await aborting.reply()];
  assert.deepEqual(
    codes.map((reply) => reply.code),
    [426, 226, 226],
  );
  await leaving[Symbol.asyncDispose]();
  await until('the waits to end', () => ftp.gateway.transfers.length === 8);
  for (const holder of holders) await holder[Symbol.asyncDispose]();
});

test('ABOR while the store is silent about the first byte of a download is a cut', async () => {
  await using ftp = await startTestGateway();
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', 'content');
  ftp.cosd.faults.set([{ operation: 'GetObject', act: { do: 'hang', at: 'request' } }]);
  await using client = await FtpClient.logIn(ftp.port);
  await client.openData();
  client.send('RETR file');
  await until('the transfer to begin', () => ftp.gateway.transfers.length === 1);
  client.send('ABOR');
  assert.deepEqual([(await client.reply()).code, (await client.reply()).code], [426, 226]);
  const line = ftp.lines.find(({ msg }) => msg.startsWith('download '));
  assert.equal(line?.['reason'], 'abor');
});

test('a drain waits until the upload of a client that vanished is aborted in the store', async () => {
  await using ftp = await startTestGateway();
  const always = 'always' as const;
  ftp.cosd.faults.set([
    { operation: 'AbortMultipartUpload', times: always, act: { do: 'delay', delayMs: 700 } },
  ]);
  const client = await FtpClient.logIn(ftp.port);
  const data = await client.beginStore('file');
  data.write(Buffer.alloc(6 * MiB));
  await until('a multipart upload', () => ftp.openUploads() === 1);
  client.socket.resetAndDestroy();
  await until('the gateway to know', () => isAsked(ftp));
  await ftp.gateway.drain({ acceptMs: 0, deadlineMs: 10_000, idleMs: 0 });
  assert.equal(ftp.openUploads(), 0);
});

/** The store was asked to abort. */
function isAsked({ cosd }: TestGateway): boolean {
  return cosd.faults.report().some(({ applied }) => applied > 0);
}
