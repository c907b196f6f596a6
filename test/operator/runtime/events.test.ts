import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '#gateway/kit/clock.ts';
import { Events, reportedEventKind } from '#operator/runtime/events.ts';
import { createJsonClient } from '#operator/runtime/json-client.ts';
import { FakeApiServer } from '#test/support/fake-api-server.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { recordingLog } from '#test/support/recording-log.ts';

const gateway = {
  apiVersion: 'cosftp.io/v1alpha1',
  kind: 'FtpGateway',
  metadata: { name: 'demo', namespace: 'files', uid: 'u-1', resourceVersion: '7' },
};

async function setUp() {
  const fake = await FakeApiServer.start();
  const clock = fakeClock();
  const log = recordingLog();
  const config = fake.config();
  const client = createJsonClient({ config, clock: systemClock, log, kinds: [reportedEventKind] });
  const who = { controller: 'cosftp.io/operator', instance: 'pod-1' };
  const events = new Events({ client, clock, log, ...who });
  return {
    fake,
    clock,
    log,
    events,
    all: () => fake.all(reportedEventKind) as readonly Record<string, unknown>[],
    async [Symbol.asyncDispose]() {
      client.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

function happening(message: string) {
  return { type: 'Warning', reason: 'PortsExhausted', message } as const;
}

describe('events', () => {
  test('tell what happened to which object', async () => {
    await using world = await setUp();
    await world.events.tell(gateway, happening('no port is left'));
    const [event] = world.all();
    assert.equal(event?.['note'], 'no port is left');
    assert.equal(event?.['reportingController'], 'cosftp.io/operator');
    assert.match(String(event?.['eventTime']), /^2026-01-01T00:00:00\.\d{6}Z$/);
    assert.deepEqual(event?.['regarding'], {
      apiVersion: 'cosftp.io/v1alpha1',
      kind: 'FtpGateway',
      name: 'demo',
      namespace: 'files',
      uid: 'u-1',
      resourceVersion: '7',
    });
  });

  test('count the same event instead of telling it again, at most once a minute', async () => {
    await using world = await setUp();
    for (let time = 0; time < 10; time++) await world.events.tell(gateway, happening('again'));
    assert.equal(world.fake.writes.length, 1);
    await world.clock.advance(60_000);
    await world.events.tell(gateway, happening('again'));
    assert.equal(world.fake.writes.length, 2);
    const [event, ...others] = world.all();
    const { count } = (event?.['series'] ?? {}) as { count?: number };
    assert.equal(count, 11);
    assert.deepEqual(others, []);
  });

  test('stop after a burst for one object, and go on for others', async () => {
    await using world = await setUp();
    for (let n = 0; n < 40; n++) await world.events.tell(gateway, happening(`number ${n}`));
    assert.equal(world.all().length, 25);
    const other = { ...gateway, metadata: { ...gateway.metadata, uid: 'u-2' } };
    await world.events.tell(other, happening('number 1'));
    assert.equal(world.all().length, 26);
    await world.clock.advance(300_000);
    await world.events.tell(gateway, happening('number 41'));
    await world.events.tell(gateway, happening('number 42'));
    assert.equal(world.all().length, 27);
  });

  test('are never worth a failure', async () => {
    await using world = await setUp();
    world.fake.fail({ answer: 403 });
    await world.events.tell(gateway, happening('refused'));
    assert.deepEqual(world.log.messages('warn'), ['event not recorded']);
  });

  for (const [bytes, kept] of [
    [1_023, 1_023],
    [1_024, 1_024],
    [1_025, 1_024],
  ] as const) {
    test(`keep a sentence of ${bytes} bytes to ${kept}`, async () => {
      await using world = await setUp();
      await world.events.tell(gateway, happening('x'.repeat(bytes)));
      assert.equal(Buffer.byteLength(String(world.all()[0]?.['note'])), kept);
    });
  }

  test('cut no letter in two', async () => {
    await using world = await setUp();
    await world.events.tell(gateway, happening('€'.repeat(400)));
    assert.match(String(world.all()[0]?.['note']), /^€+…$/);
  });
});
