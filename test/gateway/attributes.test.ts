/** What files carry besides their bytes, through everything FTP does with them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { loadWords, startTestGateway, type TestGateway } from '#test/support/gateway.ts';

/** As the bucket's other users left it. */
const foreign = {
  contentType: 'image/tiff',
  storageClass: 'STANDARD_IA',
  headers: {
    'content-disposition': 'attachment; filename="x.tif"',
    'cache-control': 'no-cache',
    'x-cos-meta-origin': 'scanner 7',
    'x-cos-server-side-encryption': 'AES256',
  },
};

function attributesIn(ftp: TestGateway, key: string) {
  const { attributes } = ftp.cosd.inspect.find(ftp.cosd.bucket, key) ?? assert.fail(`no ${key}`);
  return attributes;
}

async function withForeign(...keys: readonly string[]) {
  const ftp = await startTestGateway();
  for (const key of keys) {
    const bytes = Buffer.alloc(MiB + 1, 'x');
    await ftp.cosd.inspect.put(ftp.cosd.bucket, key, bytes, { attributes: foreign });
  }
  return ftp;
}

describe('the attributes of a file', () => {
  test('are kept by renaming it', async () => {
    await using ftp = await withForeign('a.tif');
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'RNFR a.tif');
    await client.expect(250, 'RNTO b.bin');
    assert.deepEqual(attributesIn(ftp, 'b.bin'), foreign);
  });

  test('are kept by renaming its directory', async () => {
    await using ftp = await withForeign('old/a.tif', 'old/sub/b.tif');
    await using client = await FtpClient.logIn(ftp.port);
    await client.expect(350, 'RNFR old');
    await client.expect(250, 'RNTO new');
    assert.deepEqual(attributesIn(ftp, 'new/a.tif'), foreign);
    assert.deepEqual(attributesIn(ftp, 'new/sub/b.tif'), foreign);
  });

  for (const [words, offset] of [
    ['with its head read', 10],
    ['with its head copied', MiB],
  ] as const) {
    test(`are kept by resuming it, ${words}`, async () => {
      await using ftp = await withForeign('a.tif');
      await using client = await FtpClient.logIn(ftp.port);
      await client.expect(350, `REST ${offset}`);
      assert.equal((await client.store('a.tif', Buffer.from('tail'))).code, 226);
      assert.deepEqual(attributesIn(ftp, 'a.tif'), foreign);
    });
  }

  test('are kept by appending to it, its time of last modification aside', async () => {
    await using ftp = await startTestGateway();
    const headers = { ...foreign.headers, 'x-cos-meta-mtime': '1700000000' };
    const attributes = { ...foreign, headers };
    await ftp.cosd.inspect.put(ftp.cosd.bucket, 'a.tif', 'begin', { attributes });
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.append('a.tif', Buffer.alloc(0))).code, 226);
    assert.deepEqual(attributesIn(ftp, 'a.tif'), attributes, 'nothing was appended');
    assert.equal((await client.append('a.tif', Buffer.from('end'))).code, 226);
    assert.deepEqual(attributesIn(ftp, 'a.tif'), foreign);
  });

  test('go with it when it is stored anew', async () => {
    await using ftp = await withForeign('a.bin');
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.store('a.bin', Buffer.from('new'))).code, 226);
    const contentType = 'application/octet-stream';
    assert.deepEqual(attributesIn(ftp, 'a.bin'), {
      contentType,
      storageClass: 'STANDARD',
      headers: {},
    });
  });
});

describe('a new file', () => {
  const words = {
    content_types: { edi: 'application/edifact' },
    storage_class: 'STANDARD_IA',
    server_side_encryption: 'cos/kms',
    kms_key_id: 'key-1',
    metadata: { origin: 'ftp', batch: '7' },
  };
  const account = { metadata: { batch: '', owner: 'alice' } };
  const headers = {
    'x-cos-meta-origin': 'ftp',
    'x-cos-meta-owner': 'alice',
    'x-cos-server-side-encryption': 'cos/kms',
    'x-cos-server-side-encryption-cos-kms-key-id': 'key-1',
  };
  const configured = { storageClass: 'STANDARD_IA', headers };

  test('is given what the configuration says, in one request and in parts', async () => {
    await using ftp = await startTestGateway({ words, account });
    await using client = await FtpClient.logIn(ftp.port);
    assert.equal((await client.store('a.edi', Buffer.from('UNB'))).code, 226);
    assert.equal((await client.store('b.pdf', Buffer.alloc(3 * MiB))).code, 226);
    assert.equal((await client.append('c.csv', Buffer.from('1;2'))).code, 226);
    assert.equal((await client.store('unknown', Buffer.alloc(0))).code, 226);
    for (const [key, contentType] of [
      ['a.edi', 'application/edifact'],
      ['b.pdf', 'application/pdf'],
      ['c.csv', 'text/csv'],
      ['unknown', 'application/octet-stream'],
    ] as const) {
      assert.deepEqual(attributesIn(ftp, key), { contentType, ...configured }, key);
    }
    assert.equal(ftp.cosd.requests()['CompleteMultipartUpload'], 1);
  });

  test('of STOU has the type of the name that was asked for', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    const data = await client.openData();
    await client.expect(150, 'STOU page.pdf');
    data.end('x');
    assert.equal((await client.reply()).code, 226);
    const [key = ''] = ftp.keys();
    assert.equal(attributesIn(ftp, key).contentType, 'application/pdf');
  });

  test('has what a reload says, in sessions that are there already', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    const next = loadWords({ ...ftp.words, ...words });
    ftp.gateway.reload(() => next.config, 'file');
    assert.equal((await client.store('a.edi', Buffer.from('UNB'))).code, 226);
    assert.equal(attributesIn(ftp, 'a.edi').contentType, 'application/edifact');
    assert.equal(attributesIn(ftp, 'a.edi').storageClass, 'STANDARD_IA');
  });

  test('of an archive class is warned of', async () => {
    await using ftp = await startTestGateway({ words: { storage_class: 'ARCHIVE' } });
    const warnings = ftp.lines.filter(({ level }) => level === 'warn');
    assert.match(JSON.stringify(warnings), /cannot be read, renamed or appended to/);
  });
});
