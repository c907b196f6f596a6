/** GET Bucket: order, grouping, pages, encoding, and half a million keys. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { KeyIndex } from '#gateway/cosd/key-index.ts';
import { listPage } from '#gateway/cosd/listing.ts';
import { startTestCosd, type TestCosd, testBucket } from '#test/support/cosd.ts';
import { seededRandom } from '#test/support/random.ts';

interface Page {
  readonly keys: readonly string[];
  readonly groups: readonly string[];
  readonly nextMarker: string | undefined;
  readonly text: string;
}

async function list(cosd: TestCosd, query: Record<string, string> = {}): Promise<Page> {
  const reply = await cosd.fetch({ method: 'GET', query });
  assert.equal(reply.status, 200, reply.text);
  const all = (pattern: RegExp) => [...reply.text.matchAll(pattern)].map((match) => match[1] ?? '');
  const isTruncated = reply.text.includes('<IsTruncated>true<');
  const [nextMarker] = all(/<NextMarker>(.*?)<\/NextMarker>/g);
  assert.equal(nextMarker !== undefined, isTruncated);
  return {
    keys: all(/<Key>(.*?)<\/Key>/g),
    groups: all(/<CommonPrefixes><Prefix>(.*?)<\/Prefix>/g),
    nextMarker,
    text: reply.text,
  };
}

async function startWith(...keys: readonly string[]): Promise<TestCosd> {
  const cosd = await startTestCosd();
  cosd.inspect.fill(testBucket, keys, 'body');
  return cosd;
}

test('keys come in the order of their UTF-8 bytes', async () => {
  const inOrder = [
    'A',
    'a',
    'a!',
    'a/',
    'aa',
    'é',
    '\ud7ff',
    '\ue000',
    '\ufffd',
    '\u{10000}',
    '\u{1f600}',
  ];
  await using cosd = await startWith(...inOrder.toReversed());
  assert.deepEqual((await list(cosd)).keys, inOrder);
  assert.deepEqual((await list(cosd, { marker: '\ufffd' })).keys, ['\u{10000}', '\u{1f600}']);
});

test('an entry has everything a client reads of it', async () => {
  await using cosd = await startTestCosd();
  const modifiedAtMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  await cosd.inspect.put(testBucket, 'k', 'hello', { modifiedAtMs });
  const { text } = await list(cosd);
  const entry =
    '<Contents><Key>k</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>' +
    '<ETag>"5d41402abc4b2a76b9719d911017c592"</ETag><Size>5</Size>' +
    '<Owner><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Owner>' +
    '<StorageClass>STANDARD</StorageClass></Contents>';
  assert.ok(text.includes(entry), text);
});

test('a prefix limits, a delimiter groups behind the prefix only', async () => {
  await using cosd = await startWith('a/', 'a/b/1', 'a/b/2', 'a/c', 'a-1', 'b');
  const root = await list(cosd, { delimiter: '/' });
  assert.deepEqual([root.keys, root.groups], [['a-1', 'b'], ['a/']]);
  const inside = await list(cosd, { prefix: 'a/', delimiter: '/' });
  assert.deepEqual([inside.keys, inside.groups], [['a/', 'a/c'], ['a/b/']]);
  const word = await list(cosd, { delimiter: '/b/' });
  assert.deepEqual([word.keys, word.groups], [['a-1', 'a/', 'a/c', 'b'], ['a/b/']]);
  assert.deepEqual((await list(cosd, { prefix: 'x' })).keys, []);
});

test('max-keys counts keys and groups together: one less, exact, one more', async () => {
  await using cosd = await startWith('a/1', 'a/2', 'b', 'c/1', 'd');
  const page = (maxKeys: number) => list(cosd, { delimiter: '/', 'max-keys': String(maxKeys) });
  const three = await page(3);
  assert.deepEqual([three.keys, three.groups, three.nextMarker], [['b'], ['a/', 'c/'], 'c/']);
  const four = await page(4);
  assert.deepEqual(
    [four.keys, four.groups, four.nextMarker],
    [['b', 'd'], ['a/', 'c/'], undefined],
  );
  assert.deepEqual((await page(5)).nextMarker, undefined);
  assert.deepEqual((await page(0)).keys, []);
  for (const bad of ['-1', 'x', '1.5']) {
    const reply = await cosd.fetch({ method: 'GET', query: { 'max-keys': bad } });
    assert.match(reply.text, /<Code>InvalidArgument</);
  }
});

test('999, 1000 and 1001 keys: a page holds 1000 at most, whatever is asked', async () => {
  const keys = Array.from({ length: 1001 }, (_, at) => String(at).padStart(5, '0'));
  for (const count of [999, 1000, 1001]) {
    await using cosd = await startWith(...keys.slice(0, count));
    for (const query of [{}, { 'max-keys': '5000' }]) {
      const first = await list(cosd, query);
      assert.equal(first.keys.length, Math.min(count, 1000));
      assert.equal(first.nextMarker, count > 1000 ? '00999' : undefined);
    }
  }
});

test('a marker is exclusive, also one that is a group and one inside a group', async () => {
  await using cosd = await startWith('a/1', 'a/2', 'b');
  const after = async (marker: string) => {
    const { keys, groups } = await list(cosd, { marker, delimiter: '/' });
    return [...groups, ...keys];
  };
  assert.deepEqual(await after('a'), ['a/', 'b']);
  assert.deepEqual(await after('a/'), ['b']);
  assert.deepEqual(await after('a/1'), ['a/', 'b']);
  assert.deepEqual(await after('a/2'), ['b']);
  assert.deepEqual((await list(cosd, { marker: 'a/1' })).keys, ['a/2', 'b']);
});

test('encoding-type=url encodes every name in the reply, and control characters survive only so', async () => {
  const key = 'p ü/&<>"\u0001\r\n+%';
  await using cosd = await startWith(key, `${key}/x`);
  const query = {
    'encoding-type': 'url',
    prefix: 'p ü/',
    delimiter: '/',
    'max-keys': '1',
    marker: 'p ',
  };
  const { text, keys, nextMarker } = await list(cosd, query);
  assert.deepEqual(keys.map(decodeURIComponent), [key]);
  assert.equal(decodeURIComponent(nextMarker ?? ''), key);
  for (const part of [
    '<Prefix>p%20%C3%BC/<',
    '<Marker>p%20<',
    '<Delimiter>/<',
    '<EncodingType>url<',
  ]) {
    assert.ok(text.includes(part), part);
  }
  const plain = await list(cosd);
  assert.equal(plain.keys[0], 'p ü/&amp;&lt;&gt;"&#x1;&#xD;&#xA;+%');
  const wrong = await cosd.fetch({ method: 'GET', query: { 'encoding-type': 'base64' } });
  assert.match(wrong.text, /<Code>InvalidArgument</);
});

test('500,000 keys are filled in seconds of CPU and every page is found at once', async () => {
  await using cosd = await startTestCosd();
  const before = process.cpuUsage();
  const keys = function* () {
    for (let at = 0; at < 500_000; at++) yield `big/${String(at % 1000).padStart(3, '0')}/${at}`;
  };
  cosd.inspect.fill(testBucket, keys(), 'x');
  const folders = await list(cosd, { prefix: 'big/', delimiter: '/' });
  assert.equal(folders.groups.length, 1000);
  const last = await list(cosd, { marker: 'big/999/499', 'max-keys': '2' });
  assert.deepEqual(last.keys, ['big/999/4999', 'big/999/49999']);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 20_000_000, `${user + system} us`);
});

test('pages of any size put together are the whole listing, in 300 random buckets', () => {
  const random = seededRandom(99);
  const letters = ['a', 'b', '/', '\ufffd', '\u{10000}'];
  for (let round = 0; round < 300; round++) {
    const index = new KeyIndex<true>();
    for (let count = random.between(0, 40); count > 0; count--) {
      const length = random.between(1, 6);
      index.set(Array.from({ length }, () => letters[random.between(0, 4)]).join(''), true);
    }
    const asked = {
      prefix: random.next() < 0.5 ? '' : 'a',
      delimiter: random.next() < 0.3 ? '' : '/',
    };
    const whole = listPage(index, { ...asked, marker: '', entriesMax: 1000 });
    const keys: string[] = [];
    const groups: string[] = [];
    let marker: string | undefined = '';
    while (marker !== undefined) {
      const query = { ...asked, marker, entriesMax: random.between(1, 4) };
      const page: ReturnType<typeof listPage<true>> = listPage(index, query);
      keys.push(...page.entries.map(([key]) => key));
      groups.push(...page.groups);
      marker = page.nextMarker;
    }
    assert.deepEqual(
      keys,
      whole.entries.map(([key]) => key),
      `round ${round}`,
    );
    assert.deepEqual(groups, whole.groups, `round ${round}`);
  }
});
