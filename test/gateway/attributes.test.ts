/** What files carry besides their bytes, through everything FTP does with them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '#gateway/kit/bytes.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';

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
