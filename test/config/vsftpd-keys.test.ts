import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GatewayConfig } from '#gateway/config/model.ts';
import {
  loadIni,
  minimalIni,
  noticesOf,
  onlyAccount,
  problemsOf,
} from '#test/support/config-text.ts';

type Account = GatewayConfig['accounts'][number];

test('a file with nothing but an account has the defaults of the original tool', () => {
  const { config } = loadIni(minimalIni());
  assert.deepEqual(config.passive_port, { first: 60000, last: 65535 });
  assert.equal(config.listen_port, 2121);
  assert.equal(config.max_sessions, 255);
  assert.equal(config.single_file_max_size, 214748364800);
  assert.equal(config.incomplete_uploads, 'complete');
  assert.equal(config.active_mode, 'enabled');
  assert.deepEqual(config.log, {
    level: 'info',
    directory: '/srv/log',
    rotate: 'never',
    keep: 100,
  });
  assert.deepEqual(config.accounts, [
    {
      user: 'user0',
      password: { kind: 'plain', value: 'pass0' },
      prefix: '',
      permissions: ['list', 'read', 'write', 'overwrite', 'delete'],
      single_file_max_size: 214748364800,
      incomplete_uploads: 'complete',
      filename_encoding: 'utf-8',
      content_types: {},
      server_side_encryption: 'bucket_default',
      metadata: {},
      max_sessions: 0,
      upload_bytes_per_second: 0,
      download_bytes_per_second: 0,
      cos: {
        bucket: 'inbox-1250000000',
        region: 'ap-guangzhou',
        endpoint: '',
        protocol: 'https',
        credentials: { kind: 'static', secretid: 'AKIDexample', secretkey: 'example-key' },
      },
    },
  ]);
});

describe('keys of an account', () => {
  const hash = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'B'.repeat(43)}`;
  const cases: readonly (readonly [
    Record<string, string>,
    (account: Account) => unknown,
    unknown,
  ])[] = [
    [{ cos_bucket: 'other-12345' }, ({ cos }) => cos.bucket, 'other-12345'],
    [{ cos_region: 'cn-south' }, ({ cos }) => cos.region, 'cn-south'],
    [
      { cos_endpoint: 'cos.ap-x.tencentcos.cn', cos_region: '' },
      ({ cos }) => [cos.endpoint, cos.region],
      ['cos.ap-x.tencentcos.cn', ''],
    ],
    [{ cos_endpoint: '127.0.0.1:9000', cos_region: '' }, ({ cos }) => cos.region, 'ap-guangzhou'],
    [{ cos_protocol: 'HTTP' }, ({ cos }) => cos.protocol, 'http'],
    [
      { cos_secretkey: 'a#b;c' },
      ({ cos }) => cos.credentials,
      { kind: 'static', secretid: 'AKIDexample', secretkey: 'a#b;c' },
    ],
    [
      { ftp_login_user_password: 'a#b;c=d:e' },
      ({ password }) => password,
      { kind: 'plain', value: 'a#b;c=d:e' },
    ],
    [{ ftp_login_user_password: hash }, ({ password }) => password, { kind: 'hash', value: hash }],
    [{ home_dir: '/no/such/directory' }, ({ prefix }) => prefix, ''],
    [{ authority: 'R' }, ({ permissions }) => permissions, ['list', 'read']],
    [{ authority: 'w' }, ({ permissions }) => permissions, ['write', 'overwrite', 'delete']],
    [
      { authority: 'WR' },
      ({ permissions }) => permissions,
      ['list', 'read', 'write', 'overwrite', 'delete'],
    ],
    [
      { delete_enable: 'False' },
      ({ permissions }) => permissions,
      ['list', 'read', 'write', 'overwrite'],
    ],
    [{ delete_enable: '1' }, ({ permissions }) => permissions.includes('delete'), true],
  ];
  for (const [keys, pick, expected] of cases) {
    test(JSON.stringify(keys).slice(0, 60), () =>
      assert.deepEqual(pick(onlyAccount(loadIni(minimalIni('', keys)).config)), expected),
    );
  }
});

describe('keys of the other sections', () => {
  const cases: readonly (readonly [string, (config: GatewayConfig) => unknown, unknown])[] = [
    [
      '[NETWORK]\nmasquerade_address = 203.0.113.7',
      (config) => config.masquerade_address,
      '203.0.113.7',
    ],
    [
      '[NETWORK]\nmasquerade_address = ftp.example.com',
      (config) => config.masquerade_address,
      'ftp.example.com',
    ],
    ['[NETWORK]\nmasquerade_address =', (config) => config.masquerade_address, undefined],
    [
      '[NETWORK]\nmasquerade_address = XXX.XXX.XXX.XXX',
      (config) => config.masquerade_address,
      undefined,
    ],
    [
      '[NETWORK]\nmasquerade_address = xxx.xxx.xxx.xxx',
      (config) => config.masquerade_address,
      undefined,
    ],
    ['[NETWORK]\nlisten_port = 21', (config) => config.listen_port, 21],
    ['[NETWORK]\nlisten_port =', (config) => config.listen_port, 2121],
    [
      '[NETWORK]\npassive_port = 61000,61100',
      (config) => config.passive_port,
      { first: 61000, last: 61100 },
    ],
    [
      '[NETWORK]\npassive_port = 61000 , 61100',
      (config) => config.passive_port,
      { first: 61000, last: 61100 },
    ],
    [
      '[NETWORK]\npassive_port = 61000-61100',
      (config) => config.passive_port,
      { first: 61000, last: 61100 },
    ],
    [
      '[NETWORK]\npassive_port = 61000',
      (config) => config.passive_port,
      { first: 61000, last: 65535 },
    ],
    [
      '[FILE_OPTION]\nsingle_file_max_size = 21474836480',
      (config) => config.single_file_max_size,
      21474836480,
    ],
    [
      '[FILE_OPTION]\nsingle_file_max_size = 53687091200000',
      (config) => config.single_file_max_size,
      53687091200000,
    ],
    ['[OPTIONAL]\nmin_part_size = default', (config) => config.min_part_size, 1048576],
    ['[OPTIONAL]\nmin_part_size = 1048575', (config) => config.min_part_size, 1048576],
    ['[OPTIONAL]\nmin_part_size = 1048576', (config) => config.min_part_size, 1048576],
    ['[OPTIONAL]\nmin_part_size = 2097152', (config) => config.min_part_size, 2097152],
    ['[OPTIONAL]\nupload_thread_num = default', (config) => config.parts_in_flight, undefined],
    ['[OPTIONAL]\nupload_thread_num = 8', (config) => config.parts_in_flight, 8],
    ['[OPTIONAL]\nmax_connection_num = 0', (config) => config.max_sessions, 0],
    ['[OPTIONAL]\nmax_connection_num = 3', (config) => config.max_sessions, 1],
    ['[OPTIONAL]\nmax_connection_num = 4', (config) => config.max_sessions, 1],
    ['[OPTIONAL]\nmax_connection_num = 5', (config) => config.max_sessions, 2],
    ['[OPTIONAL]\nmax_connection_num = default', (config) => config.max_sessions, 255],
    ['[OPTIONAL]\nmax_clients = 7', (config) => config.max_sessions, 7],
    ['[OPTIONAL]\nmax_per_ip = 7', (config) => config.max_sessions_per_address, 7],
    [
      '[OPTIONAL]\nlocal_max_rate = 1024',
      ({ accounts: [account] }) => [
        account?.upload_bytes_per_second,
        account?.download_bytes_per_second,
      ],
      [1024, 1024],
    ],
    ['[OPTIONAL]\nlocal_max_rate = 0', (config) => config.download_bytes_per_second_per_account, 0],
    ['[OPTIONAL]\nidle_session_timeout = 300', (config) => config.idle_seconds, 300],
    ['[OPTIONAL]\ndata_connection_timeout = 300', (config) => config.stall_seconds, 300],
    ['[OPTIONAL]\naccept_timeout = 60', (config) => config.data_connect_seconds, 60],
    ['[OPTIONAL]\nport_enable = NO', (config) => config.active_mode, 'disabled'],
    ['[OPTIONAL]\nport_enable = YES', (config) => config.active_mode, 'enabled'],
    ['[OPTIONAL]\nlog_level = DEBUG', (config) => config.log.level, 'debug'],
    ['[OPTIONAL]\nlog_level = WARNING', (config) => config.log.level, 'warn'],
    ['[OPTIONAL]\nlog_dir = Log/FTP', (config) => config.log.directory, '/srv/Log/FTP'],
    ['[OPTIONAL]\nlog_rotate_enabled = true', (config) => config.log.rotate, 'hourly'],
    [
      '[OPTIONAL]\nlog_rotate_enabled = true\nlog_rotate_when = D',
      (config) => config.log.rotate,
      'daily',
    ],
    [
      '[OPTIONAL]\nlog_rotate_enabled = true\nlog_rotate_when = s',
      (config) => config.log.rotate,
      'every_second',
    ],
    [
      '[OPTIONAL]\nlog_rotate_when = M\nlog_rotate_enabled = on',
      (config) => config.log.rotate,
      'every_minute',
    ],
    [
      '[OPTIONAL]\nlog_rotate_enabled = false\nlog_rotate_when = D',
      (config) => config.log.rotate,
      'never',
    ],
    ['[OPTIONAL]\nlog_rotate_when = D', (config) => config.log.rotate, 'never'],
    ['[OPTIONAL]\nlog_backup_count = 0', (config) => config.log.keep, 0],
    ['[DEFAULT]\nlisten_port = 2222\n[NETWORK]', (config) => config.listen_port, 2222],
    [
      '[DEFAULT]\nlisten_port = 2222\n[NETWORK]\nlisten_port = 1',
      (config) => config.listen_port,
      1,
    ],
  ];
  for (const [lines, pick, expected] of cases) {
    test(lines.replaceAll('\n', ' '), () =>
      assert.deepEqual(pick(loadIni(minimalIni(lines)).config), expected),
    );
  }
});

describe('values that cannot be meant', () => {
  const network: readonly (readonly [string, string])[] = [
    [
      '[NETWORK]\nmasquerade_address = 1.2.3',
      '[NETWORK] masquerade_address: "1.2.3" is neither an IPv4 address nor a DNS name (the address under which clients reach this server; leave the word out when there is no NAT)',
    ],
    ['[NETWORK]\nlisten_port = ftp', '[NETWORK] listen_port: "ftp" is not a port from 0 to 65535'],
    [
      '[NETWORK]\npassive_port = a,b',
      '[NETWORK] passive_port: "a,b" is not a range of ports (write first,last: 60000,65535)',
    ],
    ['[NETWORK]\npassive_port = 2,1', '[NETWORK] passive_port: "2-1" ends before it begins (1-2?)'],
    [
      '[NETWORK]\npassive_port = 2000,3000',
      '[NETWORK] passive_port: 2000-3000 takes in listen_port (2121)',
    ],
    [
      '[FILE_OPTION]\nsingle_file_max_size = 53687091200001',
      '[FILE_OPTION] single_file_max_size: "53687091200001" is not between 1 B and 48.8 TiB',
    ],
    [
      '[OPTIONAL]\nmin_part_size = auto',
      '[OPTIONAL] min_part_size: "auto" is not a size (whole bytes, or a whole number followed by Ki, Mi, Gi or Ti: 64Mi)',
    ],
    [
      '[OPTIONAL]\nupload_thread_num = 0',
      '[OPTIONAL] upload_thread_num: "0" is not a number of parts from 1 to 512',
    ],
    [
      '[OPTIONAL]\nmax_connection_num = 2',
      '[OPTIONAL] max_connection_num: 2 lets nobody in (a client takes two: at least 3, or 0 = no limit)',
    ],
    [
      '[OPTIONAL]\nmax_connection_num = many',
      '[OPTIONAL] max_connection_num: "many" is not a number of connections (0 = no limit)',
    ],
    [
      '[OPTIONAL]\nlocal_max_rate = 1023',
      '[OPTIONAL] local_max_rate: "1023" is not a rate (bytes a second, 1024 or more; 0 = no limit)',
    ],
    [
      '[OPTIONAL]\nlog_level = LOUD',
      '[OPTIONAL] log_level: "LOUD" is not one of debug, info, warn, error',
    ],
    [
      '[OPTIONAL]\nlog_rotate_enabled = maybe',
      '[OPTIONAL] log_rotate_enabled: "maybe" is neither true nor false',
    ],
    [
      '[OPTIONAL]\nlog_rotate_when = W0',
      '[OPTIONAL] log_rotate_when: "W0" is not one of S, M, H, D',
    ],
    [
      '[OPTIONAL]\nlog_backup_count = -1',
      '[OPTIONAL] log_backup_count: "-1" is not a number of files from 0 to 100000',
    ],
    [
      '[OPTIONAL]\nconfig_check_enable = ?',
      '[OPTIONAL] config_check_enable: "?" is neither true nor false',
    ],
    [
      '[OPTIONAL]\nlog_dir = log\n  listen_port = 1',
      '[OPTIONAL] log_dir: goes on in line 11, which is indented (a key of its own begins in the first column)',
    ],
  ];
  for (const [lines, expected] of network) {
    test(lines.replaceAll('\n', ' '), () => {
      const problems = problemsOf(() => loadIni(minimalIni(lines)));
      assert.deepEqual(problems, [`vsftpd.conf:10: ${expected}`]);
    });
  }

  const account: readonly (readonly [Record<string, string>, string])[] = [
    [{ cos_bucket: '' }, '1: [COS_ACCOUNT_0] cos_bucket: is missing'],
    [
      { cos_bucket: '{bucket name}-123' },
      '4: [COS_ACCOUNT_0] cos_bucket: "{bucket name}-123" is not a bucket (the whole name with the APPID, in small letters: inbox-1250000000)',
    ],
    [
      { cos_region: '' },
      '1: [COS_ACCOUNT_0] cos_region: is missing, and there is no endpoint either',
    ],
    [{ cos_secretkey: '' }, '1: [COS_ACCOUNT_0] cos_secretkey: is missing beside secretid'],
    [{ cos_protocol: 'ftp' }, '9: [COS_ACCOUNT_0] cos_protocol: "ftp" is not one of https, http'],
    [{ ftp_login_user_name: '' }, '1: [COS_ACCOUNT_0] ftp_login_user_name: is missing'],
    [{ ftp_login_user_password: '' }, '1: [COS_ACCOUNT_0] ftp_login_user_password: is missing'],
    [
      { ftp_login_user_password: '$scrypt$ln=15$oops' },
      '7: [COS_ACCOUNT_0] ftp_login_user_password: is not a password hash of ours (it reads $scrypt$ln=15,r=8,p=1$…$…; make one with the command hash-password)',
    ],
    [{ authority: '' }, '1: [COS_ACCOUNT_0] authority: is missing'],
    [
      { authority: 'X' },
      '8: [COS_ACCOUNT_0] authority: "X" holds neither R nor W (R reads, W writes, RW does both)',
    ],
    [
      { delete_enable: 'maybe' },
      '9: [COS_ACCOUNT_0] delete_enable: "maybe" is neither true nor false',
    ],
  ];
  for (const [keys, expected] of account) {
    test(JSON.stringify(keys), () => {
      const problems = problemsOf(() => loadIni(minimalIni('', keys)));
      assert.deepEqual(problems, [`vsftpd.conf:${expected}`]);
    });
  }
});

describe('what is done otherwise is told', () => {
  const told = (lines: string, account: Record<string, string> = {}) =>
    noticesOf(loadIni(minimalIni(`[NETWORK]\npassive_port = 61000,61015\n${lines}`, account)));
  const cases: readonly (readonly [string, Record<string, string>, string])[] = [
    [
      'masquerade_address = XXX.XXX.XXX.XXX',
      {},
      `warn vsftpd.conf:11: [NETWORK] masquerade_address: "XXX.XXX.XXX.XXX" is the sample's placeholder: taken as none (write the address clients use, or leave the value empty)`,
    ],
    [
      '[OPTIONAL]\nconfig_check_enable = true',
      {},
      'info vsftpd.conf:12: [OPTIONAL] config_check_enable: has no effect: all uploads share one bounded memory (upload_memory), nothing needs estimating',
    ],
    [
      '[OPTIONAL]\nmax_list_file = 10000',
      {},
      'info vsftpd.conf:12: [OPTIONAL] max_list_file: has no effect: listings are sent whole, however long they are',
    ],
    [
      '[OPTIONAL]\nmin_part_size = 65536',
      {},
      'warn vsftpd.conf:12: [OPTIONAL] min_part_size: "65536" is less than COS takes: 1048576 is used',
    ],
    [
      '',
      { delete_enable: 'false' },
      'warn vsftpd.conf:9: [COS_ACCOUNT_0] delete_enable: forbids DELE and RMD only; STOR, APPE and RNTO may still replace files, as in the original tool (in YAML, permissions without overwrite keeps them)',
    ],
    [
      '',
      { cos_secretkey: 'key # mine' },
      'warn vsftpd.conf:3: [COS_ACCOUNT_0] cos_secretkey: the value ends where a comment begins, at a # or ; after white space (a value that holds one fits into our YAML, in quotes)',
    ],
    [
      '',
      { ftp_login_user_password: 'pass ;x' },
      'warn vsftpd.conf:7: [COS_ACCOUNT_0] ftp_login_user_password: the value ends where a comment begins, at a # or ; after white space (a value that holds one fits into our YAML, in quotes)',
    ],
    [
      '',
      { cos_secretid: '', cos_secretkey: '' },
      'info vsftpd.conf:1: [COS_ACCOUNT_0] cos_secretid: is empty: the key comes from cvm_role (COSFTP_COS__CREDENTIALS chooses another source)',
    ],
    [
      'listen_prt = 1',
      {},
      'warn vsftpd.conf:11: unknown key "listen_prt", not read (did you mean listen_port?)',
    ],
    [
      'max_clients = 5',
      {},
      'warn vsftpd.conf:11: unknown key "max_clients", not read (it belongs in [OPTIONAL])',
    ],
    ['idle_seconds = 300', {}, 'warn vsftpd.conf:11: unknown key "idle_seconds", not read'],
    [
      'ssl_enable = YES',
      {},
      'warn vsftpd.conf:11: unknown key "ssl_enable", not read (FTPS is COSFTP_TLS__CERTIFICATE_FILE and COSFTP_TLS__KEY_FILE, or --set tls.certificate_file=… --set tls.key_file=…, also with this file)',
    ],
    [
      '[network]',
      {},
      'warn vsftpd.conf:11: unknown section [network], not read (did you mean [NETWORK]?)',
    ],
    [
      '[cos_account_1]',
      {},
      'warn vsftpd.conf:11: unknown section [cos_account_1], not read (did you mean [COS_ACCOUNT_1]?)',
    ],
    [
      '[FTP_ACCOUNT]\nlogin_users = user1:pass1:RW',
      {},
      'warn vsftpd.conf:11: unknown section [FTP_ACCOUNT], not read',
    ],
    [
      'passive_port = 61000,61015',
      {},
      'warn vsftpd.conf:11: "passive_port" stands already in line 10 (the last one counts)',
    ],
    [
      '[COS_ACCOUNT_0]',
      {},
      'warn vsftpd.conf:11: [COS_ACCOUNT_0] stands already in line 1 (both are read as one section; give each account a section name of its own)',
    ],
    [
      'passive_port = 32767,32768',
      {},
      'info vsftpd.conf:11: [NETWORK] passive_port: 32767-32768 reaches into 32768-60999 (Linux takes outgoing ports from there: one that is taken is skipped and tried again)',
    ],
  ];
  for (const [lines, account, expected] of cases) {
    test(expected.slice(0, 90), () =>
      assert.ok(told(lines, account).includes(expected), told(lines, account).join('\n')),
    );
  }

  test('and a plain file earns nothing', () => assert.deepEqual(told(''), []));

  for (const [range, isTold] of [
    ['32766,32767', false],
    ['60999,61000', true],
    ['61000,61001', false],
  ] as const) {
    test(`passive_port ${range} ${isTold ? 'reaches' : 'does not reach'} into the outgoing ports`, () =>
      assert.equal(
        told(`passive_port = ${range}`).some((notice) => notice.includes('reaches')),
        isTold,
      ));
  }
});

describe('an empty key takes', () => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{}, 'cvm_role'],
    [{ TKE_WEB_IDENTITY_TOKEN_FILE: '/token' }, 'tke_pod_identity'],
    [{ TENCENTCLOUD_SECRET_ID: 'a', TKE_WEB_IDENTITY_TOKEN_FILE: '/token' }, 'environment'],
    [{ COSFTP_COS__CREDENTIALS: 'tke_pod_identity' }, 'tke_pod_identity'],
    [{ COSFTP_COS__SECRETID: 'a', COSFTP_COS__SECRETKEY: 'b' }, 'static'],
  ];
  for (const [env, kind] of cases) {
    test(`${kind} when the environment has ${Object.keys(env).join(' and ') || 'nothing'}`, () => {
      const text = minimalIni('', { cos_secretid: '', cos_secretkey: '' });
      assert.equal(onlyAccount(loadIni(text, { env }).config).cos.credentials.kind, kind);
    });
  }
});
