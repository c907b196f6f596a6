import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLog } from '#gateway/kit/log.ts';
import { environmentCredentials } from '#gateway/storage/credentials/environment.ts';
import { staticCredentials } from '#gateway/storage/credentials/static.ts';
import {
  fileCredentials,
  refusedRereadMs,
  rereadMs,
} from '#gateway/storage/credentials/static-files.ts';
import { rejectsWith } from '../../contract/object-store.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

describe('a key in the configuration', () => {
  it('is given as it stands there', async () => {
    const key = { secretId: 'id', secretKey: 'key' };
    assert.deepEqual(await staticCredentials(key).get(), key);
    assert.deepEqual(await staticCredentials({ ...key, token: 't' }).get(), { ...key, token: 't' });
  });
});

describe('a key in the environment', () => {
  it('has the names of the cloud tools', async () => {
    const env = { TENCENTCLOUD_SECRET_ID: 'id', TENCENTCLOUD_SECRET_KEY: 'key' };
    const key = { secretId: 'id', secretKey: 'key' };
    assert.deepEqual(await environmentCredentials(env).get(), key);
    const temporary = environmentCredentials({ ...env, TENCENTCLOUD_TOKEN: 'token' });
    assert.deepEqual(await temporary.get(), { ...key, token: 'token' });
  });

  it('may be missing until it is used', async () => {
    for (const env of [{}, { TENCENTCLOUD_SECRET_ID: 'id' }, { TENCENTCLOUD_SECRET_KEY: 'key' }]) {
      await rejectsWith('credentials', environmentCredentials(env).get());
    }
  });
});

describe('a key in files', () => {
  async function inFiles(directory: string) {
    const clock = fakeClock();
    const [secretIdFile, secretKeyFile] = [join(directory, 'id'), join(directory, 'key')];
    const source = fileCredentials({ secretIdFile, secretKeyFile, clock, log: silentLog });
    const write = async (id: string, key: string) => {
      await writeFile(secretIdFile, id);
      await writeFile(secretKeyFile, key);
    };
    return { clock, source, write, secretIdFile };
  }

  it('is read without the line end editors add', async () => {
    await using directory = await temporaryDirectory();
    const { source, write } = await inFiles(directory.path);
    await write('id\n', ' key\r\n');
    assert.deepEqual(await source.get(), { secretId: 'id', secretKey: 'key' });
  });

  it('is followed when it changes, within seconds', async () => {
    await using directory = await temporaryDirectory();
    const { clock, source, write } = await inFiles(directory.path);
    await write('id1', 'key1');
    await source.get();
    await write('id2', 'key2');
    await clock.advance(rereadMs - 1);
    assert.equal((await source.get()).secretId, 'id1');
    await clock.advance(1);
    assert.deepEqual(await source.get(), { secretId: 'id2', secretKey: 'key2' });
  });

  it('is read again a moment after COS refused it', async () => {
    await using directory = await temporaryDirectory();
    const { clock, source, write } = await inFiles(directory.path);
    await write('id1', 'key1');
    const refused = await source.get();
    await write('id2', 'key2');
    source.noteRefused?.(refused);
    await clock.advance(refusedRereadMs - 1);
    assert.equal((await source.get()).secretId, 'id1');
    await clock.advance(1);
    assert.equal((await source.get()).secretId, 'id2');
    source.noteRefused?.(refused);
    await write('id3', 'key3');
    await clock.advance(refusedRereadMs);
    assert.equal((await source.get()).secretId, 'id2', 'another one was refused');
  });

  it('is followed through the swapped directory of a mounted Secret', async () => {
    await using directory = await temporaryDirectory();
    const at = (name: string) => join(directory.path, name);
    for (const version of ['1', '2']) {
      await mkdir(at(version));
      await writeFile(join(at(version), 'id'), `id${version}`);
      await writeFile(join(at(version), 'key'), `key${version}`);
    }
    await symlink(at('1'), at('data'));
    const { clock, source } = await inFiles(at('data'));
    await source.get();
    await symlink(at('2'), at('next'));
    await rename(at('next'), at('data'));
    await clock.advance(rereadMs);
    assert.deepEqual(await source.get(), { secretId: 'id2', secretKey: 'key2' });
  });

  it('stays in use while the files are unreadable', async () => {
    await using directory = await temporaryDirectory();
    const { clock, source, write, secretIdFile } = await inFiles(directory.path);
    await write('id', 'key');
    await source.get();
    await rm(secretIdFile);
    await clock.advance(rereadMs);
    assert.equal((await source.get()).secretId, 'id');
  });

  it('is missed by name, without its content', async () => {
    await using directory = await temporaryDirectory();
    const { source, write } = await inFiles(directory.path);
    await rejectsWith('credentials', source.get());
    await write('', 'key');
    await rejectsWith('credentials', source.get());
  });
});
