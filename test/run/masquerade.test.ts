/** Which address PASV tells: rules, file, word, name, and how changes of each come through. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HostAddresses } from '#gateway/run/host-addresses.ts';
import { Masquerade, type MasqueradeOptions } from '#gateway/run/masquerade.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { recordingLog } from '#test/support/recording-log.ts';

type Words = Partial<Pick<MasqueradeOptions, 'address' | 'networks'>> & { text?: string };

const peer = '198.51.100.1';
const local = '10.0.0.5';

/** @param words `text`: what the file holds; its presence means there is a file. */
async function masquerade(words: Words) {
  const clock = fakeClock();
  const log = recordingLog();
  const metric = { source: '', changes: 0 };
  const world = { text: words.text, asked: 0, found: (): HostAddresses | Error => new Error('?') };
  const options: MasqueradeOptions = {
    ...(words.address !== undefined && { address: words.address }),
    ...('text' in words && { file: '/etc/podinfo/address' }),
    networks: words.networks ?? [],
    clock,
    log,
    observer: {
      masqueradeSource: (source) => void (metric.source = source),
      masqueradeChanged: () => void (metric.changes += 1),
    },
    async resolve() {
      world.asked += 1;
      const found = world.found();
      if (found instanceof Error) throw found;
      return found;
    },
    fileAccess: {
      read: async () => world.text,
      watch: () => ({ close: () => undefined }),
    },
  };
  const made = new Masquerade(options);
  return { made, clock, log, metric, world, told: () => made.addressFor(peer, local) };
}

describe('the address in 227', () => {
  test('without any word is the one the client reached, unless that is IPv6', async () => {
    const { made, metric } = await masquerade({});
    await made.start();
    assert.equal(made.addressFor(peer, local), local);
    assert.equal(made.addressFor(peer, '2001:db8::5'), undefined);
    assert.equal(metric.source, 'none');
  });

  test('is that of the first network of the client, else the configured one', async () => {
    const networks = [
      { clients: '10.1.0.0/16', address: '10.1.2.3' },
      { clients: '10.0.0.0/8', address: '10.9.9.9' },
    ];
    const { made, metric } = await masquerade({ address: '203.0.113.7', networks, text: '' });
    await made.start();
    assert.equal(made.addressFor('10.1.0.9', local), '10.1.2.3');
    assert.equal(made.addressFor('10.2.0.9', local), '10.9.9.9');
    assert.equal(made.addressFor(peer, local), '203.0.113.7');
    assert.equal(metric.source, 'config');
  });

  test('is what the file holds, then the configured one, when both are empty none at all', async () => {
    const { made, told, world, clock, metric } = await masquerade({
      address: '203.0.113.7',
      text: '203.0.113.50',
    });
    await made.start();
    assert.deepEqual([told(), metric.source, metric.changes], ['203.0.113.50', 'file', 0]);
    world.text = '203.0.113.51';
    await clock.advance(1_000);
    assert.deepEqual([told(), metric.source, metric.changes], ['203.0.113.51', 'file', 1]);
    world.text = '';
    await clock.advance(2_000);
    assert.deepEqual([told(), metric.source, metric.changes], ['203.0.113.7', 'config', 2]);
    made.close();
  });

  test('is unknown while the file is empty and nothing is configured', async () => {
    const { made, told, world, clock, metric, log } = await masquerade({ text: '' });
    await made.start();
    assert.deepEqual([told(), metric.source], [undefined, 'none']);
    world.text = '203.0.113.50';
    await clock.advance(1_000);
    assert.equal(told(), '203.0.113.50');
    world.text = '';
    await clock.advance(2_000);
    assert.equal(told(), undefined);
    assert.deepEqual(log.messages('warn'), ['masquerade address lost']);
    made.close();
  });
});

describe('changed words', () => {
  test('count for the next question, and the source follows them', async () => {
    const { made, told, metric } = await masquerade({ address: '203.0.113.7' });
    await made.start();
    made.change({ address: '203.0.113.8', networks: [] });
    assert.deepEqual([told(), metric.source, metric.changes], ['203.0.113.8', 'config', 1]);
    made.change({ networks: [{ clients: peer, address: '10.1.2.3' }] });
    assert.deepEqual([told(), metric.source], ['10.1.2.3', 'network']);
    made.change({ networks: [] });
    assert.deepEqual([told(), metric.source], [local, 'none']);
  });

  test('leave what the file holds in front', async () => {
    const { made, told, metric } = await masquerade({
      address: '203.0.113.7',
      text: '203.0.113.1',
    });
    await made.start();
    made.change({ address: '203.0.113.8', networks: [] });
    assert.deepEqual([told(), metric.source], ['203.0.113.1', 'file']);
    made.close();
  });

  test('with the same name do not ask for it again, with another one end the old', async () => {
    const { made, told, clock, world } = await masquerade({ address: 'one.example.com' });
    world.found = () => ({ addresses: ['203.0.113.1'] });
    await made.start();
    made.change({ address: 'one.example.com', networks: [] });
    assert.deepEqual([told(), world.asked], ['203.0.113.1', 1]);
    world.found = () => ({ addresses: ['203.0.113.2'] });
    made.change({ address: 'two.example.com', networks: [] });
    await clock.advance(0);
    assert.deepEqual([told(), world.asked], ['203.0.113.2', 2]);
    await clock.advance(30_000);
    assert.equal(world.asked, 3, 'only the new name');
    made.close();
  });
});

describe('a DNS name', () => {
  const name = 'lb.example.com';

  for (const [ttlSeconds, expectedSeconds] of [
    [undefined, 30],
    [0, 5],
    [4, 5],
    [6, 6],
    [60, 60],
    [61, 60],
  ] as const) {
    test(`with a time to live of ${ttlSeconds} s is asked again after ${expectedSeconds} s`, async () => {
      const { made, told, world, clock, metric } = await masquerade({ address: name });
      const life = ttlSeconds === undefined ? {} : { ttlSeconds };
      world.found = () => ({ addresses: ['203.0.113.2', '203.0.113.1'], ...life });
      await made.start();
      assert.deepEqual([told(), metric.source, world.asked], ['203.0.113.1', 'dns', 1]);
      await clock.advance(expectedSeconds * 1000 - 1);
      assert.equal(world.asked, 1);
      world.found = () => ({ addresses: ['203.0.113.9'], ...life });
      await clock.advance(1);
      assert.deepEqual([told(), world.asked, metric.changes], ['203.0.113.9', 2, 1]);
      made.close();
    });
  }

  test('stays with the address clients know while it is listed', async () => {
    const { made, told, world, clock } = await masquerade({ address: name });
    world.found = () => ({ addresses: ['203.0.113.2'] });
    await made.start();
    world.found = () => ({ addresses: ['203.0.113.1', '203.0.113.2'] });
    await clock.advance(30_000);
    assert.equal(told(), '203.0.113.2');
    made.close();
  });

  test('that cannot be resolved keeps the last address and is told once', async () => {
    const { made, told, world, clock, log } = await masquerade({ address: name });
    await made.start();
    assert.equal(told(), undefined);
    await clock.advance(20_000);
    assert.equal(world.asked, 5);
    assert.deepEqual(log.messages('warn'), ['masquerade address not resolved']);
    world.found = () => ({ addresses: ['203.0.113.2'] });
    await clock.advance(5_000);
    world.found = () => new Error('SERVFAIL');
    await clock.advance(60_000);
    assert.equal(told(), '203.0.113.2');
    made.close();
  });

  test('that takes too long does not hold up the start', async () => {
    const { made, told, clock, world } = await masquerade({ address: name });
    let answer: (found: HostAddresses) => void = () => undefined;
    const slow = new Promise<HostAddresses>((resolve) => {
      answer = resolve;
    });
    world.found = () => slow as never;
    const started = made.start();
    await clock.advance(3_000);
    await started;
    assert.equal(told(), undefined);
    answer({ addresses: ['203.0.113.2'] });
    await clock.advance(0);
    assert.equal(told(), '203.0.113.2');
    made.close();
  });

  test('in the file goes before the configured address, keeps it until resolved, and ends with it', async () => {
    const { made, told, world, clock } = await masquerade({ address: '203.0.113.7', text: '' });
    await made.start();
    world.text = name;
    await clock.advance(1_000);
    assert.equal(told(), '203.0.113.7');
    world.found = () => ({ addresses: ['203.0.113.2'] });
    await clock.advance(5_000);
    assert.equal(told(), '203.0.113.2');
    world.text = '203.0.113.8';
    await clock.advance(1_000);
    const { asked } = world;
    await clock.advance(120_000);
    assert.deepEqual([told(), world.asked], ['203.0.113.8', asked]);
    made.close();
    assert.equal(clock.pendingTimers, 0);
  });
});
