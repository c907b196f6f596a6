import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Accounts } from '#gateway/auth/accounts.ts';
import { loadConfig } from '#gateway/config/load.ts';

const cwd = fileURLToPath(new URL('../../examples', import.meta.url));

test('examples/vsftpd.conf earns no problem and no notice', () => {
  const { config, notices } = loadConfig({ file: 'vsftpd.conf', cwd });
  assert.deepEqual(notices, []);
  const seen = config.accounts.map(({ user, cos, permissions }) => [
    user,
    cos.bucket,
    permissions.length,
  ]);
  assert.deepEqual(seen, [
    ['user0', 'inbox-1250000000', 5],
    ['user1', 'archive-1250000000', 2],
  ]);
});

test('examples/gateway.yaml earns no problem and no notice, and its hash is that of its comment', async () => {
  const { config, notices } = loadConfig({ file: 'gateway.yaml', cwd });
  assert.deepEqual(notices, []);
  assert.deepEqual(
    config.accounts.map(({ user, prefix }) => [user, prefix]),
    [
      ['alice', 'incoming/alice/'],
      ['scanner', 'incoming/scans/'],
      ['auditor', ''],
    ],
  );
  const accounts = new Accounts(config.accounts);
  assert.equal((await accounts.authenticate('alice', 'change-me'))?.user, 'alice');
});

test('examples/compose.yaml earns no problem and no notice, and meets the services of compose.yaml', () => {
  const { config, notices } = loadConfig({ file: 'compose.yaml', cwd });
  assert.deepEqual(notices, []);
  const [account] = config.accounts;
  assert.equal(account?.cos.endpoint, 'cos:9000');
  const compose = readFileSync(join(cwd, '../compose.yaml'), 'utf8');
  assert.ok(compose.includes(`aliases: [${account.cos.bucket}.cos]`));
  const { first, last } = config.passive_port;
  assert.ok(compose.includes(`"${config.listen_port}:${config.listen_port}"`));
  assert.ok(compose.includes(`"${first}-${last}:${first}-${last}"`));
  const { credentials } = account.cos;
  assert.ok(credentials.kind === 'static');
  assert.ok(compose.includes(`COSD_SECRET_KEY: ${credentials.secretkey}`));
});
