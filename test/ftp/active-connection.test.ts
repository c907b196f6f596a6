import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import {
  ActiveConnection,
  type ActiveConnectionOptions,
  type ActiveOutcome,
} from '#gateway/ftp/active-connection.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

const local = '127.0.0.1';

interface Listener extends AsyncDisposable {
  readonly port: number;
  readonly sockets: Socket[];
}

async function listen(): Promise<Listener> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  server.listen(0, local);
  await until('the listener', () => server.listening);
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function open(port: number, options: Partial<ActiveConnectionOptions> = {}) {
  const outcomes: ActiveOutcome[] = [];
  const source = new ActiveConnection({
    host: local,
    port,
    clock: systemClock,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
  return { source, outcomes };
}

const kindOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'connected',
    (error: unknown) => (error instanceof Error && 'kind' in error ? error.kind : String(error)),
  );

/** Packets to it are dropped by whoever is asked (RFC 5737): nothing answers, or there is no route. */
const nowhere = '192.0.2.1';

test('the connection comes from the address asked for, paused, untouched and half-open', async () => {
  await using client = await listen();
  const { source, outcomes } = open(client.port, { localAddress: '127.0.0.3' });
  const socket = await source.accept({ timeoutMs: 5000 });
  assert.deepEqual([socket.isPaused(), socket.allowHalfOpen], [true, true]);
  await until('the client to see it', () => client.sockets.length === 1);
  assert.equal(client.sockets[0]?.remoteAddress, '127.0.0.3');
  client.sockets[0]?.write('early');
  assert.equal(socket.bytesRead, 0);
  assert.deepEqual(outcomes, ['connected']);
  socket.destroy();
});

test('where nobody listens, that is told apart', async () => {
  const port = await listen().then(async (client) => {
    await client[Symbol.asyncDispose]();
    return client.port;
  });
  const { source, outcomes } = open(port);
  assert.equal(await kindOf(source.accept({ timeoutMs: 5000 })), 'not-connected');
  assert.deepEqual(outcomes, ['refused']);
});

test('an address of ours that is none fails and ends nothing', async () => {
  await using client = await listen();
  const { source, outcomes } = open(client.port, { localAddress: '192.0.2.77' });
  assert.equal(await kindOf(source.accept({ timeoutMs: 5000 })), 'not-connected');
  assert.deepEqual(outcomes, ['failed']);
});

test('a client that does not answer is given up at the deadline', async (t) => {
  const clock = fakeClock();
  const { source, outcomes } = open(6000, { host: nowhere, clock });
  const accepting = kindOf(source.accept({ timeoutMs: 500 }));
  await clock.advance(500);
  const kind = await accepting;
  if (kind === 'not-connected') return t.skip('this machine has no route there at all');
  assert.equal(kind, 'no-data-connection');
  assert.deepEqual(outcomes, ['timeout']);
});

test('a session that ends before the connection stands leaves no socket', async () => {
  const clock = fakeClock();
  for (const end of ['signal', 'release'] as const) {
    const { source, outcomes } = open(6000, { host: nowhere, clock });
    const stop = new AbortController();
    const accepting = kindOf(source.accept({ signal: stop.signal, timeoutMs: 5000 }));
    if (end === 'signal') stop.abort('gone');
    else source.release();
    assert.equal(await accepting, end === 'signal' ? 'gone' : 'reservation-gone');
    assert.deepEqual(outcomes, []);
  }
  assert.equal(clock.pendingTimers, 0);
  const sockets = () =>
    process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
  await until('the sockets to be closed', () => sockets() === 0);
});

test('a source given back connects to nobody', async () => {
  await using client = await listen();
  const { source } = open(client.port);
  source.release();
  source.release();
  assert.equal(await kindOf(source.accept({ timeoutMs: 5000 })), 'reservation-gone');
  assert.equal(client.sockets.length, 0);
});
