import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { PassivePorts, type PeerPolicy, type Reservation } from '#gateway/ftp/passive-ports.ts';
import { type PassivePortsOptions } from '#gateway/ftp/passive-ports-options.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { type LogFields, silentLog } from '#gateway/kit/log.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';

const local = '127.0.0.1';

async function openPorts(
  count: number,
  options: Partial<PassivePortsOptions> = {},
): Promise<{ ports: PassivePorts } & AsyncDisposable> {
  const ports = await PassivePorts.open({
    ports: { ephemeral: count },
    host: local,
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  return { ports, [Symbol.asyncDispose]: () => ports.close() };
}

const dialled = new Set<net.Socket>();

afterEach(() => {
  for (const socket of dialled) socket.destroy();
  dialled.clear();
});

/** A data connection that can also say which of several clients it is. */
async function dial(port: number, from = local): Promise<net.Socket> {
  const socket = net.connect({ port, host: local, localAddress: from, allowHalfOpen: true });
  dialled.add(socket);
  socket.on('error', () => undefined);
  await until('the data connection', () => !socket.connecting);
  return socket;
}

const kindOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'granted',
    (error: unknown) => (error instanceof Error && 'kind' in error ? error.kind : String(error)),
  );

const reserve = (ports: PassivePorts, peer = local, policy: PeerPolicy = 'same') =>
  ports.reserve({ peer, policy });

/** Reads one line from the accepted side, to know whose connection it is. */
async function firstLine(socket: net.Socket): Promise<string> {
  const chunk = await new Promise<Buffer>((resolve) => {
    socket.once('data', resolve);
    socket.resume();
  });
  socket.destroy();
  return chunk.toString();
}

test('a connection after the transfer command is handed over, paused and prompt', async () => {
  await using opened = await openPorts(1);
  const reservation = await reserve(opened.ports);
  const accepted = reservation.accept({ timeoutMs: 5000 });
  const client = await dial(reservation.port);
  client.end('hello');
  const socket = await accepted;
  assert.equal(socket.isPaused(), true);
  assert.equal(await firstLine(socket), 'hello');
  assert.deepEqual(opened.ports.counts, { busy: 0, free: 1, unbound: 0, waiting: 0 });
});

test('a connection before the transfer command is held with its bytes and its end', async () => {
  await using opened = await openPorts(1);
  const reservation = await reserve(opened.ports);
  const client = await dial(reservation.port);
  client.end('early');
  await until('the port to be free', () => opened.ports.counts.busy === 0);
  const socket = await reservation.accept({ timeoutMs: 5000 });
  assert.equal(await firstLine(socket), 'early');
});

test('a port is free for the same client as soon as its connection came', async () => {
  await using opened = await openPorts(1);
  const first = await reserve(opened.ports);
  const one = await dial(first.port);
  one.write('one');
  const second = await reserve(opened.ports);
  const two = await dial(second.port);
  two.write('two');
  const [socketOne, socketTwo] = await Promise.all([
    first.accept({ timeoutMs: 5000 }),
    second.accept({ timeoutMs: 5000 }),
  ]);
  assert.deepEqual([await firstLine(socketOne), await firstLine(socketTwo)], ['one', 'two']);
});

test('different addresses share one port and never get each other’s connection', async () => {
  await using opened = await openPorts(1);
  const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
  const reservations = await Promise.all(addresses.map((peer) => reserve(opened.ports, peer)));
  const accepted = reservations.map((reservation) => reservation.accept({ timeoutMs: 5000 }));
  for (const [index, address] of [...addresses.entries()].reverse()) {
    const client = await dial(reservations[index]?.port ?? 0, address);
    client.write(address);
  }
  const sockets = await Promise.all(accepted);
  assert.deepEqual(await Promise.all(sockets.map(firstLine)), addresses);
});

test('a stranger is closed and the session still gets its client', async () => {
  let strangers = 0;
  await using opened = await openPorts(1, { onStranger: () => (strangers += 1) });
  const reservation = await reserve(opened.ports, '127.0.0.2');
  const accepted = reservation.accept({ timeoutMs: 5000 });
  const stranger = await dial(reservation.port, '127.0.0.3');
  await until('the stranger to be closed', () => stranger.closed);
  const client = await dial(reservation.port, '127.0.0.2');
  client.write('mine');
  assert.equal(await firstLine(await accepted), 'mine');
  assert.equal(strangers, 1);
});

test('nobody gets in on a port nobody reserved, nor twice on one reservation', async () => {
  await using opened = await openPorts(1);
  const [port = 0] = opened.ports.numbers;
  const early = await dial(port);
  await until('the early one to be closed', () => early.closed);
  const reservation = await reserve(opened.ports);
  const first = await dial(port);
  first.write('first');
  await until('the first to be held', () => opened.ports.counts.busy === 0);
  const second = await dial(port);
  await until('the second to be closed', () => second.closed);
  assert.equal(await firstLine(await reservation.accept({ timeoutMs: 5000 })), 'first');
});

test('the policy network takes another address of the same network, any takes everybody', async () => {
  const networks = new NetworkSet(['127.0.0.0/29']);
  await using opened = await openPorts(1, { networks });
  const byNetwork = await reserve(opened.ports, '127.0.0.2', 'network');
  const outside = await dial(byNetwork.port, '127.0.0.9');
  await until('the outsider to be closed', () => outside.closed);
  await dial(byNetwork.port, '127.0.0.5');
  (await byNetwork.accept({ timeoutMs: 5000 })).destroy();
  const byAny = await reserve(opened.ports, '127.0.0.2', 'any');
  await dial(byAny.port, '127.0.0.99');
  (await byAny.accept({ timeoutMs: 5000 })).destroy();
});

test('a thousand resets on an open port harm neither the process nor the session', async () => {
  await using opened = await openPorts(1);
  const reservation = await reserve(opened.ports, '127.0.0.2');
  const accepted = reservation.accept({ timeoutMs: 10_000 });
  for (let round = 0; round < 50; round++) {
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const from = index % 2 === 0 ? '127.0.0.3' : '127.0.0.4';
        const socket = net.connect({ port: reservation.port, host: local, localAddress: from });
        socket.on('error', () => undefined);
        socket.on('connect', () => socket.resetAndDestroy());
        await until('the reset', () => socket.destroyed);
      }),
    );
  }
  const client = await dial(reservation.port, '127.0.0.2');
  client.write('still here');
  assert.equal(await firstLine(await accepted), 'still here');
});

test('the client’s own reset before the transfer command shows as a broken connection', async () => {
  await using opened = await openPorts(1);
  const reservation = await reserve(opened.ports);
  const client = await dial(reservation.port);
  await until('the connection to be held', () => opened.ports.counts.busy === 0);
  client.resetAndDestroy();
  await turn();
  const socket = await reservation.accept({ timeoutMs: 5000 });
  socket.resume();
  await until('the break to show', () => socket.closed);
  assert.ok(socket.errored);
});

test('sixteen sessions of one address on four ports all get their own connection, again and again', async () => {
  await using opened = await openPorts(4);
  const transfer = async (session: number, round: number) => {
    const reservation = await reserve(opened.ports);
    const client = await dial(reservation.port);
    client.write(`${session}/${round}`);
    const socket = await reservation.accept({ timeoutMs: 5000 });
    assert.equal(await firstLine(socket), `${session}/${round}`);
    client.destroy();
  };
  const sessions = Array.from({ length: 16 }, async (_, session) => {
    for (let round = 0; round < 10; round++) await transfer(session, round);
  });
  await Promise.all(sessions);
});

test('sixty-four transfers at once and two hundred in a row pass eight ports with policy any', async () => {
  await using opened = await openPorts(8);
  const transfer = async (name: string) => {
    const reservation = await reserve(opened.ports, local, 'any');
    const accepted = reservation.accept({ timeoutMs: 5000 });
    const client = await dial(reservation.port);
    client.write(name);
    assert.equal(await firstLine(await accepted), name);
    client.destroy();
  };
  await Promise.all(Array.from({ length: 64 }, (_, index) => transfer(`at once ${index}`)));
  for (let index = 0; index < 200; index++) await transfer(`in a row ${index}`);
});

test('the least recently used port comes first', async () => {
  await using opened = await openPorts(3);
  const used: number[] = [];
  for (let count = 0; count < 6; count++) {
    const reservation = await reserve(opened.ports);
    used.push(reservation.port);
    const client = await dial(reservation.port);
    (await reservation.accept({ timeoutMs: 5000 })).destroy();
    client.destroy();
  }
  assert.equal(new Set(used.slice(0, 3)).size, 3);
  assert.deepEqual(used.slice(3), used.slice(0, 3));
});

test('one client that reserves every port keeps no other address out', async () => {
  const clock = fakeClock();
  await using opened = await openPorts(4, { clock });
  const greedy = await Promise.all(
    Array.from({ length: 4 }, () => reserve(opened.ports, '127.0.0.2')),
  );
  assert.equal(new Set(greedy.map(({ port }) => port)).size, 4);
  const modest = await reserve(opened.ports, '127.0.0.3');
  modest.release();
  const fifth = kindOf(reserve(opened.ports, '127.0.0.2'));
  await clock.advance(5000);
  assert.equal(await fifth, 'no-port');
});

test('who waits gets the next free port, in the order of asking', async () => {
  await using opened = await openPorts(1);
  const first = await reserve(opened.ports, local, 'any');
  const granted: string[] = [];
  const wait = async (name: string): Promise<void> => {
    const reservation = await reserve(opened.ports, local, 'any');
    granted.push(name);
    const client = await dial(reservation.port);
    (await reservation.accept({ timeoutMs: 5000 })).destroy();
    client.destroy();
  };
  const all = Promise.all([wait('a'), wait('b'), wait('c')]);
  assert.equal(opened.ports.counts.waiting, 3);
  await dial(first.port);
  await all;
  first.release();
  assert.deepEqual(granted, ['a', 'b', 'c']);
});

test('waiting ends with no-port at the limit and not before', async () => {
  const clock = fakeClock();
  await using opened = await openPorts(1, { clock, limits: { unusedMs: 60_000 } });
  await reserve(opened.ports);
  let outcome: unknown;
  void kindOf(reserve(opened.ports)).then((kind) => {
    outcome = kind;
  });
  await clock.advance(4999);
  assert.equal(outcome, undefined);
  await clock.advance(1);
  assert.equal(outcome, 'no-port');
  assert.equal(opened.ports.counts.waiting, 0);
});

test('no more than the limit may wait', async () => {
  const clock = fakeClock();
  await using opened = await openPorts(1, { clock, limits: { waitingMax: 2 } });
  await reserve(opened.ports);
  const waiting = [kindOf(reserve(opened.ports)), kindOf(reserve(opened.ports))];
  assert.equal(await kindOf(reserve(opened.ports)), 'no-port');
  assert.equal(opened.ports.counts.waiting, 2);
  await clock.advance(5000);
  assert.deepEqual(await Promise.all(waiting), ['no-port', 'no-port']);
});

test('a session that is gone neither waits nor is given a port', async () => {
  await using opened = await openPorts(1);
  const reservation = await reserve(opened.ports, local, 'any');
  const gone = new AbortController();
  const waiting = kindOf(opened.ports.reserve({ peer: local, policy: 'any', signal: gone.signal }));
  gone.abort(new Error('control lost'));
  await dial(reservation.port);
  assert.equal(await waiting, 'Error: control lost');
  await until('the port to be free', () => opened.ports.counts.busy === 0);
  assert.equal(opened.ports.counts.waiting, 0);
  await assert.rejects(
    opened.ports.reserve({ peer: local, policy: 'any', signal: gone.signal }),
    /control lost/,
  );
});

test('after an unused reservation its port keeps away from the same client for the cool-down', async () => {
  const clock = fakeClock();
  await using opened = await openPorts(1, { clock });
  (await reserve(opened.ports)).release();
  const other = await reserve(opened.ports, '127.0.0.2');
  other.release();
  let granted: Reservation | undefined;
  void reserve(opened.ports).then((reservation) => {
    granted = reservation;
  });
  await clock.advance(1999);
  assert.equal(granted, undefined);
  await clock.advance(1);
  assert.ok(granted);
});

test('a reservation nobody connects to runs out, before and during a transfer command', async () => {
  const clock = fakeClock();
  await using opened = await openPorts(2, { clock });
  const idle = await reserve(opened.ports);
  await clock.advance(14_999);
  assert.equal(opened.ports.counts.busy, 1);
  await clock.advance(1);
  assert.equal(opened.ports.counts.busy, 0);
  assert.equal(await kindOf(idle.accept({ timeoutMs: 1000 })), 'reservation-gone');

  const used = await reserve(opened.ports);
  await clock.advance(14_999);
  const accepted = kindOf(used.accept({ timeoutMs: 10_000 }));
  await clock.advance(9_999);
  assert.equal(opened.ports.counts.busy, 1);
  await clock.advance(1);
  assert.equal(await accepted, 'no-data-connection');
  assert.equal(opened.ports.counts.busy, 0);
});

test('a held connection nobody asks for is closed after its time', async () => {
  const clock = fakeClock();
  await using opened = await openPorts(1, { clock });
  const reservation = await reserve(opened.ports);
  const client = await dial(reservation.port);
  await until('the connection to be held', () => opened.ports.counts.busy === 0);
  await clock.advance(59_999);
  assert.equal(client.closed, false);
  await clock.advance(1);
  await until('the client to be closed', () => client.closed);
  assert.equal(await kindOf(reservation.accept({ timeoutMs: 1000 })), 'reservation-gone');
});

test('giving a reservation back closes what was held and refuses what waits', async () => {
  await using opened = await openPorts(2);
  const held = await reserve(opened.ports);
  const client = await dial(held.port);
  await until('the connection to be held', () => opened.ports.counts.busy === 0);
  held.release();
  held.release();
  await until('the client to be closed', () => client.closed);
  const waiting = await reserve(opened.ports);
  const accepted = kindOf(waiting.accept({ timeoutMs: 5000 }));
  waiting.release();
  assert.equal(await accepted, 'reservation-gone');
});

test('giving a reservation back after the handover leaves the connection alone', async () => {
  await using opened = await openPorts(1);
  const reservation = await reserve(opened.ports);
  const client = await dial(reservation.port);
  const socket = await reservation.accept({ timeoutMs: 5000 });
  reservation.release();
  client.write('alive');
  assert.equal(await firstLine(socket), 'alive');
});

test('a cut transfer stops waiting for its connection with the cut as the reason', async () => {
  await using opened = await openPorts(1);
  const reservation = await reserve(opened.ports);
  const cut = new AbortController();
  const accepted = reservation.accept({ signal: cut.signal, timeoutMs: 5000 });
  const reason = new Error('ABOR');
  cut.abort(reason);
  await assert.rejects(accepted, (error) => error === reason);
  assert.equal(opened.ports.counts.busy, 0);
  const again = await reserve(opened.ports, '127.0.0.2');
  await assert.rejects(
    again.accept({ signal: cut.signal, timeoutMs: 5000 }),
    (error) => error === reason,
  );
});

test('closing refuses who waits and what is reserved, and leaves transfers running', async () => {
  const opened = await openPorts(2);
  const running = await reserve(opened.ports);
  const client = await dial(running.port);
  const socket = await running.accept({ timeoutMs: 5000 });
  const pending = await reserve(opened.ports);
  const accepted = kindOf(pending.accept({ timeoutMs: 5000 }));
  await reserve(opened.ports);
  const waiting = kindOf(reserve(opened.ports));
  await opened.ports.close();
  assert.deepEqual([await accepted, await waiting], ['closed', 'closed']);
  assert.equal(await kindOf(reserve(opened.ports)), 'closed');
  client.write('running');
  assert.equal(await firstLine(socket), 'running');
});

test('a port that is taken is skipped, told once, and bound when it becomes free', async () => {
  const clock = fakeClock();
  const messages: [string, LogFields][] = [];
  const record = (fields: LogFields, message: string) => void messages.push([message, fields]);
  const log = { ...silentLog, warn: record, info: record, error: record };
  const blocker = net.createServer().listen(0, local);
  await until('the blocker', () => blocker.listening);
  const { port } = blocker.address() as net.AddressInfo;
  await using opened = await openPorts(1, { ports: { first: port, last: port }, clock, log });
  assert.deepEqual(opened.ports.counts, { busy: 0, free: 0, unbound: 1, waiting: 0 });
  await clock.advance(30_000);
  await until(
    'the second try',
    () => opened.ports.counts.unbound === 1 && clock.pendingTimers === 1,
  );
  await new Promise((resolve) => {
    blocker.close(resolve);
  });
  await clock.advance(30_000);
  await until('the port to be bound', () => opened.ports.counts.free === 1);
  assert.deepEqual(
    messages.map(([message]) => message),
    ['passive port not bound', 'no passive port could be bound', 'passive port bound after all'],
  );
});

test('a large range binds a part at first and grows when all of that is taken', async () => {
  const limits = { boundAtStartMax: 6, growPorts: 2 };
  await using small = await openPorts(6, { limits });
  assert.equal(small.ports.numbers.length, 6, 'at the limit all are bound');
  await using large = await openPorts(7, { limits });
  assert.equal(large.ports.numbers.length, 2);
  for (let count = 1; count <= 7; count++) await reserve(large.ports, local, 'any');
  assert.deepEqual(large.ports.counts, { busy: 7, free: 0, unbound: 0, waiting: 0 });
});

test('on all addresses an IPv4 client is known by its IPv4 address', async () => {
  await using opened = await openPorts(1, { host: '::' });
  const reservation = await reserve(opened.ports, '127.0.0.2');
  await dial(reservation.port, '127.0.0.2');
  (await reservation.accept({ timeoutMs: 5000 })).destroy();
});

const reserveFor = (ports: PassivePorts, holder: string) =>
  ports.reserve({ peer: local, policy: 'any', holder });

/** How many of so many wishes are granted at once. */
async function countGranted(ports: PassivePorts, holder: string, wishes: number): Promise<number> {
  let granted = 0;
  for (let count = 0; count < wishes; count++) {
    void reserveFor(ports, holder).then(
      () => (granted += 1),
      () => undefined,
    );
  }
  await turn();
  return granted;
}

test('one holder alone gets half of the ports, and each further one half of what is left', async () => {
  await using opened = await openPorts(8);
  const granted: number[] = [];
  for (const holder of ['a', 'b', 'c', 'd', 'e']) {
    granted.push(await countGranted(opened.ports, holder, 20));
  }
  assert.deepEqual(granted, [4, 2, 1, 1, 0]);
});

test('a single port is for everybody, one after the other', async () => {
  await using opened = await openPorts(1);
  assert.equal(await countGranted(opened.ports, 'a', 1), 1);
  assert.equal(await countGranted(opened.ports, 'b', 1), 0);
});

test('whoever waits for a port that cools down gets it, at whatever moment the clock is looked at', async () => {
  // As a real clock: time passes between two looks at it, and timers fire a moment early.
  for (let step = 1; step <= 40; step++) {
    const time = fakeClock();
    let looks = 0;
    const clock = {
      ...time,
      monotonicMs: () => time.monotonicMs() + looks++ * 0.05,
      setTimer: (delayMs: number, fire: () => void) => time.setTimer(delayMs - step * 0.05, fire),
    };
    await using opened = await openPorts(1, { clock, limits: { coolDownMs: 2000, waitMs: 5000 } });
    (await reserve(opened.ports)).release();
    const waiting = kindOf(reserve(opened.ports));
    await time.advance(1_990);
    for (let tick = 0; tick < 40; tick++) await time.advance(1);
    assert.equal(opened.ports.counts.waiting, 0, `timers ${step * 0.05} ms early`);
    assert.equal(await waiting, 'granted');
  }
});

test('ports given up unused count for their holder until they have cooled down', async () => {
  const clock = fakeClock();
  await using opened = await openPorts(4, { clock, limits: { coolDownMs: 2000, waitMs: 100 } });
  const held = [await reserveFor(opened.ports, 'a'), await reserveFor(opened.ports, 'a')];
  for (const reservation of held) reservation.release();
  const late = kindOf(reserveFor(opened.ports, 'a'));
  assert.equal(await kindOf(reserveFor(opened.ports, 'b')), 'granted');
  await clock.advance(100);
  assert.equal(await late, 'no-port');
  await clock.advance(1900);
  assert.equal(await kindOf(reserveFor(opened.ports, 'a')), 'granted');
});

test('a holder that waits is served as soon as one of its own is connected', async () => {
  await using opened = await openPorts(2);
  const first = await reserveFor(opened.ports, 'a');
  const second = reserveFor(opened.ports, 'a');
  await dial(first.port);
  assert.notEqual((await second).port, first.port);
});

test('one holder does not fill the queue for the others', async () => {
  await using opened = await openPorts(1, { limits: { waitingMax: 8, waitingOfHolderMax: 4 } });
  await reserveFor(opened.ports, 'a');
  const outcomes: unknown[] = [];
  for (let count = 0; count < 6; count++) {
    void kindOf(reserveFor(opened.ports, 'a')).then((kind) => outcomes.push(kind));
  }
  await turn();
  assert.deepEqual(outcomes, ['no-port', 'no-port']);
  void kindOf(reserveFor(opened.ports, 'b'));
  assert.equal(opened.ports.counts.waiting, 5);
});
