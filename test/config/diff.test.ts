/** What of a new configuration counts at once, and by which names changes are told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareConfigs, isSamePlace } from '#gateway/config/diff.ts';
import type { GatewayConfig } from '#gateway/config/model.ts';
import { gatewayBlock } from '#gateway/config/schema.ts';
import { accountLines, loadYaml, minimalYaml, onlyAccount } from '#test/support/config-text.ts';

const config = (...lines: string[]): GatewayConfig =>
  loadYaml(minimalYaml(lines.join('\n'))).config;

const account = (words: string) =>
  config(accountLines[0] ?? '', `accounts: [{user: alice, password: wonderland, ${words}}]`);

const plain = config('');

/** A value other than the default for every word that is no account's own. */
const others: Readonly<Record<string, readonly [string, 'live' | 'restart']>> = {
  listen_address: ['listen_address: 127.0.0.1', 'restart'],
  listen_port: ['listen_port: 2100', 'restart'],
  instance: ['instance: north-1', 'restart'],
  passive_port: ['passive_port: 50000-50010', 'restart'],
  masquerade_address: ['masquerade_address: 203.0.113.7', 'live'],
  masquerade_networks: ['masquerade_networks: [{clients: 10.0.0.0/8, address: 10.1.2.3}]', 'live'],
  masquerade_address_file: ['masquerade_address_file: /etc/podinfo/address', 'restart'],
  admin_address: ['admin_address: "::1"', 'restart'],
  admin_port: ['admin_port: 9100', 'restart'],
  tls: ['tls: {certificate_file: tls.crt, key_file: tls.key}', 'restart'],
  active_mode: ['active_mode: enabled', 'live'],
  data_peer: ['data_peer: any', 'live'],
  data_peer_networks: ['data_peer_networks: [10.0.0.0/8]', 'live'],
  proxy_protocol: ['proxy_protocol: {mode: optional, trusted: [10.0.0.0/8]}', 'restart'],
  filename_encoding: ['filename_encoding: gb18030', 'live'],
  single_file_max_size: ['single_file_max_size: 1Gi', 'live'],
  upload_memory: ['upload_memory: 64Mi', 'restart'],
  min_part_size: ['min_part_size: 2Mi', 'live'],
  parts_in_flight: ['parts_in_flight: 2', 'live'],
  max_sessions: ['max_sessions: 10', 'live'],
  max_sessions_per_address: ['max_sessions_per_address: 10', 'live'],
  max_sessions_per_account: ['max_sessions_per_account: 10', 'live'],
  upload_bytes_per_second: ['upload_bytes_per_second: 1Mi', 'live'],
  download_bytes_per_second: ['download_bytes_per_second: 1Mi', 'live'],
  upload_bytes_per_second_per_account: ['upload_bytes_per_second_per_account: 1Mi', 'live'],
  download_bytes_per_second_per_account: ['download_bytes_per_second_per_account: 1Mi', 'live'],
  login_seconds: ['login_seconds: 10', 'live'],
  idle_seconds: ['idle_seconds: 10', 'live'],
  stall_seconds: ['stall_seconds: 10', 'live'],
  data_connect_seconds: ['data_connect_seconds: 10', 'live'],
  incomplete_uploads: ['incomplete_uploads: complete', 'live'],
  content_types: ['content_types: {csv: text/plain}', 'live'],
  storage_class: ['storage_class: STANDARD_IA', 'live'],
  server_side_encryption: ['server_side_encryption: AES256', 'live'],
  metadata: ['metadata: {origin: ftp}', 'live'],
  store_mtime: ['store_mtime: true', 'live'],
  drain_seconds: ['drain_seconds: 30', 'live'],
  drain_accept_seconds: ['drain_accept_seconds: 5', 'live'],
  fast_paths: ['fast_paths: off', 'restart'],
  'log.level': ['log: {level: debug}', 'live'],
  'log.directory': ['log: {directory: elsewhere}', 'restart'],
  'log.rotate': ['log: {rotate: hourly}', 'restart'],
  'log.keep': ['log: {keep: 3}', 'restart'],
};

describe('a changed word', () => {
  for (const [word, [line, effect]] of Object.entries(others)) {
    test(`${word} ${effect === 'live' ? 'counts at once' : 'waits for a restart'}, both ways`, () => {
      for (const [running, next] of [
        [plain, config(line)],
        [config(line), plain],
      ] as const) {
        const diff = compareConfigs(running, next);
        const told = effect === 'live' ? diff.words : diff.restartWords;
        const notTold = effect === 'live' ? diff.restartWords : diff.words;
        assert.deepEqual([told, notTold], [[word], []]);
        // What is taken over is the new configuration or, word by word, the running one.
        const { accounts: _, ...taken } = diff.config;
        const { accounts: __, ...expected } = effect === 'live' ? next : running;
        assert.deepEqual(taken, expected);
      }
    });
  }

  test('kms_key_id counts at once, beside the word it needs', () => {
    const withKey = (id: string) => config('server_side_encryption: cos/kms', `kms_key_id: ${id}`);
    const { words, restartWords } = compareConfigs(withKey('a'), withKey('b'));
    assert.deepEqual([words, restartWords], [['kms_key_id'], []]);
  });

  test('the table above has every other word of the schema', () => {
    const words = Object.keys(gatewayBlock.shape).filter((word) => word !== 'accounts');
    const shared = words.filter((word) => word !== 'cos' && word !== 'log');
    const listed = [...Object.keys(others), 'kms_key_id'].filter(
      (word) => !word.startsWith('log.'),
    );
    assert.deepEqual(listed.toSorted(), shared.toSorted());
  });

  test('beside one that waits counts all the same', () => {
    const diff = compareConfigs(plain, config('listen_port: 2100', 'drain_seconds: 30'));
    assert.deepEqual([diff.words, diff.restartWords], [['drain_seconds'], ['listen_port']]);
    assert.deepEqual([diff.config.drain_seconds, diff.config.listen_port], [30, 2121]);
  });
});

test('an equal configuration changes nothing', () => {
  const { config: merged, ...names } = compareConfigs(plain, config('# a comment'));
  assert.deepEqual(merged, plain);
  const nothing = { usersAdded: [], usersRemoved: [], usersChanged: [] };
  assert.deepEqual(names, { words: [], restartWords: [], ...nothing });
});

describe('accounts', () => {
  const users = (...names: string[]) =>
    config(`accounts: [${names.map((user) => `{user: ${user}, password: x}`).join(', ')}]`);

  test('that come and go are named', () => {
    const diff = compareConfigs(users('alice', 'bob'), users('carol', 'bob'));
    const { usersAdded, usersRemoved, usersChanged } = diff;
    assert.deepEqual([usersAdded, usersRemoved, usersChanged], [['carol'], ['alice'], []]);
    assert.deepEqual(
      diff.config.accounts.map(({ user }) => user),
      ['carol', 'bob'],
    );
  });

  const changes: readonly (readonly [string, string, 'stays' | 'moves'])[] = [
    ['prefix: in/', 'prefix', 'moves'],
    ['permissions: [list]', 'permissions', 'stays'],
    ['single_file_max_size: 1Mi', 'single_file_max_size', 'stays'],
    ['incomplete_uploads: complete', 'incomplete_uploads', 'stays'],
    ['filename_encoding: big5', 'filename_encoding', 'moves'],
    ['content_types: {edi: application/edifact}', 'content_types', 'stays'],
    ['storage_class: STANDARD_IA', 'storage_class', 'stays'],
    ['server_side_encryption: AES256', 'server_side_encryption', 'stays'],
    ['metadata: {origin: ftp}', 'metadata', 'stays'],
    ['cos: {bucket: other-1250000000}', 'cos.bucket', 'moves'],
    ['cos: {region: ap-beijing}', 'cos.region', 'moves'],
    ['cos: {endpoint: cos.example.com}', 'cos.endpoint', 'moves'],
    ['cos: {protocol: http}', 'cos.protocol', 'stays'],
    ['cos: {credentials: cvm_role}', 'cos.credentials', 'stays'],
  ];
  for (const [words, word, fate] of changes) {
    test(`with another ${word}: named, and the account ${fate}`, () => {
      const diff = compareConfigs(plain, account(words));
      assert.deepEqual(diff.usersChanged, [{ user: 'alice', words: [word] }]);
      assert.deepEqual(diff.config.accounts, account(words).accounts);
      const isSame = isSamePlace(onlyAccount(plain), onlyAccount(account(words)));
      assert.equal(isSame, fate === 'stays');
    });
  }

  test('that lost a word they had of their own: named', () => {
    const { usersChanged } = compareConfigs(account('storage_class: STANDARD_IA'), plain);
    assert.deepEqual(usersChanged, [{ user: 'alice', words: ['storage_class'] }]);
  });

  test('with another password, in any form: named password', () => {
    for (const words of ['password: other', 'password_file: /etc/alice']) {
      const diff = compareConfigs(plain, config(`accounts: [{user: alice, ${words}}]`));
      assert.deepEqual(diff.usersChanged, [{ user: 'alice', words: ['password'] }]);
    }
  });

  test('follow the shared words they do not override', () => {
    const diff = compareConfigs(plain, config('single_file_max_size: 1Gi'));
    assert.deepEqual(diff.usersChanged, [{ user: 'alice', words: ['single_file_max_size'] }]);
  });
});
