/** Thousands of clients that want nothing: they cost little, and whoever wants something is served. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway } from '#test/support/gateway.ts';
import { startGatewayProgram } from '#test/support/gateway-program.ts';

const MiB = 1024 * 1024;
const idleSessions = 3_000;
/** Measured: 8 KiB a session. Ten times that is something else than sessions. */
const bytesPerSessionMax = 30 * 1024;
const crowdDeadlineMs = 60_000;

/** One of many: what it hears is kept as text, nothing more. */
interface Bystander {
  readonly socket: Socket;
  heard: string;
}

/** Says its lines and waits for the last answer. */
async function bystander(port: number, lines: string, answer: string): Promise<Bystander> {
  const socket = connect({ port, host: '127.0.0.1' });
  const one = { socket, heard: '' };
  socket.setEncoding('latin1').on('data', (text) => (one.heard += String(text)));
  socket.write(lines);
  await new Promise<void>((resolve, reject) => {
    socket.on('data', () => one.heard.includes(answer) && resolve());
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after ${one.heard}`)));
  });
  return one;
}

/** A hundred at a time: more would meet the kernel's queue of connections and not the gateway. */
async function crowd(count: number, come: () => Promise<Bystander>): Promise<Bystander[]> {
  const all: Bystander[] = [];
  while (all.length < count) {
    const next = Math.min(100, count - all.length);
    all.push(...(await Promise.all(Array.from({ length: next }, come))));
  }
  return all;
}

/** Open files a process here may have; Node takes what the hard limit allows. */
function descriptorsMax(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}

test('three thousand idle sessions cost little memory, and the one beyond max_sessions is told so', async (t) => {
  if (process.platform !== 'linux') return t.skip('memory is read from /proc');
  if (descriptorsMax() < idleSessions + 500) return t.skip(`${descriptorsMax()} descriptors only`);
  await using gateway = await startGatewayProgram({
    max_sessions: idleSessions,
    max_sessions_per_address: 0,
  });
  const { port, program } = gateway;
  await using worker = await FtpClient.logIn(port);
  assert.equal((await worker.store('first', Buffer.from('x'))).code, 226);
  const beforeBytes = program.rssBytes();
  const login = 'USER alice\r\nPASS secret\r\n';
  const idle = await crowd(idleSessions - 1, () => bystander(port, login, '230 '));
  const eachBytes = (program.rssBytes() - beforeBytes) / idleSessions;
  t.diagnostic(`${(eachBytes / 1024).toFixed(1)} KiB a session`);
  assert.ok(eachBytes < bytesPerSessionMax, `${eachBytes} bytes a session`);

  await using refused = await FtpClient.connect(port);
  assert.equal(refused.greeting.code, 421);
  assert.equal((await worker.store('second', Buffer.from('x'))).code, 226);
  for (const one of idle) one.socket.write('NOOP\r\n');
  await until('each of them to be answered', () => idle.every(isAnswered), crowdDeadlineMs);

  idle[0]?.socket.destroy();
  await until('its place to be free', async () => {
    await using next = await FtpClient.connect(port);
    return next.greeting.code === 220;
  });
  for (const { socket } of idle) socket.destroy();
});

const isAnswered = ({ heard }: Bystander) => heard.includes('\r\n200 ');

test('a thousand half-open logins end with the login timer and keep nobody out meanwhile', async () => {
  const clock = fakeClock();
  await using ftp = await startTestGateway({ clock });
  const halfOpen = await crowd(1_000, () => bystander(ftp.port, 'USER alice\r\n', '331 '));
  await using client = await FtpClient.logIn(ftp.port);
  assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
  assert.equal(ftp.gateway.sessionCount, 1_001);

  await clock.advance(59_999);
  await client.expect(200, 'NOOP');
  assert.ok(!halfOpen.some(({ heard }) => heard.includes('421')), 'nobody is sent away too early');
  await clock.advance(1);
  const isOver = ({ heard, socket }: Bystander) => heard.includes('421 ') && socket.closed;
  await until('all of them to be told and closed', () => halfOpen.every(isOver), crowdDeadlineMs);
  await until('nobody to be left of them', () => ftp.gateway.sessionCount === 1);
  await client.expect(200, 'NOOP');
});

/** `pairs` of a command that tells its number and a long one, in one write. */
async function flood(client: FtpClient, pairs: number): Promise<void> {
  const filler = 'x'.repeat(8_000);
  const lines = Array.from({ length: pairs }, (_, index) => `REST ${index}\r\nNOOP ${filler}\r\n`);
  client.socket.write(lines.join(''));
  for (let index = 0; index < pairs; index++) {
    const { code, text } = await client.reply();
    assert.equal(code, 350, text);
    assert.match(text, new RegExp(`\\b${index}\\b`));
    assert.equal((await client.reply()).code, 200);
  }
}

test('ten thousand commands in one write are answered in order, and ten thousand more in the same memory', async (t) => {
  if (process.platform !== 'linux') return t.skip('memory is read from /proc');
  await using gateway = await startGatewayProgram();
  const { port, program } = gateway;
  await using client = await FtpClient.logIn(port);
  await flood(client, 5_000);
  const beforeBytes = program.rssBytes();
  program.forgetPeak();
  await flood(client, 5_000);
  const grownBytes = program.peakRssBytes() - beforeBytes;
  t.diagnostic(`${(grownBytes / MiB).toFixed(1)} MiB more for 38 MiB of commands`);
  assert.ok(grownBytes < 20 * MiB, `${grownBytes} bytes`);
  await using other = await FtpClient.logIn(port);
  await other.expect(200, 'NOOP');
});
