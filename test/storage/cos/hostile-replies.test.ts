/** No reply, however broken, may end the process, hang a call or pass for success. */
import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#gateway/kit/clock.ts';
import { silentLog } from '#gateway/kit/log.ts';
import { type ClosableStore, createCosStore } from '#gateway/storage/cos/store.ts';
import { staticCredentials } from '#gateway/storage/credentials/static.ts';
import { StoreError } from '#gateway/storage/object-store.ts';
import { type RawServer, startRawServer } from '../../support/storage-raw-server.ts';

/** Bodies that made the SDK's own parser throw inside a stream handler, and their like. */
const brokenBodies: readonly string[] = [
  'OK',
  '<a',
  '<',
  '<>',
  '</a>',
  '<!-- open comment',
  '<?xml version="1.0"',
  '<![CDATA[ open',
  '<a b="c>',
  '<a></b>',
  '<Error>',
  '<Error></Error>',
  '<Error><Code></Code></Error>',
  '<Error><Code>Broken',
  '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
  '{"a":',
  '[1]',
  'null',
  '\u0000\u0001',
  '',
];

type Bodies = 'direct' | 'sdk';

function openStore(server: RawServer, bodies: Bodies = 'direct'): ClosableStore {
  return createCosStore({
    bucket: 'inbox-1250000000',
    region: '',
    endpoint: server.endpoint,
    protocol: 'http',
    credentials: staticCredentials({ secretId: 'id', secretKey: 'key' }),
    clock: systemClock,
    log: silentLog,
    bodies,
    retryPolicy: { attemptsMax: 1 },
  });
}

const calls = {
  head: (store) => store.head('a'),
  read: (store) => store.read('a', 0, Buffer.alloc(10)),
  put: (store) => store.put('a', Buffer.from('x')),
  copy: (store) => store.copy('a', 'b'),
  list: (store) => store.list({ prefix: '' }),
  createMultipart: (store) => store.createMultipart('a'),
  uploadPart: (store) => store.uploadPart({ key: 'a', uploadId: 'u' }, 1, Buffer.from('x')),
  completeMultipart: (store) =>
    store.completeMultipart({ key: 'a', uploadId: 'u' }, [{ number: 1, etag: '"e"' }]),
  copyPart: (store) =>
    store.copyPart({ key: 'a', uploadId: 'u' }, 1, {
      sourceKey: 'b',
      offsetBytes: 0,
      lengthBytes: 1,
    }),
} satisfies Record<string, (store: ClosableStore) => Promise<unknown>>;

/** Those that go the one way or the other. */
const bodyCalls = { read: calls.read, put: calls.put, uploadPart: calls.uploadPart };

for (const [bodies, framing] of [
  ['direct', 'length'],
  ['direct', 'chunks'],
  ['sdk', 'chunks'],
] as const) {
  describe(`a broken reply in ${framing}, bodies by ${bodies},`, () => {
    let status = 200;
    let body = '';
    let server: RawServer;
    let store: ClosableStore;
    before(async () => {
      server = await startRawServer((request, reply) => {
        request.resume();
        const length = framing === 'length' && { 'content-length': Buffer.byteLength(body) };
        reply.writeHead(status, { 'content-type': 'application/xml', ...length });
        reply.end(body);
      });
      store = openStore(server, bodies);
    });
    after(async () => {
      store.close();
      await server[Symbol.asyncDispose]();
    });

    const others = bodies === 'direct' && framing === 'chunks' ? calls : bodyCalls;
    for (const [name, call] of Object.entries(others)) {
      for (status of [200, 206, 204, 301, 403, 404, 502]) {
        const answered = status;
        it(`with status ${answered} makes ${name} fail with a StoreError`, async () => {
          status = answered;
          for (body of answered === 204 ? [''] : brokenBodies) {
            const error = await call(store).then(
              () => assert.fail(`resolved with ${JSON.stringify(body)}`),
              (caught: unknown) => caught,
            );
            assert.ok(error instanceof StoreError, String(error));
            const expected = { 301: 'rejected', 403: 'denied', 404: 'missing', 502: 'unavailable' };
            const kind = (expected as Record<number, string>)[answered] ?? 'unavailable';
            if (name === 'list' && answered === 404) assert.equal(error.kind, 'bucket-missing');
            else assert.equal(error.kind, kind, JSON.stringify(body));
          }
        });
      }
    }
  });
}

describe('a connection that breaks', () => {
  async function outcomeOf(
    answer: RequestListener,
    call: (store: ClosableStore) => Promise<unknown> = calls.list,
    bodies: Bodies = 'direct',
  ): Promise<string> {
    await using server = await startRawServer(answer);
    const store = openStore(server, bodies);
    try {
      const error = await call(store).catch((caught: unknown) => caught);
      return error instanceof StoreError ? error.kind : `resolved ${JSON.stringify(error)}`;
    } finally {
      store.close();
    }
  }
  const cut = (head: string) => (request: IncomingMessage, reply: ServerResponse) => {
    request.socket.write(head);
    setImmediate(() => reply.destroy());
  };

  for (const [where, head] of [
    ['before the reply', ''],
    ['inside the status line', 'HTTP/1.1 2'],
    ['inside the headers', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['before the body', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'],
    ['inside the body', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<ListBucketResult>'],
    ['inside a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<Lis'],
    ['inside an error', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n<Error>'],
    ['in something that is no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
  ] as const) {
    it(`${where} is a network failure`, async () => {
      assert.equal(await outcomeOf(cut(head)), 'network');
      // A 200 is no answer to a ranged GET, whatever follows it.
      const kind = /200 OK[^]*\r\n\r\n/.test(head) ? 'unavailable' : 'network';
      assert.equal(await outcomeOf(cut(head), calls.read), kind);
      assert.equal(await outcomeOf(cut(head), calls.read, 'sdk'), kind);
    });
  }

  it('inside an object is a network failure', async () => {
    const head =
      'HTTP/1.1 206 Partial\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/10\r\nETag: "e"\r\n\r\n123';
    assert.equal(await outcomeOf(cut(head), calls.read), 'network');
    assert.equal(await outcomeOf(cut(head), calls.read, 'sdk'), 'network');
  });
});

for (const [bodies, framing] of [
  ['direct', 'length'],
  ['direct', 'chunks'],
  ['sdk', 'length'],
] as const) {
  const lengthOf = (text: string) =>
    framing === 'length' ? { 'content-length': text.length } : {};

  describe(`a range that is not the one asked for, in ${framing} bodies by ${bodies},`, () => {
    for (const [what, headers] of [
      ['no range', { etag: '"e"' }],
      ['no ETag', { 'content-range': 'bytes 0-9/10' }],
      ['another start', { etag: '"e"', 'content-range': 'bytes 1-10/11' }],
      ['more than asked', { etag: '"e"', 'content-range': 'bytes 0-10/11' }],
      ['an unknown size', { etag: '"e"', 'content-range': 'bytes 0-9/*' }],
      ['nonsense', { etag: '"e"', 'content-range': 'bytes 9-0/10' }],
    ] as const) {
      it(`(${what}) is refused before a byte of it is used`, async () => {
        await using server = await startRawServer((_request, reply) => {
          reply.writeHead(206, { ...headers, ...lengthOf('0123456789') });
          reply.end('0123456789');
        });
        const store = openStore(server, bodies);
        const target = Buffer.alloc(10, 0xee);
        const error = await store.read('a', 0, target).catch((caught: unknown) => caught);
        store.close();
        assert.ok(error instanceof StoreError && error.kind === 'unavailable', String(error));
        assert.ok(target.every((byte) => byte === 0xee));
      });
    }

    it('(a body longer than its range) never passes the end of the target', async () => {
      await using server = await startRawServer((_request, reply) => {
        reply.writeHead(206, {
          etag: '"e"',
          'content-range': 'bytes 0-4/5',
          ...lengthOf('0123456789'),
        });
        reply.end('0123456789');
      });
      const store = openStore(server, bodies);
      const memory = Buffer.alloc(10, 0xee);
      const read = store.read('a', 0, memory.subarray(0, 5));
      await assert.rejects(read, (error) => error instanceof StoreError);
      store.close();
      assert.ok(memory.subarray(5).every((byte) => byte === 0xee));
    });
  });
}
