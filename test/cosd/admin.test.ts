/** Changing the fault script of a running server from outside. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import test from 'node:test';
import { fieldOf, startTestCosd, testBucket } from '#test/support/cosd.ts';

test('the script is set, reported and cleared over loopback', async () => {
  await using cosd = await startTestCosd({ adminPort: 0 });
  const admin = cosd.adminUrl ?? '';
  const script =
    '[{"operation": "PutObject", "act": {"do": "error", "status": 503, "code": "SlowDown"}}]';
  const set = await fetch(`${admin}/faults`, { method: 'PUT', body: script });
  assert.equal(set.status, 200);
  const refused = await cosd.fetch({ method: 'PUT', key: 'k', body: 'x' });
  assert.equal(fieldOf(refused, 'Code'), 'SlowDown');
  const [report] = (await (await fetch(`${admin}/faults`)).json()) as {
    matched: number;
    applied: number;
  }[];
  assert.deepEqual([report?.matched, report?.applied], [1, 1]);
  await fetch(`${admin}/faults`, { method: 'DELETE' });
  assert.deepEqual(await (await fetch(`${admin}/faults`)).json(), []);
});

test('a bad script changes nothing and says why', async () => {
  await using cosd = await startTestCosd({ adminPort: 0, faults: [{ act: { do: 'wrong-crc' } }] });
  const reply = await fetch(`${cosd.adminUrl}/faults`, {
    method: 'PUT',
    body: '[{"act": {"do": "x"}}]',
  });
  assert.equal(reply.status, 400);
  assert.match(
    ((await reply.json()) as { error: string }).error,
    /rule 1: act\.do must be one of delay, /,
  );
  assert.equal(cosd.faults.report().length, 1);
});

test('requests are counted by operation, and the last ones told with their keys', async () => {
  await using cosd = await startTestCosd({ adminPort: 0 });
  await cosd.fetch({ method: 'PUT', key: 'k', body: 'x' });
  await cosd.fetch({ method: 'GET', key: 'missing' });
  const told = (await (await fetch(`${cosd.adminUrl}/requests`)).json()) as {
    counts: Record<string, number>;
    last: { operation: string; bucket: string; key: string; status: number }[];
  };
  assert.deepEqual(
    [told.counts['PutObject'], told.counts['GetObject'], told.counts['HeadObject']],
    [1, 1, 0],
  );
  assert.deepEqual(
    told.last.map(({ operation, bucket, key, status }) => [operation, bucket, key, status]),
    [
      ['PutObject', testBucket, 'k', 200],
      ['GetObject', testBucket, 'missing', 404],
    ],
  );
  cosd.forgetRequests();
  assert.equal(cosd.requests().PutObject, 0);
});

test('the COS port has no such door, and the door is not opened unasked', async () => {
  await using cosd = await startTestCosd();
  assert.equal(cosd.adminUrl, undefined);
  const reply = await fetch(`${cosd.url}/faults`, { method: 'PUT', body: '[]' });
  assert.equal(reply.status, 400);
});

test('a page that reaches loopback under another name is sent away', async () => {
  await using cosd = await startTestCosd({ adminPort: 0 });
  const status = await new Promise((resolve) => {
    const asked = request(`${cosd.adminUrl}/requests`, { headers: { host: 'evil.example' } });
    asked.on('response', (reply) => resolve(reply.resume().statusCode)).end();
  });
  assert.equal(status, 403);
  const elsewhere = await fetch(`${cosd.adminUrl}/`, { method: 'POST' });
  assert.equal(elsewhere.status, 404);
});
