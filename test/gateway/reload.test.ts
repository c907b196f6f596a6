/** A configuration that changes under a running gateway, seen by FTP clients. */
import assert from 'node:assert/strict';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import {
  type FollowedFile,
  type LogLine,
  loadWords,
  startTestGateway,
  type TestGateway,
} from '#test/support/gateway.ts';
import { MountedVolume } from '#test/support/mounted-volume.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const MiB = 1024 * 1024;
const bytes = Buffer.from('some bytes');
type Words = Readonly<Record<string, unknown>>;

const alice = { user: 'alice', password: 'secret' };
const bob = { user: 'bob', password: 'builder' };

/** As vim and sed -i write: a new file, renamed over the old one. */
function editedFile(directory: string): FollowedFile {
  const file = join(directory, 'gateway.yaml');
  return {
    file,
    async publish(text) {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    },
  };
}

const linesOf = (ftp: TestGateway, msg: string): LogLine[] =>
  ftp.lines.filter((line) => line.msg === msg);

/** Gives the gateway new words at once, as a changed file does. */
function reload(ftp: TestGateway, changes: Words): LogLine {
  ftp.gateway.reload(() => loadWords({ ...ftp.words, ...changes }).config, 'file');
  const line = linesOf(ftp, 'config reloaded').at(-1);
  assert.ok(line, JSON.stringify(linesOf(ftp, 'config not reloaded')));
  return line;
}

async function publish(ftp: TestGateway, follow: FollowedFile, changes: Words): Promise<LogLine> {
  const count = linesOf(ftp, 'config reloaded').length;
  await follow.publish(JSON.stringify({ ...ftp.words, ...changes }));
  await until('the reload', () => linesOf(ftp, 'config reloaded').length > count);
  return linesOf(ftp, 'config reloaded').at(-1) ?? assert.fail();
}

async function tryLogIn(ftp: TestGateway, user: string, password: string): Promise<number> {
  await using client = await FtpClient.connect(ftp.port);
  await client.expect(331, `USER ${user}`);
  return (await client.command(`PASS ${password}`)).code;
}

const admin = async (ftp: TestGateway, path: string): Promise<string> =>
  (await fetch(`http://127.0.0.1:${ftp.gateway.adminPort}/${path}`)).text();

async function metric(ftp: TestGateway, series: string): Promise<string | undefined> {
  const lines = (await admin(ftp, 'metrics')).split('\n');
  return lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1);
}

/** The reply that ends a session, and the end. */
async function assertEnded(client: FtpClient, text: RegExp): Promise<void> {
  assert.match((await client.reply()).text, text);
  assert.equal(await client.replyOrEnd(), undefined);
}

describe('the configuration file', () => {
  test('in a mounted volume: a user of a new ConfigMap and Secret logs in, sessions go on', async () => {
    await using directory = await temporaryDirectory();
    const config = new MountedVolume(join(directory.path, 'config'));
    const secret = new MountedVolume(join(directory.path, 'accounts'));
    const account = (user: string) => ({ user, password_file: join(secret.path, user) });
    const follow = {
      file: join(config.path, 'gateway.json'),
      publish: (text: string) => config.publish({ 'gateway.json': text }),
    };
    await secret.publish({ alice: 'secret' });
    const words = { accounts: [account('alice')] };
    await using ftp = await startTestGateway({ words, follow });
    await using session = await FtpClient.logIn(ftp.port);
    const data = await session.beginStore('slow');
    data.write(bytes);

    const line = await publish(ftp, follow, { accounts: [account('alice'), account('bob')] });
    assert.deepEqual(line['users_added'], ['bob']);
    assert.equal(await tryLogIn(ftp, 'bob', 'builder'), 530, 'his password is still to come');
    await secret.publish({ alice: 'secret', bob: 'builder\n' });
    assert.equal(await tryLogIn(ftp, 'bob', 'builder'), 230);
    await secret.publish({ alice: 'changed', bob: 'builder' });
    assert.equal(await tryLogIn(ftp, 'alice', 'secret'), 530);
    assert.equal(await tryLogIn(ftp, 'alice', 'changed'), 230);
    data.end();
    assert.equal((await session.reply()).code, 226);
    await session.expect(200, 'NOOP');
  });

  test('every swap of a mounted volume counts, one after the other', async () => {
    await using directory = await temporaryDirectory();
    const volume = new MountedVolume(directory.path);
    const follow = {
      file: join(volume.path, 'gateway.json'),
      publish: (text: string) => volume.publish({ 'gateway.json': text }),
    };
    await using ftp = await startTestGateway({ follow });
    for (const password of ['first', 'second', 'third']) {
      await publish(ftp, follow, { accounts: [{ user: 'alice', password }] });
      assert.equal(await tryLogIn(ftp, 'alice', password), 230);
    }
  });

  test('replaced by an editor: the new password counts, the old one no longer, sessions stay', async () => {
    await using directory = await temporaryDirectory();
    const follow = editedFile(directory.path);
    await using ftp = await startTestGateway({ follow });
    await using session = await FtpClient.logIn(ftp.port);
    const line = await publish(ftp, follow, { accounts: [{ user: 'alice', password: 'n3w' }] });
    assert.deepEqual(line['users_changed'], ['alice: password']);
    assert.doesNotMatch(JSON.stringify(ftp.lines), /n3w|secret"/, 'no value is logged');
    assert.equal(await tryLogIn(ftp, 'alice', 'secret'), 530);
    assert.equal(await tryLogIn(ftp, 'alice', 'n3w'), 230);
    assert.equal((await session.store('file', bytes)).code, 226);
  });

  test('written in place counts too', async () => {
    await using directory = await temporaryDirectory();
    const { file } = editedFile(directory.path);
    const follow = { file, publish: (text: string) => writeFile(file, text) };
    await using ftp = await startTestGateway({ words: { accounts: [alice, bob] }, follow });
    const line = await publish(ftp, follow, { accounts: [alice, bob], drain_seconds: 5 });
    assert.deepEqual(
      [line['words'], line['users_removed']],
      [['drain_seconds', 'drain_accept_seconds'], undefined],
    );
    assert.equal(ftp.gateway.config.drain_seconds, 5);
  });

  test('with problems changes nothing and says so everywhere, until a good one comes', async () => {
    await using directory = await temporaryDirectory();
    const follow = editedFile(directory.path);
    await using ftp = await startTestGateway({ follow });
    await follow.publish('accounts:\n  - user: bob\nlisten_port: many\n');
    await until('the refusal', () => linesOf(ftp, 'config not reloaded').length > 0);
    const [refusal, ...more] = linesOf(ftp, 'config not reloaded');
    assert.deepEqual([refusal?.level, more], ['error', []]);
    const problems = JSON.stringify(refusal?.['problems']);
    for (const line of [2, 3]) assert.match(problems, new RegExp(`gateway.yaml:${line}:`));
    assert.equal(await metric(ftp, 'cosftp_config_last_reload_successful'), '0');
    assert.equal(await metric(ftp, 'cosftp_config_reloads_total{result="failed"}'), '1');
    const status = JSON.parse(await admin(ftp, 'statusz')) as { config: Words };
    assert.equal(status.config['last_reload'], 'failed');
    assert.match(JSON.stringify(status.config['problems']), /gateway.yaml:3:/);
    assert.equal(await tryLogIn(ftp, 'alice', 'secret'), 230);

    await publish(ftp, follow, { accounts: [alice, bob] });
    assert.equal(await tryLogIn(ftp, 'bob', 'builder'), 230);
    assert.equal(await metric(ftp, 'cosftp_config_last_reload_successful'), '1');
    assert.equal(await metric(ftp, 'cosftp_config_reloads_total{result="ok"}'), '1');
    const mended = JSON.parse(await admin(ftp, 'statusz')) as { config: Words };
    assert.deepEqual([mended.config['last_reload'], mended.config['problems']], ['ok', []]);
  });
});

describe('a removed account', () => {
  test('finishes its upload, reads 226, and is then told goodbye', async () => {
    await using ftp = await startTestGateway({ words: { accounts: [alice, bob] } });
    await using busy = await FtpClient.logIn(ftp.port, 'bob', 'builder');
    await using idle = await FtpClient.logIn(ftp.port, 'bob', 'builder');
    await using other = await FtpClient.logIn(ftp.port);
    const data = await busy.beginStore('last');
    data.write(Buffer.alloc(2 * MiB));
    await until('a part', () => ftp.openUploads() === 1);
    const line = reload(ftp, { accounts: [alice] });
    assert.deepEqual(line['users_removed'], ['bob']);
    await assertEnded(idle, /^421 This account was removed/);
    assert.equal(await tryLogIn(ftp, 'bob', 'builder'), 530);
    data.end(Buffer.alloc(MiB));
    assert.equal((await busy.reply()).code, 226);
    await assertEnded(busy, /^421 This account was removed/);
    assert.equal((await ftp.bytes('last')).length, 3 * MiB);
    await other.expect(200, 'NOOP');
  });

  test('does not come back for commands that wait behind its last one', async () => {
    await using ftp = await startTestGateway({ words: { accounts: [alice, bob] } });
    await using client = await FtpClient.logIn(ftp.port, 'bob', 'builder');
    const data = await client.beginStore('last');
    client.socket.write('DELE last\r\nLIST\r\n');
    reload(ftp, { accounts: [alice] });
    data.end(bytes);
    assert.equal((await client.reply()).code, 226);
    await assertEnded(client, /^421/);
    assert.deepEqual(ftp.keys(), ['last']);
  });

  test('that comes back while its upload runs goes on', async () => {
    await using ftp = await startTestGateway({ words: { accounts: [alice, bob] } });
    await using client = await FtpClient.logIn(ftp.port, 'bob', 'builder');
    const data = await client.beginStore('file');
    reload(ftp, { accounts: [alice] });
    reload(ftp, { accounts: [alice, bob] });
    data.end(bytes);
    assert.equal((await client.reply()).code, 226);
    await client.expect(200, 'NOOP');
  });

  test('leaves sessions alone that have not logged in', async () => {
    await using ftp = await startTestGateway({ words: { accounts: [alice, bob] } });
    await using client = await FtpClient.connect(ftp.port);
    await client.expect(331, 'USER bob');
    reload(ftp, { accounts: [alice] });
    await client.expect(530, 'PASS builder');
    await client.expect(331, 'USER alice');
    await client.expect(230, 'PASS secret');
  });
});

describe('a changed account', () => {
  const changed = (words: Words) => ({ accounts: [{ ...alice, ...words }] });

  test('keeps its rights for the running transfer and loses them for the next command', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    const data = await client.beginStore('file');
    data.write(bytes);
    const line = reload(ftp, changed({ permissions: ['list', 'read'] }));
    assert.deepEqual(line['users_changed'], ['alice: permissions']);
    data.end();
    assert.equal((await client.reply()).code, 226);
    assert.equal((await client.store('next', bytes)).code, 550);
    reload(ftp, {});
    assert.equal((await client.store('next', bytes)).code, 226);
  });

  test('keeps limit and policy for the running transfer', async () => {
    await using ftp = await startTestGateway({ account: { incomplete_uploads: 'complete' } });
    await using client = await FtpClient.logIn(ftp.port);
    const data = await client.beginStore('cut');
    data.write(bytes);
    await until('the bytes', () => ftp.gateway.transfers[0]?.bytes === bytes.length);
    reload(ftp, changed({ incomplete_uploads: 'discard', single_file_max_size: 4 }));
    data.resetAndDestroy();
    assert.match((await client.reply()).text, /^426 .*10 bytes received were stored/);
    assert.equal((await client.store('next', bytes)).code, 552);
  });

  const moves: readonly (readonly [string, Words])[] = [
    ['prefix', { prefix: 'elsewhere/' }],
    ['filename_encoding', { filename_encoding: 'gb18030' }],
    ['cos.bucket', { cos: { bucket: 'other-1250000000' } }],
  ];
  for (const [word, words] of moves) {
    test(`with another ${word} has moved: its session must log in again`, async () => {
      await using ftp = await startTestGateway();
      await using client = await FtpClient.logIn(ftp.port);
      const line = reload(ftp, changed(words));
      assert.deepEqual(line['users_changed'], [`alice: ${word}`]);
      await assertEnded(client, /^421 This account has moved, log in again/);
      assert.equal(await tryLogIn(ftp, 'alice', 'secret'), 230);
    });
  }

  test('with another key to COS uses it from the next command on, in the same session', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    const data = await client.beginStore('before');
    data.write(bytes);
    reload(ftp, changed({ cos: { secretid: ftp.cosd.secretId, secretkey: 'wrong' } }));
    data.end();
    assert.equal((await client.reply()).code, 226);
    assert.equal((await client.store('after', bytes)).code, 451);
    reload(ftp, {});
    assert.equal((await client.store('after', bytes)).code, 226);
  });
});

describe('other words', () => {
  test('masquerade_address: the next PASV tells the new one', async () => {
    await using ftp = await startTestGateway({ words: { masquerade_address: '203.0.113.7' } });
    await using client = await FtpClient.logIn(ftp.port);
    assert.match((await client.expect(227, 'PASV')).text, /203,0,113,7/);
    const line = reload(ftp, { masquerade_address: '203.0.113.8' });
    assert.deepEqual(line['words'], ['masquerade_address']);
    assert.match((await client.expect(227, 'PASV')).text, /203,0,113,8/);
    const masquerade_networks = [{ clients: '127.0.0.0/8', address: '10.9.8.7' }];
    reload(ftp, { masquerade_networks });
    assert.match((await client.expect(227, 'PASV')).text, /10,9,8,7/);
    reload(ftp, {});
    assert.match((await client.expect(227, 'PASV')).text, /203,0,113,7/);
  });

  test('max_sessions and data_peer: what begins from now on', async () => {
    await using ftp = await startTestGateway();
    await using client = await FtpClient.logIn(ftp.port);
    reload(ftp, { max_sessions: 1, data_peer: 'any' });
    await using refused = await FtpClient.connect(ftp.port);
    assert.equal(refused.greeting.code, 421);
    const data = await client.openData('127.0.0.2');
    await client.expect(150, 'STOR from-elsewhere');
    data.end(bytes);
    assert.equal((await client.reply()).code, 226);
  });

  test('data_peer_networks: a peer inside one of them may open the data connection', async () => {
    await using ftp = await startTestGateway({
      words: { data_peer: 'network', data_peer_networks: ['10.0.0.0/8'] },
    });
    await using client = await FtpClient.logIn(ftp.port);
    reload(ftp, { data_peer: 'network', data_peer_networks: ['127.0.0.0/8'] });
    const data = await client.openData('127.0.0.2');
    await client.expect(150, 'STOR from-elsewhere');
    data.end(bytes);
    assert.equal((await client.reply()).code, 226);
  });

  test('a word bound at start keeps its value, one warning names it, the rest counts', async () => {
    await using ftp = await startTestGateway();
    const line = reload(ftp, { listen_port: 2100, drain_seconds: 7, accounts: [alice, bob] });
    assert.deepEqual(line['users_added'], ['bob']);
    const [warning, ...more] = linesOf(ftp, 'config change needs a restart');
    assert.deepEqual([warning?.['words'], more], [['listen_port'], []]);
    assert.match(String(warning?.['hint']), /take effect after a restart/);
    const { listen_port, drain_seconds } = ftp.gateway.config;
    assert.deepEqual([listen_port, drain_seconds], [0, 7]);
    assert.equal(await tryLogIn(ftp, 'bob', 'builder'), 230);
    const status = JSON.parse(await admin(ftp, 'statusz')) as { config: Words };
    assert.deepEqual(status.config['restart_words'], ['listen_port']);
    reload(ftp, {});
    assert.equal(linesOf(ftp, 'config change needs a restart').length, 1);
  });
});

test('a configuration whose store cannot be made leaves the one before whole', async () => {
  await using ftp = await startTestGateway();
  ftp.gateway.reload(() => {
    const { config } = loadWords({ ...ftp.words, accounts: [bob] });
    const [account] = config.accounts;
    assert.ok(account);
    const cos = { ...account.cos, endpoint: 'no host' };
    return { ...config, max_sessions: 1, accounts: [{ ...account, cos }] };
  }, 'file');
  assert.equal(linesOf(ftp, 'config not reloaded').length, 1);
  assert.equal(ftp.gateway.config.max_sessions, 5000);
  assert.equal(await tryLogIn(ftp, 'alice', 'secret'), 230);
  assert.equal(await tryLogIn(ftp, 'bob', 'builder'), 530);
});

test('a file that is taken away keeps the gateway as it is, and the next one counts', async () => {
  await using directory = await temporaryDirectory();
  const folder = join(directory.path, 'config');
  await mkdir(folder);
  const follow = editedFile(folder);
  await using ftp = await startTestGateway({ follow });
  await rename(folder, join(directory.path, 'away'));
  await until('the refusal', () => linesOf(ftp, 'config not reloaded').length > 0);
  assert.match(JSON.stringify(ftp.lines.at(-1)), /there is no such file/);
  await mkdir(folder);
  await publish(ftp, follow, { accounts: [alice, bob] });
  assert.equal(await tryLogIn(ftp, 'bob', 'builder'), 230);
});
