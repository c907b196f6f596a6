/**
 * In front of the NAT: an upload that takes its time while the control connection says nothing, and
 * beside it a connection that is idle for as long. Neither keeps itself alive.
 *
 *   node test/nat/client.ts ADDRESS FTP_PORT ECHO_PORT SECONDS
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { crc64 } from '#gateway/kit/crc64.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { seededRandom } from '#test/support/random.ts';

export interface ClientReport {
  /** What came after the data had ended. */
  readonly reply: string;
  readonly sentBytes: number;
  readonly crc64: string;
  /** Whether the idle connection still carried a byte there and back. */
  readonly idleConnection: 'alive' | 'forgotten';
}

const blockBytes = 4096;
const echoTimeoutMs = 10_000;

const [address = '', ...numbers] = process.argv.slice(2);
const [ftpPort = 0, echoPort = 0, seconds = 0] = numbers.map(Number);

process.stdin.resume().once('end', () => process.exit());

const idle = connect(echoPort, address);
idle.on('error', () => {}); // a reset is one way to learn that the NAT forgot
await once(idle, 'connect');

await using client = await FtpClient.connect(ftpPort, address);
await client.authenticate();
await client.expect(200, 'TYPE I');
const data = await client.beginStore('slow upload');
const bytes = seededRandom(seconds).bytes(blockBytes * seconds);
for (let second = 0; second < seconds; second++) {
  data.write(bytes.subarray(second * blockBytes, (second + 1) * blockBytes));
  await pause(1000);
}
data.end();
const reply = await client.reply().then(
  ({ text }) => text,
  (error: Error) => error.message,
);

const report: ClientReport = {
  reply,
  sentBytes: bytes.length,
  crc64: crc64(bytes).toString(),
  idleConnection: (await isEchoed()) ? 'alive' : 'forgotten',
};
process.stdout.write(`${JSON.stringify(report)}\n`);
idle.destroy();

async function isEchoed(): Promise<boolean> {
  if (idle.destroyed) return false;
  const answered = once(idle, 'data').then(
    () => true,
    () => false,
  );
  idle.write('still there?');
  return Promise.race([
    answered,
    once(idle, 'close').then(() => false),
    pause(echoTimeoutMs, false),
  ]);
}
