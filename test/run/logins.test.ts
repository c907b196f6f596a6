/** Accounts that are replaced while passwords are checked and sessions hold the former ones. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { hashPassword } from '#gateway/auth/password.ts';
import type { GatewayConfig } from '#gateway/config/model.ts';
import type { SessionAccount } from '#gateway/ftp-srv/services.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { Bandwidth } from '#gateway/run/bandwidth.ts';
import { Logins } from '#gateway/run/logins.ts';
import { Stores } from '#gateway/run/stores.ts';
import { UploadMarks } from '#gateway/run/upload-marks.ts';
import { loadYaml, minimalYaml } from '#test/support/config-text.ts';
import { recordingLog } from '#test/support/recording-log.ts';
import { testPool } from '#test/support/transfer-pool.ts';

const peer = '198.51.100.1';

let hash = '';
before(async () => {
  hash = await hashPassword('secret');
});

const withAccounts = (accounts: string, ...lines: string[]): GatewayConfig =>
  loadYaml(minimalYaml([...lines, `accounts: ${accounts}`].join('\n'))).config;
const bob = (words = '') => withAccounts(`[{user: bob, password_hash: "${hash}"${words}}]`);
const alice = (words = '') => withAccounts(`[{user: alice, password: wonderland${words}}]`);

function loginsOf(config: GatewayConfig) {
  const log = recordingLog();
  const clock = systemClock;
  const marks = new UploadMarks({ listenPort: 0, clock, log, onAborted: () => undefined });
  const stores = new Stores({ clock, log, env: {}, onRequest: () => undefined, marks });
  const exempt = { contains: () => false };
  const bandwidth = new Bandwidth(clock);
  const pool = testPool(clock);
  const logins = new Logins({ config, clock, log, stores, pool, bandwidth, exempt });
  return { logins, log, stores };
}

async function logIn(logins: Logins, user: string, password: string): Promise<SessionAccount> {
  const outcome = await logins.authenticate(user, password, peer);
  assert.equal(outcome.kind, 'accepted');
  return outcome.kind === 'accepted' ? outcome.account : assert.fail();
}

describe('accounts replaced while a password is checked', () => {
  test('without that user refuse it', async () => {
    const { logins } = loginsOf(bob());
    const outcome = logins.authenticate('bob', 'secret', peer);
    logins.change(alice());
    assert.equal((await outcome).kind, 'refused');
  });

  test('with another password of that user refuse the former one', async () => {
    const { logins } = loginsOf(bob());
    const outcome = logins.authenticate('bob', 'secret', peer);
    logins.change(withAccounts('[{user: bob, password: other}]'));
    assert.equal((await outcome).kind, 'refused');
  });

  test('with other rights of that user give the new ones', async () => {
    const { logins } = loginsOf(bob());
    const login = logIn(logins, 'bob', 'secret');
    logins.change(bob(', permissions: [list]'));
    assert.deepEqual([...(await login).permissions], ['list']);
  });
});

describe('the account of a session', () => {
  test('is the same while nothing of it changes', async () => {
    const { logins, log } = loginsOf(alice(', single_file_max_size: 1Ti'));
    const held = await logIn(logins, 'alice', 'wonderland');
    logins.change(alice(', single_file_max_size: 1Ti'));
    assert.equal(logins.currentAccount(held), held);
    assert.deepEqual(log.messages('warn'), ['file size limited by upload_memory'], 'told once');
  });

  test('is the new one after a change, also over several', async () => {
    const { logins } = loginsOf(alice());
    const held = await logIn(logins, 'alice', 'wonderland');
    logins.change(alice(', permissions: [list, read]'));
    logins.change(alice(', permissions: [list]'));
    const account = logins.currentAccount(held);
    assert.ok(typeof account === 'object');
    assert.deepEqual([...account.permissions], ['list']);
    assert.equal(logins.currentAccount(account), account);
  });

  test('follows the size and number of parts', async () => {
    const { logins } = loginsOf(alice());
    const held = await logIn(logins, 'alice', 'wonderland');
    const accounts = '[{user: alice, password: wonderland}]';
    logins.change(withAccounts(accounts, 'min_part_size: 2Mi', 'parts_in_flight: 2'));
    const account = logins.currentAccount(held);
    assert.ok(typeof account === 'object');
    assert.deepEqual([account.partsInFlight, account.plan.partBytes(1)], [2, 2 * 1024 * 1024]);
  });

  test('is removed, or has moved to another jail', async () => {
    const { logins } = loginsOf(alice());
    const held = await logIn(logins, 'alice', 'wonderland');
    logins.change(bob());
    assert.equal(logins.currentAccount(held), 'removed');
    logins.change(alice(', prefix: elsewhere/'));
    assert.equal(logins.currentAccount(held), 'moved');
    logins.change(alice());
    assert.ok(typeof logins.currentAccount(held) === 'object', 'back where it was');
  });
});
