import assert from 'node:assert/strict';
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
