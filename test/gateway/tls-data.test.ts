/** Data connections over TLS: who waits for whom, what an end means, whose session is resumed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';

import { Readable, Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { type SecureContextOptions, TLSSocket } from 'node:tls';
import { Client } from 'basic-ftp';
import { until } from '#test/support/condition.ts';
import { fakeClock, passUntil } from '#test/support/fake-clock.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { seededRandom } from '#test/support/random.ts';
import { startTlsGateway, type TlsGateway } from '#test/support/tls-gateway.ts';
import { recordTypes, WireTap } from '#test/support/wire-tap.ts';

const MiB = 1024 * 1024;
const sizes = [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 5 * MiB + 17] as const;

const legacy: SecureContextOptions = {
  minVersion: 'TLSv1',
  maxVersion: 'TLSv1.3',
  ciphers: 'DEFAULT:@SECLEVEL=0',
};

for (const version of ['1.0', '1.2', '1.3'] as const) {
  for (const dataReading of ['direct', 'copied'] as const) {
    describe(`TLS ${version}, ${dataReading} reads`, () => {
      const options = { dataReading, tls: { min_version: version, max_version: version } };
      for (const size of sizes) {
        test(`${size} bytes go up, are listed, and come down the same`, async () => {
          await using ftp = await startTlsGateway(options);
          await using client = await FtpClient.logInSecurely(ftp.port, legacy);
          const sent = Buffer.from(seededRandom(size + 1).bytes(size));
          assert.equal((await client.store('file', sent)).code, 226);
          assert.ok((await ftp.bytes('file')).equals(sent), 'stored');
          const listing = await client.read('MLSD');
          assert.match(String(listing.bytes), new RegExp(`size=${size};`));
          const { bytes, reply } = await client.read('RETR file');
          assert.equal(reply.code, 226);
          assert.ok(bytes.equals(sent), 'received');
        });
      }
    });
  }
}

describe('the handshake of the data connection', () => {
  test('may begin before the command and need not be waited for', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logInSecurely(ftp.port);
    const data = client.protect(await client.openData());
    data.on('secureConnect', () => data.end('early'));
    data.resume();
    await client.expect(150, 'STOR file');
    assert.equal((await client.reply()).code, 226);
    assert.equal(String(await ftp.bytes('file')), 'early');
  });

  test('that never comes is 425, and nothing is stored', async () => {
    const clock = fakeClock();
    await using ftp = await startTlsGateway({ clock });
    await using client = await FtpClient.logInSecurely(ftp.port);
    const data = await client.openData();
    await client.expect(150, 'STOR file');
    const closed = once(data.resume(), 'close');
    assert.equal((await passUntil(clock, client.reply())).code, 425);
    await passUntil(clock, closed);
    await client.expect(257, 'PWD');
    assert.deepEqual(ftp.keys(), []);
  });

  test('that is clear text instead is 522, and nothing is stored', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logInSecurely(ftp.port);
    const data = await client.openData();
    data.end('the file, in clear');
    data.resume();
    await client.expect(150, 'STOR file');
    assert.equal((await client.reply()).code, 522);
    await client.expect(257, 'PWD');
    assert.deepEqual(ftp.keys(), []);
    const line = ftp.lines.find(({ msg }) => msg.startsWith('upload '));
    assert.deepEqual([line?.level, line?.['reason']], ['warn', 'tls-failed']);
  });

  test('is given up by ABOR', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logInSecurely(ftp.port);
    const data = await client.openData();
    await client.expect(150, 'STOR file');
    client.send('ABOR');
    assert.equal((await client.reply()).code, 426);
    assert.equal((await client.reply()).code, 226);
    await once(data.resume(), 'close');
    await client.expect(257, 'PWD');
  });

  test('is not made after PROT C, where the control connection has one', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logInSecurely(ftp.port);
    await client.expect(200, 'PROT C');
    const data = await client.openData();
    await client.expect(150, 'STOR file');
    data.end('in clear');
    assert.equal((await client.reply()).code, 226);
    assert.equal(String(await ftp.bytes('file')), 'in clear');
  });
});

describe('close_notify', () => {
  test('ends a download before TCP does', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logInSecurely(ftp.port);
    await client.store('file', Buffer.alloc(300_000));
    const wire = await client.openData();
    await client.expect(150, 'RETR file');
    const tap = new WireTap(wire);
    const data = client.protect(tap).resume();
    assert.equal((await client.reply()).code, 226);
    await until('the end', () => tap.hasFin);
    assert.equal(tap.records.at(-1), recordTypes.alert);
    data.destroy();
  });

  test('is missing after a download that fails', async () => {
    await using ftp = await startTlsGateway();
    await using client = await FtpClient.logInSecurely(ftp.port);
    await client.store('file', Buffer.alloc(40 * MiB));
    const wire = await client.openData();
    await client.expect(150, 'RETR file');
    const data = client.protect(wire);
    await once(data, 'secureConnect');
    client.send('ABOR');
    assert.equal((await client.reply()).code, 426);
    assert.equal((await client.reply()).code, 226);
    const ended = once(data, 'end').then(() => 'end');
    const closed = new Promise((resolve) => data.on('close', () => resolve('close')));
    data.resume();
    assert.equal(await Promise.race([ended, closed]), 'close', 'a reset, no clean end');
  });

  test('is asked of uploads: without it TCP alone ended them', async () => {
    await using ftp = await startTlsGateway();
    const { client, reply } = await storeWithoutNotify(ftp, Buffer.from('a whole file, perhaps'));
    assert.equal(reply.code, 426);
    assert.match(reply.text, /close_notify/);
    assert.deepEqual(ftp.keys(), []);
    await client[Symbol.asyncDispose]();
  });

  test('may be missing when ALLO announced exactly these bytes', async () => {
    await using ftp = await startTlsGateway();
    const bytes = Buffer.from('a whole file');
    const { client, reply } = await storeWithoutNotify(ftp, bytes, `ALLO ${bytes.length}`);
    assert.equal(reply.code, 226);
    assert.deepEqual(await ftp.bytes('file'), bytes);
    await client[Symbol.asyncDispose]();
  });

  test('may be missing with close_notify: optional', async () => {
    await using ftp = await startTlsGateway({ tls: { close_notify: 'optional' } });
    const { client, reply } = await storeWithoutNotify(ftp, Buffer.from('a whole file'));
    assert.equal(reply.code, 226);
    await client[Symbol.asyncDispose]();
  });

  for (const dataReading of ['direct', 'copied'] as const) {
    test(`followed by a reset is a clean end, ${dataReading} reads`, async () => {
      await using ftp = await startTlsGateway({ dataReading });
      ftp.cosd.faults.set([
        { operation: 'PutObject', times: 'always', act: { do: 'delay', delayMs: 200 } },
      ]);
      await using client = await FtpClient.logInSecurely(ftp.port);
      for (const size of [10, 300_000]) {
        const wire = await client.openData();
        await client.expect(150, 'STOR file');
        const data = client.protect(wire);
        data.on('secureConnect', () => data.end(Buffer.alloc(size)));
        await until('all bytes to be there', () => ftp.gateway.transfers[0]?.bytes === size);
        wire.resetAndDestroy();
        const reply = await client.reply();
        assert.equal(reply.code, 226, reply.text);
        assert.equal((await ftp.bytes('file')).length, size);
      }
    });
  }
});

async function storeWithoutNotify(ftp: TlsGateway, bytes: Uint8Array, before = 'NOOP') {
  const client = await FtpClient.logInSecurely(ftp.port);
  await client.expect(200, before);
  const wire = await client.openData();
  await client.expect(150, 'STOR file');
  const data = client.protect(wire);
  await new Promise((resolve) => data.write(bytes, resolve));
  wire.end();
  return { client, reply: await client.reply() };
}

test('a record damaged on the way is a cut', async () => {
  await using ftp = await startTlsGateway();
  await using client = await FtpClient.logInSecurely(ftp.port);
  const wire = await client.openData();
  await client.expect(150, 'STOR file');
  const data = client.protect(wire);
  await new Promise((resolve) => data.write(Buffer.alloc(100_000), resolve));
  wire.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 64]), Buffer.alloc(64)]));
  const reply = await client.reply();
  assert.equal(reply.code, 426, reply.text);
  assert.deepEqual(ftp.keys(), []);
});

describe('TLS sessions', () => {
  for (const version of ['1.2', '1.3'] as const) {
    const tls = { min_version: version, max_version: version };

    test(`${version}: the data connection resumes the control connection's`, async () => {
      await using ftp = await startTlsGateway({ tls });
      await using client = await FtpClient.logInSecurely(ftp.port);
      await client.expect(200, 'NOOP');
      assert.equal(await isResumed(client, client), true);
    });

    test(`${version}: with session_reuse required it must`, async () => {
      await using ftp = await startTlsGateway({ tls: { ...tls, session_reuse: 'required' } });
      await using client = await FtpClient.logInSecurely(ftp.port);
      await client.expect(200, 'NOOP');
      assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
      const wire = await client.openData();
      await client.expect(150, 'STOR file');
      client.protect(wire, { session: undefined as never });
      assert.equal((await client.reply()).code, 522);
    });

    test(`${version}: with session_reuse required another session's is refused`, async () => {
      await using ftp = await startTlsGateway({ tls: { ...tls, session_reuse: 'required' } });
      await using victim = await FtpClient.logInSecurely(ftp.port);
      await using thief = await FtpClient.logInSecurely(ftp.port);
      await thief.expect(200, 'NOOP');
      const wire = await victim.openData();
      await victim.expect(150, 'STOR file');
      thief.protect(wire).end('stolen');
      assert.equal((await victim.reply()).code, 522);
      assert.deepEqual(ftp.keys(), []);
      const refused = 'cosftp_tls_handshakes_total{channel="data",result="not_resumed"}';
      assert.equal(await ftp.metric(refused), 1);
    });
  }
});

/** Whether a data connection of `owner` resumes the session of `client`'s control connection. */
async function isResumed(owner: FtpClient, client: FtpClient): Promise<boolean> {
  const wire = await owner.openData();
  await owner.expect(150, 'STOR file');
  const data = client.protect(wire);
  await once(data, 'secureConnect');
  const isReused = data instanceof TLSSocket && data.isSessionReused();
  data.end('x');
  data.resume();
  await owner.reply();
  return isReused;
}

test('basic-ftp does its work over TLS', async () => {
  await using ftp = await startTlsGateway();
  const client = new Client();
  try {
    const secureOptions = { rejectUnauthorized: false };
    const login = { host: '127.0.0.1', port: ftp.port, user: 'alice', password: 'secret' };
    await client.access({ ...login, secure: true, secureOptions });
    const sent = Buffer.from(seededRandom(3).bytes(3 * MiB));
    await client.uploadFrom(Readable.from([sent]), 'file');
    const chunks: Buffer[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    await client.downloadTo(sink, 'file');
    assert.ok(Buffer.concat(chunks).equals(sent));
    assert.deepEqual(
      (await client.list()).map(({ name }) => name),
      ['file'],
    );
  } finally {
    client.close();
  }
});

test('64 uploads and downloads at once over TLS', async () => {
  await using ftp = await startTlsGateway({ passivePorts: 64 });
  const clients = await Promise.all(
    Array.from({ length: 64 }, () => FtpClient.logInSecurely(ftp.port)),
  );
  const bytes = (index: number) => Buffer.from(seededRandom(index).bytes(200_000 + index));
  await Promise.all(
    clients.map(async (client, index) => {
      assert.equal((await client.store(`file ${index}`, bytes(index))).code, 226);
      const read = await client.read(`RETR file ${index}`);
      assert.ok(read.bytes.equals(bytes(index)), `file ${index}`);
    }),
  );
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
});
