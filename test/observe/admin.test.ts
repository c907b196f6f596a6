import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { silentLog } from '#gateway/kit/log.ts';
import { type AdminOptions, startAdmin } from '#gateway/observe/admin.ts';
import { ObserveError } from '#gateway/observe/errors.ts';

const start = (options: Partial<AdminOptions> = {}) =>
  startAdmin({
    host: '127.0.0.1',
    port: 0,
    metrics: { contentType: 'text/plain; version=0.0.4', render: async () => 'a_metric 1\n' },
    checks: [],
    status: () => ({ sessions: 3 }),
    log: silentLog,
    ...options,
  });

const get = (port: number, path: string, init?: RequestInit) =>
  fetch(`http://127.0.0.1:${port}${path}`, init);

test('/metrics is the text of the registry with its content type', async () => {
  await using admin = await start();
  const response = await get(admin.port, '/metrics?unused=1');
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4');
  assert.equal(await response.text(), 'a_metric 1\n');
});

test('scrapes at the same time share one rendering', async () => {
  let renderings = 0;
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const render = async () => {
    renderings += 1;
    await gate;
    return 'text\n';
  };
  await using admin = await start({ metrics: { contentType: 'text/plain', render } });
  const scrapes = [1, 2, 3].map(() => get(admin.port, '/metrics'));
  await get(admin.port, '/livez');
  release();
  const texts = await Promise.all(scrapes.map(async (scrape) => (await scrape).text()));
  assert.deepEqual(texts, ['text\n', 'text\n', 'text\n']);
  assert.ok(renderings < 3, String(renderings));
});

test('/livez is ok whatever the checks say', async () => {
  await using admin = await start({ checks: [{ name: 'ports', problem: () => 'none bound' }] });
  assert.equal((await get(admin.port, '/livez')).status, 200);
});

test('/readyz names every check and is 503 while one has a problem', async () => {
  let problem: string | undefined = 'no port of 61000-61015 is bound';
  const checks = [
    { name: 'control', problem: () => undefined },
    { name: 'passive ports', problem: () => problem },
  ];
  await using admin = await start({ checks });
  const before = await get(admin.port, '/readyz');
  assert.equal(before.status, 503);
  assert.equal(
    await before.text(),
    '[+] control: ok\n[-] passive ports: no port of 61000-61015 is bound\nnot ready\n',
  );
  problem = undefined;
  const after = await get(admin.port, '/readyz');
  assert.equal(after.status, 200);
  assert.equal(await after.text(), '[+] control: ok\n[+] passive ports: ok\nready\n');
});

test('a check that throws is a check that fails', async () => {
  const problem = (): string | undefined => {
    throw new Error('broken');
  };
  await using admin = await start({ checks: [{ name: 'x', problem }] });
  const response = await get(admin.port, '/readyz');
  assert.equal(response.status, 503);
  assert.match(await response.text(), /\[-\] x: the check itself failed: broken/);
});

test('/statusz is JSON without secrets', async () => {
  const status = () => ({ sessions: 3, account: { user: 'alice', password: 'hush' }, crc: 5n });
  await using admin = await start({ status });
  const response = await get(admin.port, '/statusz');
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  assert.deepEqual(await response.json(), {
    sessions: 3,
    account: { user: 'alice', password: '[redacted]' },
    crc: '5',
  });
});

test('HEAD has the headers of GET and no body', async () => {
  await using admin = await start();
  const response = await get(admin.port, '/metrics', { method: 'HEAD' });
  assert.equal(response.headers.get('content-length'), '11');
  assert.equal(await response.text(), '');
});

test('another method is 405 and another path 404, which says what there is', async () => {
  await using admin = await start();
  const posted = await get(admin.port, '/metrics', { method: 'POST', body: 'x' });
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD']);
  const missing = await get(admin.port, '/');
  assert.equal(missing.status, 404);
  assert.match(await missing.text(), /\/metrics \/livez \/readyz \/statusz/);
});

test('a status that throws is 500 without its message', async () => {
  const status = (): Record<string, unknown> => {
    throw new Error('detail for the log');
  };
  await using admin = await start({ status });
  const response = await get(admin.port, '/statusz');
  assert.equal(response.status, 500);
  assert.ok(!(await response.text()).includes('detail'));
});

test('a taken port is an error of its own kind', async () => {
  await using admin = await start();
  await assert.rejects(start({ port: admin.port }), (error) => {
    assert.ok(error instanceof ObserveError);
    assert.equal(error.kind, 'port-taken');
    assert.match(error.message, /admin_port/);
    return true;
  });
});

test('an address of another machine is not bindable', async () => {
  await assert.rejects(start({ host: '192.0.2.1' }), { kind: 'not-bindable' });
});

test('all addresses include 127.0.0.1', async () => {
  await using admin = await start({ host: '::' });
  assert.equal((await get(admin.port, '/livez')).status, 200);
});

test('headers without end are refused instead of collected', async () => {
  await using admin = await start();
  const socket = connect(admin.port, '127.0.0.1');
  socket.on('error', () => undefined); // the server may reset what it does not want to read
  socket.write(`GET /livez HTTP/1.1\r\nX: ${'x'.repeat(100_000)}`);
  assert.match(await text(socket).catch(() => 'HTTP/1.1 431'), /^HTTP\/1\.1 431/);
});

test('close ends connections that are open and is idempotent', async () => {
  const admin = await start();
  const socket = connect(admin.port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  await new Promise<void>((resolve) => socket.on('connect', () => resolve()));
  await get(admin.port, '/livez');
  await admin.close();
  await closed;
  await admin.close();
  await assert.rejects(get(admin.port, '/livez'));
});
