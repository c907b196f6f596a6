/**
 * Few passive ports and many clients of one address, each of which could be taken for any other
 * (`data_peer: any`): every transfer finishes, and none is another one's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';

const KiB = 1024;
const sessionCount = 64;

const startShared = (passivePorts = 8) =>
  startTestGateway({
    passivePorts,
    words: {
      data_peer: 'any',
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'secret' },
      ],
    },
  });

const contentOf = (index: number, bytes: number) => Buffer.alloc(bytes, `<session ${index}>`);

async function logInAll(ftp: TestGateway): Promise<FtpClient[]> {
  return Promise.all(Array.from({ length: sessionCount }, () => FtpClient.logIn(ftp.port)));
}

async function leaveAll(clients: readonly FtpClient[]): Promise<void> {
  for (const client of clients) await client[Symbol.asyncDispose]();
}

test('64 uploads that are all under way at once are each their own', async () => {
  await using ftp = await startShared();
  const clients = await logInAll(ftp);
  const sockets = await Promise.all(clients.map((client, index) => client.beginStore(`f${index}`)));
  await until('all to be under way', () => ftp.gateway.transfers.length === sessionCount);
  sockets.forEach((socket, index) => socket.end(contentOf(index, 100 * KiB)));
  const replies = await Promise.all(clients.map((client) => client.reply()));
  assert.deepEqual(new Set(replies.map(({ code }) => code)), new Set([226]));
  for (let index = 0; index < sessionCount; index++) {
    assert.ok((await ftp.bytes(`f${index}`)).equals(contentOf(index, 100 * KiB)), `f${index}`);
  }
  await leaveAll(clients);
});

test('64 downloads that are all under way at once are each their own', async () => {
  await using ftp = await startShared();
  const bytes = 5 * 1024 * KiB;
  for (let index = 0; index < 8; index++) {
    await ftp.cosd.inspect.put(ftp.cosd.bucket, `f${index}`, contentOf(index, bytes));
  }
  const clients = await logInAll(ftp);
  const sockets = await Promise.all(clients.map((client) => client.openData()));
  // Nobody reads: the kernel takes only some of it, so that none is over before all have begun.
  await Promise.all(clients.map((client, index) => client.expect(150, `RETR f${index % 8}`)));
  assert.equal(ftp.gateway.transfers.length, sessionCount);
  await Promise.all(
    sockets.map(async (socket, index) => {
      const expected = contentOf(index % 8, bytes);
      let offset = 0;
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        assert.ok(chunk.equals(expected.subarray(offset, offset + chunk.length)), `f${index % 8}`);
        offset += chunk.length;
      }
      assert.equal(offset, bytes);
    }),
  );
  for (const client of clients) assert.equal((await client.reply()).code, 226);
  await leaveAll(clients);
});

test('200 short transfers in a row, and from 64 sessions at once, find a port each time', async () => {
  await using ftp = await startShared();
  const clients = await logInAll(ftp);
  const [first] = clients;
  assert.ok(first);
  for (let round = 0; round < 200; round++) {
    const content = Buffer.from(`round ${round}`);
    assert.equal((await first.store('row', content)).code, 226);
    assert.ok((await first.read('RETR row')).bytes.equals(content));
  }
  await Promise.all(
    clients.map(async (client, index) => {
      for (let round = 0; round < 4; round++) {
        const content = Buffer.from(`session ${index}, round ${round}`);
        assert.equal((await client.store(`s${index}`, content)).code, 226);
        assert.ok((await client.read(`RETR s${index}`)).bytes.equals(content));
      }
    }),
  );
  const refused = 'cosftp_data_connections_total{mode="epsv",result="no-port"}';
  assert.equal(await ftp.metric(refused), 0);
  await leaveAll(clients);
});

test('a client that reserves ports and never connects leaves some for the others', async () => {
  await using ftp = await startShared();
  const hogs = await logInAll(ftp);
  for (const hog of hogs) hog.send('EPSV');
  const looping = await FtpClient.logIn(ftp.port);
  looping.socket.write('EPSV\r\n'.repeat(200));
  const reserved = () => ftp.metric('cosftp_passive_ports{state="busy"}');
  await until('ports to be reserved', async () => (await reserved()) > 0);
  await using bob = await FtpClient.logIn(ftp.port, 'bob');
  for (let round = 0; round < 50; round++) {
    assert.equal((await bob.store('file', Buffer.from(`round ${round}`))).code, 226);
  }
  await leaveAll([...hogs, looping]);
});
