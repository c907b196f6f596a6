/** Uploads that the client's side cuts: what is stored, what is said, what is left open. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { DataReading } from '#gateway/ftp/data-connection.ts';
import { chooseDataReading } from '#gateway/ftp/direct-read-trial.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { seededRandom } from '#test/support/random.ts';
import { startTlsGateway } from '#test/support/tls-gateway.ts';

const MiB = 1024 * 1024;
const old = Buffer.from('the old object');
/** One below the size at which parts are sent, one well above it. */
const sizes = [200_000, 5 * MiB + 17] as const;
const policies = ['discard', 'complete'] as const;
type Policy = (typeof policies)[number];

interface Cut {
  readonly name: string;
  /** Breaks the upload off; `data` has sent everything it will, `wire` is the TCP connection below it. */
  readonly break: (client: FtpClient, wire: Socket, data: Socket) => void;
  /** Whether the control connection lives on, so that there are replies. */
  readonly control: 'alive' | 'lost';
  readonly reason: string;
}

const cuts: readonly Cut[] = [
  {
    name: 'a reset of the data connection',
    break: (_client, wire) => wire.resetAndDestroy(),
    control: 'alive',
    reason: 'data-reset',
  },
  {
    name: 'a killed client: FIN on data and control',
    break: (client, wire) => {
      wire.destroy();
      client.destroy();
    },
    control: 'lost',
    reason: 'control-lost',
  },
  {
    name: 'a killed client: FIN on control first, then on data',
    break: (client, wire) => {
      client.destroy();
      wire.destroy();
    },
    control: 'lost',
    reason: 'control-lost',
  },
  {
    name: 'a library that is closed: QUIT and FIN on control, then FIN on data',
    break: (client, data) => {
      client.socket.end('QUIT\r\n');
      data.destroy();
    },
    control: 'lost',
    reason: 'control-lost',
  },
  {
    name: 'a reset of the control connection while data lives',
    break: (client) => client.reset(),
    control: 'lost',
    reason: 'control-lost',
  },
  {
    name: 'ABOR',
    break: (client) => client.send('ABOR'),
    control: 'alive',
    reason: 'abor',
  },
  {
    name: 'silence until the stall timer',
    break: () => undefined,
    control: 'alive',
    reason: 'stalled',
  },
  {
    name: 'fewer bytes than ALLO announced',
    break: (_client, _wire, data) => data.end(),
    control: 'alive',
    reason: 'allo-short',
  },
];

const tlsCuts: readonly Cut[] = [
  ...cuts,
  {
    name: 'FIN without close_notify',
    break: (_client, wire) => wire.end(),
    control: 'alive',
    reason: 'no-close-notify',
  },
  {
    name: 'FIN in the middle of a record',
    break: (_client, wire) => wire.end(Buffer.from([23, 3, 3, 0x20, 0, 1, 2, 3])),
    control: 'alive',
    reason: 'no-close-notify',
  },
  {
    name: 'bytes that are no record',
    break: (_client, wire) => wire.write('in clear'),
    control: 'alive',
    reason: 'data-reset',
  },
];

for (const reading of ['direct', 'copied'] as const) {
  for (const channel of ['clear', 'TLS'] as const) {
    describe(`${reading} reads, ${channel}: an upload cut by`, () => {
      for (const cut of channel === 'TLS' ? tlsCuts : cuts) {
        for (const policy of policies) {
          for (const size of sizes) {
            test(`${cut.name}, ${size} bytes in, policy ${policy}`, () =>
              runCut(cut, policy, size, { reading, channel }));
          }
        }
      }
    });
  }
}

test('direct reads are what this platform gets', async () => {
  assert.equal(await chooseDataReading(systemClock, silentLog), 'direct');
});

async function runCut(
  cut: Cut,
  policy: Policy,
  size: number,
  { reading, channel }: { readonly reading: DataReading; readonly channel: 'clear' | 'TLS' },
): Promise<void> {
  await using ftp = await startTlsGateway({
    account: { incomplete_uploads: policy },
    dataReading: reading,
    timeouts: { stallMs: cut.reason === 'stalled' ? 300 : 20_000 },
  });
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', old);
  const sent = Buffer.from(seededRandom(1).bytes(size));
  await using client = await (channel === 'TLS'
    ? FtpClient.logInSecurely(ftp.port)
    : FtpClient.logIn(ftp.port));
  if (cut.reason === 'allo-short') await client.expect(200, `ALLO ${size + 1}`);
  const wire = await client.openData();
  await client.expect(150, 'STOR file');
  const data = client.protect(wire);
  await sendAndWait(ftp, data, sent);

  cut.break(client, wire, data);
  const line = await transferLine(ftp);
  assert.equal(line['reason'], cut.reason);
  await checkStored(ftp, policy, sent);
  assert.equal(ftp.openUploads(), 0, 'no multipart upload is left');
  if (cut.control === 'alive') await checkReplies(client, cut, policy);
  wire.destroy();
}

/** All bytes are in the gateway before the cut, so that the outcome is known exactly. */
async function sendAndWait(ftp: TestGateway, data: Socket, bytes: Uint8Array): Promise<void> {
  data.write(bytes);
  await until('the gateway to have all bytes', () => receivedBytes(ftp) === bytes.length);
}

function receivedBytes(ftp: TestGateway): number {
  return ftp.gateway.transfers[0]?.bytes ?? 0;
}

async function transferLine(ftp: TestGateway) {
  await until('the log line of the transfer', () => find(ftp) !== undefined, 15_000);
  return find(ftp) ?? assert.fail();
}

function find(ftp: TestGateway) {
  return ftp.lines.find((line) => line.msg.startsWith('upload '));
}

async function checkStored(ftp: TestGateway, policy: Policy, sent: Buffer): Promise<void> {
  const stored = await ftp.bytes('file');
  if (policy === 'discard') return assert.deepEqual(stored, old);
  assert.ok(stored.equals(sent), 'every byte that arrived was stored');
}

async function checkReplies(client: FtpClient, cut: Cut, policy: Policy): Promise<void> {
  const reply = await client.reply();
  assert.equal(reply.code, 426, reply.text);
  assert.match(
    reply.text,
    policy === 'complete' ? /\d+ bytes received were stored/ : /nothing was stored/,
  );
  if (cut.reason === 'abor') assert.equal((await client.reply()).code, 226);
  await client.expect(200, 'NOOP');
  assert.equal((await client.store('other', Buffer.from('x'))).code, 226, 'the session goes on');
}

describe('a cut upload of no byte', () => {
  for (const policy of policies) {
    test(`writes nothing with policy ${policy}`, async () => {
      await using ftp = await startTestGateway({ account: { incomplete_uploads: policy } });
      await using client = await FtpClient.logIn(ftp.port);
      const data = await client.beginStore('file');
      client.send('ABOR');
      assert.equal((await client.reply()).code, 426);
      assert.equal((await client.reply()).code, 226);
      assert.deepEqual(ftp.keys(), []);
      data.destroy();
    });
  }
});

/** Logs in, sends 6 MB of an upload that would go on, and kills itself: the kernel closes its sockets. */
const killedUploader = `
  const net = require('node:net');
  const control = net.connect(Number(process.argv[1]), '127.0.0.1');
  const steps = ['USER alice', 'PASS secret', 'EPSV', 'STOR file'];
  control.on('data', (chunk) => {
    const text = String(chunk);
    const port = /\\|\\|\\|(\\d+)\\|/.exec(text)?.[1];
    if (port) {
      const data = net.connect(Number(port), '127.0.0.1');
      data.write(Buffer.alloc(6_000_000), () => process.kill(process.pid, 'SIGKILL'));
    }
    const next = steps.shift();
    if (next) control.write(next + '\\r\\n');
  });
`;

test('a client process killed by SIGKILL in the middle leaves nothing behind', async () => {
  await using ftp = await startTestGateway();
  const child = spawn(process.execPath, ['-e', killedUploader, String(ftp.port)], {
    stdio: 'ignore',
  });
  await once(child, 'close');
  const line = await transferLine(ftp);
  assert.equal(line.msg, 'upload discarded');
  assert.deepEqual(ftp.keys(), []);
  assert.equal(ftp.openUploads(), 0);
});

for (const policy of policies) {
  test(`ABOR after the last byte, while parts are still on their way, policy ${policy}`, async () => {
    await using ftp = await startTestGateway({ account: { incomplete_uploads: policy } });
    await using client = await FtpClient.logIn(ftp.port);
    ftp.cosd.faults.set([
      { operation: 'UploadPart', times: 'always', act: { do: 'delay', delayMs: 500 } },
    ]);
    const data = await client.beginStore('file');
    const sent = Buffer.from(seededRandom(7).bytes(3 * MiB));
    data.end(sent);
    await until('the gateway to have all bytes', () => receivedBytes(ftp) === sent.length);
    client.send('ABOR');
    const replies = [await client.reply(), await client.reply()];
    assert.deepEqual(
      replies.map(({ code }) => code),
      [426, 226],
    );
    if (policy === 'discard') assert.deepEqual(ftp.keys(), []);
    else assert.deepEqual(await ftp.bytes('file'), sent);
    assert.equal(ftp.openUploads(), 0);
    await until('the marker to be gone', () => ftp.markers().length === 0);
  });
}

test('QUIT pipelined behind an upload waits for its 226', async () => {
  await using ftp = await startTestGateway();
  await using client = await FtpClient.logIn(ftp.port);
  const data = await client.beginStore('file');
  const sent = Buffer.from(seededRandom(2).bytes(3 * MiB));
  client.send('QUIT');
  data.end(sent);
  const replies = [await client.reply(), await client.reply()].map((reply) => reply.code);
  assert.deepEqual(replies, [226, 221]);
  assert.deepEqual(await ftp.bytes('file'), sent);
});
