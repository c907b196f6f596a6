/** Deadlines, abort and connections: nothing waits for ever and nothing is left behind. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { describe, it } from 'node:test';
import type { FaultPoint } from '#gateway/cosd/fault-script.ts';
import type { Operation } from '#gateway/cosd/operation.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';
import { type CosStoreOptions, createCosStore } from '#gateway/storage/cos/store.ts';
import { staticCredentials } from '#gateway/storage/credentials/static.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import { rejectsWith } from '../../contract/object-store.ts';
import { until } from '../../support/condition.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { type RawServer, startRawServer } from '../../support/storage-raw-server.ts';
import { openTestStore } from '../../support/storage-store.ts';

function storeAt(server: RawServer, options: Partial<CosStoreOptions> = {}) {
  return createCosStore({
    bucket: 'inbox-1250000000',
    region: '',
    endpoint: server.endpoint,
    protocol: 'http',
    credentials: staticCredentials({ secretId: 'id', secretKey: 'key' }),
    clock: systemClock,
    log: silentLog,
    retryPolicy: { attemptsMax: 1 },
    ...options,
  });
}

/** Reads what comes, or the server would not notice that the client is gone. */
const silence: RequestListener = (request) => void request.resume();

const body = randomBytes(4 * 1024 * 1024);
const calls: Readonly<
  Record<string, (store: ObjectStore, signal?: AbortSignal) => Promise<unknown>>
> = {
  head: (store, signal) => store.head('a', signal && { signal }),
  put: (store, signal) => store.put('a', body, signal && { signal }),
  read: (store, signal) => store.read('a', 0, Buffer.alloc(10), signal && { signal }),
  list: (store, signal) => store.list({ prefix: '', ...(signal && { signal }) }),
  complete: (store, signal) =>
    store.completeMultipart({ key: 'a', uploadId: 'u' }, [], signal && { signal }),
};

describe('a store that never answers', () => {
  for (const [name, call] of Object.entries(calls)) {
    it(`lets ${name} fail with timeout at its deadline and keeps no connection`, async () => {
      await using server = await startRawServer(silence);
      const timeouts = { callMs: 50, patientMs: 50, bytesPerSecondMin: 2 ** 30 };
      const store = storeAt(server, { timeouts });
      await rejectsWith('timeout', call(store));
      await until('the connection is gone', () => server.openConnections === 0);
      store.close();
    });

    it(`lets ${name} be aborted at once and keeps no connection`, async () => {
      await using server = await startRawServer(silence);
      const store = storeAt(server);
      const gone = new AbortController();
      const failed = rejectsWith('aborted', call(store, gone.signal));
      await until('the request is under way', () => server.requests.length === 1);
      gone.abort(new Error('the client left'));
      await failed;
      await until('the connection is gone', () => server.openConnections === 0);
      store.close();
    });
  }

  it('is told by silence before the deadline of a long transfer', async () => {
    await using server = await startRawServer(silence);
    const store = storeAt(server, { timeouts: { idleMs: 50 } });
    await rejectsWith('timeout', store.put('a', body));
    await until('the connection is gone', () => server.openConnections === 0);
    store.close();
  });

  it('gives a body the time a slow connection takes', async () => {
    await using server = await startRawServer(silence);
    const clock = fakeClock(Date.now());
    const timeouts = { callMs: 1000, bytesPerSecondMin: 1024 * 1024 };
    const store = storeAt(server, { clock, timeouts });
    const failed = rejectsWith('timeout', store.put('a', body));
    await until('the request is under way', () => server.requests.length === 1);
    await clock.advance(4_999);
    assert.equal(clock.pendingTimers, 1);
    await clock.advance(1);
    await failed;
    store.close();
  });
});

describe('an abort', () => {
  for (const [operation, at, bodies = 'direct'] of [
    ['PutObject', 'upload'],
    ['PutObject', 'reply'],
    ['PutObject', 'upload', 'sdk'],
    ['GetObject', 'download'],
    ['GetObject', 'download', 'sdk'],
  ] as const satisfies readonly (readonly [Operation, FaultPoint, 'sdk'?])[]) {
    it(`while ${operation} hangs in its ${at} is prompt (${bodies})`, async () => {
      const act = { do: 'hang', at, afterBytes: 100_000 } as const;
      const faults = [{ operation, act, times: 'always' }] as const;
      // Of a clock that stands still: no deadline ends the call.
      const clock = fakeClock(Date.now());
      await using test = await openTestStore(faults, { bodies, clock });
      await test.cosd.inspect.put(test.cosd.bucket, 'a', body);
      const gone = new AbortController();
      const target = Buffer.alloc(body.length, 0xee);
      const { signal } = gone;
      const call =
        operation === 'PutObject'
          ? test.store.put('a', body, { signal })
          : test.store.read('a', 0, target, { signal });
      const failed = rejectsWith('aborted', call);
      await until('it hangs', () => test.cosd.faults.report()[0]?.applied === 1);
      gone.abort();
      await failed;
      const filled = target.lastIndexOf(0x00);
      await test.store.head('a');
      assert.equal(target.lastIndexOf(0x00), filled, 'the target is left alone afterwards');
    });
  }

  it('ends the pause before a repetition', async () => {
    const act = { do: 'reset', at: 'request' } as const;
    await using test = await openTestStore([{ operation: 'HeadObject', act, times: 'always' }], {
      retryPolicy: {
        attemptsMax: 10,
        firstDelayMs: 60_000,
        delayMsMax: 60_000,
        deadlineMs: 600_000,
      },
      random: () => 0.99,
    });
    const gone = new AbortController();
    const failed = rejectsWith('aborted', test.store.head('a', { signal: gone.signal }));
    await until('the first attempt failed', () => test.samples.length === 1);
    gone.abort();
    await failed;
  });

  it('leaves no listener on a signal that lives on', async () => {
    await using test = await openTestStore();
    const { signal } = new AbortController();
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.message);
    process.on('warning', onWarning);
    for (let i = 0; i < 30; i++) await test.store.put('a', Buffer.from('x'), { signal });
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });
});

describe('connections', () => {
  it('are kept, shared and bounded', async () => {
    let atOnce = 0;
    let atOnceMax = 0;
    await using server = await startRawServer((request, reply) => {
      atOnceMax = Math.max(atOnceMax, ++atOnce);
      request.resume();
      request.on('end', () =>
        setTimeout(() => {
          atOnce--;
          reply.writeHead(200, { etag: '"e"', 'content-length': '0' });
          reply.end();
        }, 2),
      );
    });
    const store = storeAt(server, { connectionsMax: 4 });
    await Promise.all(Array.from({ length: 64 }, () => store.put('a', Buffer.from('x'))));
    await Promise.all(Array.from({ length: 64 }, () => store.head('a')));
    assert.equal(server.connectionsEver, 4);
    assert.equal(atOnceMax, 4);
    store.close();
    await until('close ends them', () => server.openConnections === 0);
  });

  it('fail what is under way when the store is closed', async () => {
    await using server = await startRawServer(silence);
    const store = storeAt(server);
    const failed = rejectsWith('network', store.put('a', body));
    await until('the request is under way', () => server.requests.length === 1);
    store.close();
    await failed;
  });

  it('go to an IPv6 address with a port', async (context) => {
    const server = await startRawServer((request, reply) => {
      request.resume();
      reply.writeHead(200, { etag: '"e"', 'x-host': request.headers.host ?? '' });
      reply.end();
    }, '::1').catch(() => undefined);
    if (!server) {
      context.skip('no IPv6 here');
      return;
    }
    const store = storeAt(server);
    assert.equal((await store.put('a', Buffer.from('x'))).etag, '"e"');
    store.close();
    await server[Symbol.asyncDispose]();
  });

  it('do not follow the proxy variables of the environment', async () => {
    await using proxy = await startRawServer((_request, reply) => reply.end('proxied'));
    const before = { ...process.env };
    const proxied = `http://${proxy.endpoint}`;
    Object.assign(process.env, {
      HTTP_PROXY: proxied,
      http_proxy: proxied,
      NO_PROXY: '',
      no_proxy: '',
    });
    try {
      await using test = await openTestStore();
      await test.store.put('a', Buffer.from('x'));
      assert.equal(proxy.requests.length, 0);
    } finally {
      process.env = before;
    }
  });

  it('are announced once, with the host that is signed for', async () => {
    const lines: unknown[] = [];
    const log: Log = { ...silentLog, info: (fields, message) => lines.push([message, fields]) };
    await using test = await openTestStore([], { log });
    const { bucket, region, endpoint } = test.cosd;
    const host = `${bucket}.cos.${region}.myqcloud.com`;
    assert.deepEqual(lines, [['store endpoint', { host, protocol: 'http', connect_to: endpoint }]]);
  });
});
