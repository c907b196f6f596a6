/**
 * The proof, at start and on a loopback pair, that direct reading does what the pump relies on: bytes land
 * in the memory chosen and nowhere else, a stopped read loses nothing, the end and a reset are told apart.
 * Any surprise, any exception, or no result in time means: read by copying. Costs a few milliseconds.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { DataReading } from './data-connection.ts';
import { takeOver } from './direct-read.ts';

const trialBytes = 300_000;
/** Smaller than the bytes, so that reads are stopped and targets change several times. */
const targetBytes = 40_000;
const deadlineMs = 2_000;

/** Never rejects. */
export async function chooseDataReading(clock: Clock, log: Log): Promise<DataReading> {
  const deadline = Promise.withResolvers<'late'>();
  const timer = clock.setTimer(deadlineMs, () => deadline.resolve('late'));
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  try {
    const outcome = await Promise.race([runTrial(server), deadline.promise]);
    if (outcome === 'passed') return 'direct';
    log.warn({ outcome }, 'direct reads not usable, copying instead');
  } catch (error) {
    log.warn({ err: error }, 'direct reads not usable, copying instead');
  } finally {
    timer.cancel();
    server.close();
  }
  return 'copied';
}

async function runTrial(server: Server): Promise<'passed' | 'wrong bytes' | 'reset not seen'> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sent = Buffer.from(Array.from({ length: trialBytes }, (_, index) => (index * 31) & 0xff));
  const received = await receiveAll(server, sent);
  if (!received.equals(sent)) return 'wrong bytes';
  return (await seesReset(server)) ? 'passed' : 'reset not seen';
}

async function openPair(server: Server): Promise<{ client: Socket; accepted: Socket }> {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined); // the reset of the trial
  const [accepted] = await connected;
  return { client, accepted };
}

/** Fills fixed targets one after the other, stopping whenever one is full. */
async function receiveAll(server: Server, sent: Buffer): Promise<Buffer> {
  const { client, accepted } = await openPair(server);
  const targets: Buffer[] = [Buffer.alloc(targetBytes)];
  let filled = 0;
  const spare = Buffer.alloc(0x1000);
  const room = () => targets.at(-1)?.subarray(filled) ?? spare;
  const socket = takeOver(accepted, {
    space: () => (room().length > 0 ? room() : spare),
    onBytes(bytes, space) {
      if (space === spare) spare.copy(room(), 0, 0, bytes);
      filled += bytes;
      if (filled < targetBytes) return true;
      setImmediate(() => {
        targets.push(Buffer.alloc(targetBytes));
        filled = 0;
        socket?.resume();
      });
      return false;
    },
  });
  if (!socket) throw new Error('the handle of an accepted socket cannot be moved');
  const ended = once(socket, 'end');
  socket.resume();
  client.end(sent);
  await ended;
  const isCounted = socket.bytesRead === sent.length;
  const closed = once(socket, 'close');
  socket.end();
  client.resume();
  await closed;
  return isCounted
    ? Buffer.concat([...targets.slice(0, -1), targets.at(-1)?.subarray(0, filled) ?? spare])
    : spare;
}

async function seesReset(server: Server): Promise<boolean> {
  const { client, accepted } = await openPair(server);
  const target = Buffer.alloc(16);
  const socket = takeOver(accepted, { space: () => target, onBytes: () => true });
  if (!socket) return false;
  const closed = Promise.withResolvers<boolean>();
  socket.on('close', closed.resolve);
  let code: unknown;
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code;
  });
  socket.resume();
  client.resetAndDestroy();
  return (await closed.promise) && code === 'ECONNRESET';
}
