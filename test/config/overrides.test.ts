import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfigText } from '#gateway/config/load.ts';
import {
  accountLines,
  loadIni,
  loadYaml,
  minimalIni,
  minimalYaml,
  noticesOf,
  onlyAccount,
  problemsOf,
} from '#test/support/config-text.ts';

describe('precedence', () => {
  const file = minimalYaml('listen_port: 1\nadmin_port: 11');

  test('the environment wins over the file, --set over both', () => {
    const env = { COSFTP_LISTEN_PORT: '2', COSFTP_ADMIN_PORT: '12' };
    const { config } = loadYaml(file, { env, set: ['listen_port=3'] });
    assert.deepEqual([config.listen_port, config.admin_port], [3, 12]);
  });

  test('a later --set wins over an earlier one', () => {
    assert.equal(loadYaml(file, { set: ['listen_port=3', 'listen_port=4'] }).config.listen_port, 4);
  });

  test('both go over the original INI, too', () => {
    const env = { COSFTP_INCOMPLETE_UPLOADS: 'discard' };
    const { config } = loadIni(minimalIni(), { env, set: ['log.level=debug'] });
    assert.equal(onlyAccount(config).incomplete_uploads, 'discard');
    assert.equal(config.log.level, 'debug');
  });

  test('a word inside a block wins over the block, whatever the order of the environment', () => {
    const env = { COSFTP_LOG__LEVEL: 'debug', COSFTP_LOG: '{level: error, keep: 3}' };
    const { log } = loadYaml(file, { env }).config;
    assert.deepEqual([log.level, log.keep], ['debug', 3]);
  });

  test('a block replaces the block of the file', () => {
    const text = minimalYaml('log: {level: debug, keep: 3}');
    const { log } = loadYaml(text, { set: ['log={level: warn}'] }).config;
    assert.deepEqual([log.level, log.keep], ['warn', 14]);
  });

  test('a bad value of the file does not matter once it is replaced', () => {
    assert.equal(
      loadYaml(minimalYaml('listen_port: bad'), { set: ['listen_port=9'] }).config.listen_port,
      9,
    );
  });
});

describe('values', () => {
  test('a single value is the text as it stands', () => {
    const { config } = loadYaml(minimalYaml(''), {
      env: {
        COSFTP_LISTEN_ADDRESS: '::',
        COSFTP_COS__SECRETID: 'a',
        COSFTP_COS__SECRETKEY: '"b#c;d"',
      },
    });
    assert.equal(config.listen_address, '::');
    assert.deepEqual(onlyAccount(config).cos.credentials, {
      kind: 'static',
      secretid: 'a',
      secretkey: '"b#c;d"',
    });
  });

  for (const list of ['10.0.0.0/8, ::1', '10.0.0.0/8 ::1', '[10.0.0.0/8, "::1"]']) {
    test(`a list may be written ${list}`, () => {
      const { config } = loadYaml(minimalYaml(''), { env: { COSFTP_DATA_PEER_NETWORKS: list } });
      assert.deepEqual(config.data_peer_networks, ['10.0.0.0/8', '::1']);
    });
  }

  test('everything may come from the environment, accounts as JSON or YAML', () => {
    for (const accounts of [
      '[{"user":"bob","password":"0123"}]',
      '- user: bob\n  password: 0123',
    ]) {
      const env = {
        COSFTP_ACCOUNTS: accounts,
        COSFTP_COS: '{region: ap-guangzhou, bucket: a-12345}',
      };
      const account = onlyAccount(parseConfigText({ env, cwd: '/srv' }).config);
      assert.deepEqual(account.password, { kind: 'plain', value: '0123' });
    }
  });

  test('relative paths are against the working directory', () => {
    const text = minimalYaml('log: {directory: a}');
    assert.equal(loadYaml(text, { set: ['log.directory=b'] }).config.log.directory, '/srv/b');
    assert.equal(
      loadYaml(text, { set: ['log.level=info'] }).config.log.directory,
      '/etc/gateway/a',
    );
    const tls = 'tls={certificate_file: c, key_file: /d}';
    assert.equal(loadYaml(text, { set: [tls] }).config.tls?.certificate_file, '/srv/c');
  });

  test('an empty variable counts as not set, an empty --set takes the word away', () => {
    const text = minimalYaml('listen_port: 1\ntls: {certificate_file: a, key_file: b}');
    assert.equal(loadYaml(text, { env: { COSFTP_LISTEN_PORT: '' } }).config.listen_port, 1);
    const { config } = loadYaml(text, { set: ['listen_port=', 'tls='] });
    assert.deepEqual([config.listen_port, config.tls], [2121, undefined]);
  });
});

describe('problems name variable and argument', () => {
  const cases: readonly (readonly [Record<string, string>, readonly string[], string])[] = [
    [
      { COSFTP_LISTEN_PORT: 'x' },
      [],
      'COSFTP_LISTEN_PORT: listen_port: "x" is not a port from 0 to 65535',
    ],
    [
      { COSFTP_LOG__LEVEL: 'x' },
      [],
      'COSFTP_LOG__LEVEL: log.level: "x" is not one of debug, info, warn, error',
    ],
    [{}, ['log.level=x'], '--set log.level: log.level: "x" is not one of debug, info, warn, error'],
    [
      {},
      ['listn_port=x'],
      '--set listn_port: unknown word "listn_port" (did you mean listen_port?)',
    ],
    [{}, ['log.levl=x'], '--set log.levl: unknown word "log.levl" (did you mean log.level?)'],
    [
      {},
      ['listen_port.x=1'],
      '--set listen_port.x: unknown word "listen_port.x" (did you mean listen_port?)',
    ],
    [{}, ['accounts[0].user=x'], '--set accounts…: unknown word "accounts…"'],
    [{}, ['constructor=x'], '--set constructor: unknown word "constructor"'],
    [{}, ['listen_port'], '--set listen_port: has no value (write --set word=value)'],
    [{}, ['='], '--set : unknown word ""'],
    [
      { COSFTP_ACCOUNTS: '[{user: bob, pasword: x}]' },
      [],
      'COSFTP_ACCOUNTS: unknown word "pasword" (did you mean password?)',
    ],
    [{ COSFTP_ACCOUNTS: 'bob:secret' }, [], 'COSFTP_ACCOUNTS: accounts: expected a list'],
    [
      { COSFTP_ACCOUNTS: '[{user: bob' },
      [],
      'COSFTP_ACCOUNTS:1:12: the indentation does not fit the lines above, or a bracket is still open (words of one block begin in the same column)',
    ],
  ];
  for (const [env, set, expected] of cases) {
    test(expected, () =>
      assert.equal(problemsOf(() => loadYaml(minimalYaml(''), { env, set }))[0], expected),
    );
  }
});

describe('variables that are no words', () => {
  const notices = (env: Record<string, string>) =>
    noticesOf(loadYaml(accountLines.join('\n'), { env }));

  test('earn a warning with the nearest word', () => {
    assert.deepEqual(notices({ COSFTP_LOG_LEVEL: 'x', COSFTP_LOG__LEVLE: 'x', COSFTP_E2E: 'x' }), [
      'warn COSFTP_E2E: no word of the configuration has this name; the variable is ignored',
      'warn COSFTP_LOG_LEVEL: no word of the configuration has this name; the variable is ignored (did you mean COSFTP_LOG__LEVEL?)',
      'warn COSFTP_LOG__LEVLE: no word of the configuration has this name; the variable is ignored (did you mean COSFTP_LOG__LEVEL?)',
    ]);
  });

  test('are passed over when Kubernetes wrote them for a Service or they are not ours', () => {
    const env = {
      COSFTP_SERVICE_HOST: '10.0.0.1',
      COSFTP_SERVICE_PORT: '21',
      COSFTP_SERVICE_PORT_FTP: '21',
      COSFTP_PORT: 'tcp://10.0.0.1:21',
      COSFTP_PORT_21_TCP: 'tcp://10.0.0.1:21',
      COSFTP_PORT_21_TCP_ADDR: '10.0.0.1',
      COSFTP_LISTEN_PORT: 'tcp://10.0.0.1:21',
      PATH: '/bin',
    };
    assert.deepEqual(notices(env), []);
  });
});
