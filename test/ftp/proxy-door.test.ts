import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, describe, test } from 'node:test';
import tls from 'node:tls';
import {
  type Arrival,
  ProxyDoor,
  type ProxyDoorOptions,
  type ProxyRefusal,
} from '#gateway/ftp/proxy-door.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { binaryHeader, proxyBinary, proxyLine } from '#test/support/proxy-header.ts';

const local = '127.0.0.1';
const header = proxyLine({ source: '192.0.2.1' });
const announced: Arrival = {
  peerAddress: '192.0.2.1',
  localAddress: '198.51.100.21',
  hasHeader: true,
};
const direct: Arrival = { peerAddress: local, localAddress: local, hasHeader: false };

const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

interface Visit {
  readonly client: net.Socket;
  readonly socket: net.Socket;
  readonly arrival: Promise<Arrival | undefined>;
}

interface DoorTrial {
  readonly refused: [ProxyRefusal, string, string | undefined][];
  readonly door: ProxyDoor;
  visit(): Promise<Visit>;
}

async function openDoor(
  options: Partial<ProxyDoorOptions> & { readonly trust?: string } = {},
): Promise<DoorTrial> {
  const { trust = local, ...rest } = options;
  const refused: [ProxyRefusal, string, string | undefined][] = [];
  const door = new ProxyDoor({
    mode: 'required',
    trusted: new NetworkSet([trust]),
    clock: systemClock,
    onRefused: (...refusal) => refused.push(refusal),
    ...rest,
  });
  let arrived = Promise.withResolvers<net.Socket>();
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
    arrived.resolve(socket),
  );
  server.listen(0, local);
  toClose.push(() => server.close());
  await until('the listener', () => server.listening);
  const { port } = server.address() as net.AddressInfo;
  return {
    refused,
    door,
    async visit() {
      arrived = Promise.withResolvers();
      const client = net.connect({ port, host: local, noDelay: true, allowHalfOpen: true });
      client.on('error', () => undefined);
      const socket = await arrived.promise;
      toClose.push(
        () => client.destroy(),
        () => socket.destroy(),
      );
      return { client, socket, arrival: door.admit(socket) };
    },
  };
}

/** Everything up to the end of data. */
async function readAll(socket: net.Socket): Promise<string> {
  if (socket.readableEnded) return '';
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const ended = new Promise((resolve) => socket.once('end', resolve));
  socket.resume();
  await ended;
  return Buffer.concat(chunks).toString();
}

describe('what a trusted peer announces is believed, and what follows is there', () => {
  for (const [name, bytes] of [
    ['a line', header],
    ['a binary header', proxyBinary({ source: '192.0.2.1' }, Buffer.alloc(60, 9))],
  ] as const) {
    test(`${name}, split at every byte`, async () => {
      const trial = await openDoor();
      const all = Buffer.concat([bytes, Buffer.from('NOOP\r\n')]);
      for (let cut = 1; cut < all.length; cut++) {
        const { client, socket, arrival } = await trial.visit();
        client.write(all.subarray(0, cut));
        await until('the first piece', () => socket.bytesRead >= cut);
        client.end(all.subarray(cut));
        assert.deepEqual(await arrival, announced, `cut at ${cut}`);
        assert.equal(socket.isPaused(), true);
        assert.equal(await readAll(socket), 'NOOP\r\n', `cut at ${cut}`);
      }
      assert.deepEqual(trial.refused, []);
    });

    test(`${name} and the end of data at once leave an empty file`, async () => {
      const trial = await openDoor();
      for (let round = 0; round < 20; round++) {
        const { client, socket, arrival } = await trial.visit();
        client.end(bytes);
        assert.deepEqual(await arrival, announced);
        assert.equal(await readAll(socket), '');
      }
    });
  }

  test('a megabyte behind the header arrives whole', async () => {
    const trial = await openDoor();
    const { client, socket, arrival } = await trial.visit();
    const body = 'x'.repeat(1024 * 1024);
    client.end(Buffer.concat([header, Buffer.from(body)]));
    assert.deepEqual(await arrival, announced);
    assert.equal(await readAll(socket), body);
  });

  test('a ClientHello right behind the header reaches TLS', async () => {
    const trial = await openDoor();
    const { client, socket, arrival } = await trial.visit();
    client.write(header);
    const secured = tls.connect({ socket: client, checkServerIdentity: () => undefined });
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => secured.once('error', resolve));
    assert.deepEqual(await arrival, announced);
    // Without a certificate the server can only refuse, but by an alert: it understood the hello.
    const server = new tls.TLSSocket(socket, { isServer: true });
    server.on('error', () => undefined);
    assert.equal((await failed).code, 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE');
  });

  test('a balancer that speaks for itself comes as itself, with a header all the same', async () => {
    const trial = await openDoor();
    for (const bytes of [binaryHeader({}), Buffer.from('PROXY UNKNOWN\r\n')]) {
      const { client, arrival } = await trial.visit();
      client.write(bytes);
      assert.deepEqual(await arrival, { ...direct, hasHeader: true });
    }
  });
});

describe('where a header is required', () => {
  test('a peer that is not trusted is closed at once, whatever it would say', async () => {
    const trial = await openDoor({ trust: '10.0.0.0/8' });
    const { client, arrival } = await trial.visit();
    client.write(header);
    assert.equal(await arrival, undefined);
    await until('the reset', () => client.destroyed);
    assert.deepEqual(trial.refused, [['untrusted', local, undefined]]);
  });

  test('a trusted peer without one is closed, by its first byte or by the deadline', async () => {
    const clock = fakeClock();
    const trial = await openDoor({ clock });
    const talking = await trial.visit();
    talking.client.write('USER alice\r\n');
    assert.equal(await talking.arrival, undefined);
    const silent = await trial.visit();
    silent.client.write(header.subarray(0, header.length - 1));
    await until('its bytes', () => silent.socket.bytesRead === header.length - 1);
    await clock.advance(4_999);
    assert.equal(silent.socket.destroyed, false);
    await clock.advance(1);
    assert.equal(await silent.arrival, undefined);
    assert.deepEqual(trial.refused, [
      ['invalid', local, 'no header'],
      ['timeout', local, undefined],
    ]);
  });

  test('one that is broken is refused with what it lacks', async () => {
    const trial = await openDoor();
    const { client, arrival } = await trial.visit();
    client.write('PROXY TCP4 a b c d\r\n');
    assert.equal(await arrival, undefined);
    assert.deepEqual(trial.refused, [['invalid', local, 'no address']]);
  });

  test('peers that leave first are told apart, by an end or a reset', async () => {
    const trial = await openDoor();
    const ending = await trial.visit();
    ending.client.end('PROXY ');
    assert.equal(await ending.arrival, undefined);
    const resetting = await trial.visit();
    resetting.client.resetAndDestroy();
    assert.equal(await resetting.arrival, undefined);
    assert.deepEqual(
      trial.refused.map(([refusal]) => refusal),
      ['left', 'left'],
    );
  });

  test('only so many are waited for at once, and a closing door leaves none', async () => {
    const trial = await openDoor({ limits: { waitingMax: 2 } });
    const visits = [await trial.visit(), await trial.visit(), await trial.visit()];
    assert.equal(await visits[2]?.arrival, undefined);
    assert.deepEqual(trial.refused, [['crowded', local, undefined]]);
    trial.door.close();
    assert.equal(await visits[0]?.arrival, undefined);
    assert.equal(await visits[1]?.arrival, undefined);
  });
});

describe('where a header is optional', () => {
  test('a peer that is not trusted is who it is, and its header is the bytes it sent', async () => {
    const trial = await openDoor({ mode: 'optional', trust: '10.0.0.0/8' });
    const { client, socket, arrival } = await trial.visit();
    client.end(header);
    assert.deepEqual(await arrival, direct);
    assert.equal(await readAll(socket), String(header));
  });

  test('a trusted peer without one keeps every byte', async () => {
    const trial = await openDoor({ mode: 'optional' });
    for (const text of ['USER alice\r\n', 'PROX', '\r\n', 'P', '']) {
      const { client, socket, arrival } = await trial.visit();
      client.end(text);
      assert.deepEqual(await arrival, direct, JSON.stringify(text));
      assert.equal(await readAll(socket), text);
    }
    assert.deepEqual(trial.refused, []);
  });

  test('a silent trusted peer is served after a second', async () => {
    const clock = fakeClock();
    const trial = await openDoor({ mode: 'optional', clock });
    const { client, socket, arrival } = await trial.visit();
    client.write('PROXY T');
    await until('its bytes', () => socket.bytesRead === 7);
    await clock.advance(1_000);
    assert.deepEqual(await arrival, direct);
    client.end();
    assert.equal(await readAll(socket), 'PROXY T');
  });

  test('a broken header of a trusted peer is refused, not served as commands', async () => {
    const trial = await openDoor({ mode: 'optional' });
    const { client, arrival } = await trial.visit();
    client.write('PROXY TCP4 x\r\n');
    assert.equal(await arrival, undefined);
    assert.deepEqual(trial.refused, [['invalid', local, 'no address']]);
  });
});
