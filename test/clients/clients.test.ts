/**
 * Real FTP clients against the gateway: bytes up and down, odd names, a large directory, and the acts on
 * files and directories. Run by `npm run test:clients`; a client that is not installed fails in CI and is
 * skipped by name elsewhere.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { crc64 } from '#gateway/kit/crc64.ts';
import { startTestGateway } from '#test/support/gateway.ts';
import { seededRandom } from '#test/support/random.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';
import { basicFtpDriver } from './basic-ftp.ts';
import type { ClientLogin, FtpClientDriver } from './client.ts';
import { curlDriver } from './curl.ts';
import { ftplibDriver } from './ftplib.ts';

const drivers = [curlDriver, ftplibDriver, basicFtpDriver] as const;
const MiB = 1024 * 1024;
const sizes = [0, 1, 1024, MiB, 20 * MiB, 300 * MiB] as const;

const oddNames = [
  'résumé 履歴書.txt',
  'with several  spaces.txt',
  `it's "quoted".txt`,
  '-leading-dash.txt',
  '100% & more #1;a=b+c.txt',
  'brackets[1]{2}.txt',
] as const;

for (const create of drivers) {
  const probe = create({ host: '', port: 0, user: '', password: '' });
  const isInstalled = await probe.isInstalled();
  if (!isInstalled && process.env['CI']) {
    test(probe.name, () => assert.fail(`${probe.name} is not installed`));
    continue;
  }
  const skip = isInstalled ? false : `${probe.name} is not installed`;
  describe(probe.name, { skip }, () => {
    describeClient(create);
  });
}

function describeClient(create: (login: ClientLogin) => FtpClientDriver): void {
  for (const size of sizes) {
    test(`${size} bytes up and down are the same bytes, with the same CRC-64 in COS`, async () => {
      await using ftp = await startTestGateway({ words: { upload_memory: '256Mi' } });
      await using directory = await temporaryDirectory();
      const client = create(loginTo(ftp.port));
      const sent = Buffer.from(seededRandom(size + 1).bytes(size));
      const up = join(directory.path, 'up');
      const down = join(directory.path, 'down');
      await writeFile(up, sent);

      await client.put(up, '/file.bin');
      const stored = ftp.cosd.inspect.find(ftp.cosd.bucket, 'file.bin');
      assert.equal(stored?.crc64, crc64(sent));
      assert.equal(stored?.sizeBytes, size);
      assert.equal(ftp.openUploads(), 0);

      await client.get('/file.bin', down);
      assert.ok((await readFile(down)).equals(sent), 'the bytes that came back are the same');
    });
  }

  for (const name of oddNames) {
    test(`a file named ${name}`, async () => {
      await using ftp = await startTestGateway();
      await using directory = await temporaryDirectory();
      const client = create(loginTo(ftp.port));
      const up = join(directory.path, 'up');
      const down = join(directory.path, 'down');
      await writeFile(up, name);

      await client.put(up, `/${name}`);
      assert.deepEqual(ftp.keys(), [name], 'the key is the name');
      assert.ok((await client.list('/')).includes(name), 'it is listed');
      await client.get(`/${name}`, down);
      assert.equal(await readFile(down, 'utf8'), name);
      await client.rename(`/${name}`, `/renamed ${name}`);
      assert.deepEqual(ftp.keys(), [`renamed ${name}`]);
      await client.delete(`/renamed ${name}`);
      assert.deepEqual(ftp.keys(), []);
    });
  }

  test('a directory of 3,000 files is listed whole', async () => {
    await using ftp = await startTestGateway();
    const names = Array.from({ length: 3000 }, (_, index) => `file ${index}.dat`);
    ftp.cosd.inspect.fill(
      ftp.cosd.bucket,
      names.map((name) => `many/${name}`),
      'x',
    );
    const listed = await create(loginTo(ftp.port)).list('/many');
    assert.deepEqual(new Set(listed.map(baseName)), new Set(names));
    assert.equal(listed.length, 3000);
  });

  test('mkdir, a file inside, rmdir refused while it is there, then both gone', async () => {
    await using ftp = await startTestGateway();
    await using directory = await temporaryDirectory();
    const client = create(loginTo(ftp.port));
    const up = join(directory.path, 'up');
    await writeFile(up, 'x');

    await client.makeDirectory('/new dir');
    assert.ok((await client.list('/')).includes('new dir'));
    await client.put(up, '/new dir/file');
    assert.deepEqual((await client.list('/new dir')).map(baseName), ['file']);
    await assert.rejects(client.removeDirectory('/new dir'));
    await client.delete('/new dir/file');
    await client.removeDirectory('/new dir');
    assert.deepEqual(ftp.keys(), []);
  });

  test('what is missing or refused is a failure to the client', async () => {
    await using ftp = await startTestGateway();
    await using directory = await temporaryDirectory();
    const client = create(loginTo(ftp.port));
    const up = join(directory.path, 'up');
    await writeFile(up, 'x');
    await assert.rejects(client.get('/missing', join(directory.path, 'down')));
    await assert.rejects(client.delete('/missing'));
    await assert.rejects(client.rename('/missing', '/other'));
    await assert.rejects(client.put(up, '/.cosftp/x'));
  });
}

function loginTo(port: number): ClientLogin {
  return { host: '127.0.0.1', port, user: 'alice', password: 'secret' };
}

/** Some clients show names with the directory in front, as NLST gave them. */
function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
