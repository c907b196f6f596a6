import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { filenameEncodings } from '#gateway/config/encodings.ts';
import type { GatewayConfig } from '#gateway/config/model.ts';
import { configWords } from '#gateway/config/schema.ts';
import { loadYaml, minimalYaml, onlyAccount, problemsOf } from '#test/support/config-text.ts';

const Ki = 2 ** 10;
const Mi = 2 ** 20;
const Gi = 2 ** 30;

const allEncodings = `known: ${filenameEncodings.join(', ')}`;

const read = (words: string) => loadYaml(minimalYaml(words)).config;
const firstProblem = (words: string) => problemsOf(() => loadYaml(minimalYaml(words)))[0];

test('every word has a description', () => {
  const silent = configWords().filter(({ description }) => description.length < 10);
  assert.deepEqual(silent, []);
});

test('a file with nothing but an account has the documented defaults', () => {
  const { accounts, ...rest } = read('');
  assert.deepEqual(rest, {
    listen_address: '::',
    listen_port: 2121,
    passive_port: { first: 61000, last: 61015 },
    masquerade_networks: [],
    admin_address: '127.0.0.1',
    admin_port: 9121,
    admin_port_configured: false,
    active_mode: 'disabled',
    data_peer: 'same',
    data_peer_networks: [
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '100.64.0.0/10',
      'fc00::/7',
    ],
    proxy_protocol: { mode: 'disabled', trusted: [] },
    filename_encoding: 'utf-8',
    single_file_max_size: 200 * Gi,
    min_part_size: Mi,
    max_sessions: 5000,
    max_sessions_per_address: 1000,
    max_sessions_per_account: 0,
    upload_bytes_per_second: 0,
    download_bytes_per_second: 0,
    upload_bytes_per_second_per_account: 0,
    download_bytes_per_second_per_account: 0,
    login_seconds: 60,
    idle_seconds: 600,
    stall_seconds: 120,
    data_connect_seconds: 30,
    incomplete_uploads: 'discard',
    content_types: {},
    server_side_encryption: 'bucket_default',
    metadata: {},
    store_mtime: false,
    drain_seconds: 3600,
    drain_accept_seconds: 10,
    fast_paths: 'auto',
    log: { level: 'info', directory: '/srv/log', rotate: 'daily', keep: 14 },
  });
  assert.deepEqual(accounts, [
    {
      user: 'alice',
      password: { kind: 'plain', value: 'wonderland' },
      prefix: '',
      permissions: ['list', 'read', 'write', 'overwrite', 'delete'],
      single_file_max_size: 200 * Gi,
      incomplete_uploads: 'discard',
      filename_encoding: 'utf-8',
      max_sessions: 0,
      upload_bytes_per_second: 0,
      download_bytes_per_second: 0,
      content_types: {},
      server_side_encryption: 'bucket_default',
      metadata: {},
      cos: {
        bucket: 'inbox-1250000000',
        region: 'ap-guangzhou',
        endpoint: '',
        protocol: 'https',
        credentials: { kind: 'environment' },
      },
    },
  ]);
});

describe('values of words', () => {
  const cases: readonly (readonly [string, (config: GatewayConfig) => unknown, unknown])[] = [
    ['listen_address: 0.0.0.0', (config) => config.listen_address, '0.0.0.0'],
    ['listen_address: "[::1]"', (config) => config.listen_address, '::1'],
    ['listen_address: localhost', (config) => config.listen_address, 'localhost'],
    ['listen_port: 0', (config) => config.listen_port, 0],
    ['listen_port: "65535"', (config) => config.listen_port, 65535],
    [`instance: ${'n'.repeat(100)}`, (config) => config.instance, 'n'.repeat(100)],
    ['passive_port: 50000', (config) => config.passive_port, { first: 50000, last: 50000 }],
    ['passive_port: 9122 - 65535', (config) => config.passive_port, { first: 9122, last: 65535 }],
    ['masquerade_address: 203.0.113.7', (config) => config.masquerade_address, '203.0.113.7'],
    [
      'masquerade_address: ftp.example.com',
      (config) => config.masquerade_address,
      'ftp.example.com',
    ],
    ['masquerade_address: ""', (config) => config.masquerade_address, undefined],
    ['masquerade_address: null', (config) => config.masquerade_address, undefined],
    [
      'masquerade_networks: [{clients: fc00::/7, address: 10.1.2.3}]',
      (config) => config.masquerade_networks,
      [{ clients: 'fc00::/7', address: '10.1.2.3' }],
    ],
    [
      'masquerade_address_file: info/address',
      (config) => config.masquerade_address_file,
      '/etc/gateway/info/address',
    ],
    ['admin_port: 9121', (config) => config.admin_port_configured, true],
    ['data_peer: Network', (config) => config.data_peer, 'network'],
    ['data_peer_networks: [10.0.0.0/8]', (config) => config.data_peer_networks, ['10.0.0.0/8']],
    [
      'data_peer_networks: 10.0.0.0/8, fc00::/7',
      (config) => config.data_peer_networks,
      ['10.0.0.0/8', 'fc00::/7'],
    ],
    ['data_peer_networks: []', (config) => config.data_peer_networks, []],
    [
      'proxy_protocol: {mode: required, trusted: [10.0.0.0/8]}',
      (config) => config.proxy_protocol,
      { mode: 'required', trusted: ['10.0.0.0/8'] },
    ],
    ['filename_encoding: GBK', (config) => onlyAccount(config).filename_encoding, 'gbk'],
    ['filename_encoding: latin1', (config) => config.filename_encoding, 'iso-8859-1'],
    ['filename_encoding: cp1252', (config) => config.filename_encoding, 'windows-1252'],
    ['single_file_max_size: 1', (config) => onlyAccount(config).single_file_max_size, 1],
    ['single_file_max_size: 50000Gi', (config) => config.single_file_max_size, 50000 * Gi],
    ['upload_memory: 8Mi', (config) => config.upload_memory, 8 * Mi],
    ['upload_memory: 4000Mi', (config) => config.upload_memory, 4000 * Mi],
    ['min_part_size: 1024Ki', (config) => config.min_part_size, 1024 * Ki],
    ['parts_in_flight: 512', (config) => config.parts_in_flight, 512],
    ['max_sessions: 0', (config) => config.max_sessions, 0],
    ['max_sessions: 1', (config) => config.max_sessions, 1],
    ['upload_bytes_per_second: 10Mi', (config) => config.upload_bytes_per_second, 10 * Mi],
    ['download_bytes_per_second: 1024', (config) => config.download_bytes_per_second, 1024],
    [
      'upload_bytes_per_second_per_account: 1Mi',
      (config) => onlyAccount(config).upload_bytes_per_second,
      Mi,
    ],
    [
      'download_bytes_per_second_per_account: 2Mi',
      (config) => onlyAccount(config).download_bytes_per_second,
      2 * Mi,
    ],
    ['max_sessions_per_account: 3', (config) => onlyAccount(config).max_sessions, 3],
    ['idle_seconds: 10', (config) => config.idle_seconds, 10],
    [
      'incomplete_uploads: complete',
      (config) => onlyAccount(config).incomplete_uploads,
      'complete',
    ],
    ['drain_seconds: 5', (config) => config.drain_accept_seconds, 5],
    ['drain_seconds: 10', (config) => config.drain_accept_seconds, 10],
    ['drain_accept_seconds: 0', (config) => config.drain_accept_seconds, 0],
    [
      'log: {directory: logs, rotate: never}',
      (config) => config.log.directory,
      '/etc/gateway/logs',
    ],
    ['log: {directory: /var/log/ftp}', (config) => config.log.directory, '/var/log/ftp'],
    ['log: {keep: 0}', (config) => config.log.keep, 0],
    ['tls:', (config) => config.tls, undefined],
    [
      'tls: {certificate_file: tls.crt, key_file: /k, implicit_port: 990, max_version: 1.3}',
      (config) => config.tls,
      {
        certificate_file: '/etc/gateway/tls.crt',
        key_file: '/k',
        required: false,
        implicit_port: 990,
        min_version: '1.2',
        max_version: '1.3',
        session_reuse: 'optional',
        close_notify: 'required',
      },
    ],
  ];
  for (const [words, pick, expected] of cases) {
    test(words, () => assert.deepEqual(pick(read(words)), expected));
  }
});

describe('values of account words', () => {
  type Account = GatewayConfig['accounts'][number];
  const hash = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'B'.repeat(43)}`;
  const cases: readonly (readonly [string, (account: Account) => unknown, unknown])[] = [
    ['password: 0123', ({ password }) => password, { kind: 'plain', value: '0123' }],
    ['password: true', ({ password }) => password, { kind: 'plain', value: 'true' }],
    ['password: "a#b;c "', ({ password }) => password, { kind: 'plain', value: 'a#b;c ' }],
    ['password: "null"', ({ password }) => password, { kind: 'plain', value: 'null' }],
    [`password: "${hash}"`, ({ password }) => password, { kind: 'hash', value: hash }],
    [`password_hash: ${hash}`, ({ password }) => password, { kind: 'hash', value: hash }],
    ['password_file: pw', ({ password }) => password, { kind: 'file', path: '/etc/gateway/pw' }],
    ['password: x\n    prefix: in/alice', ({ prefix }) => prefix, 'in/alice/'],
    ['password: x\n    prefix: in/alice/', ({ prefix }) => prefix, 'in/alice/'],
    ['password: x\n    prefix: 2024', ({ prefix }) => prefix, '2024/'],
    ['password: x\n    prefix: 收件/', ({ prefix }) => prefix, '收件/'],
    [
      'password: x\n    permissions: [read, list, read]',
      ({ permissions }) => permissions,
      ['read', 'list'],
    ],
    ['password: x\n    permissions: write', ({ permissions }) => permissions, ['write']],
    [
      'password: x\n    single_file_max_size: 5Mi',
      (account) => account.single_file_max_size,
      5 * Mi,
    ],
    [
      'password: x\n    incomplete_uploads: complete',
      (account) => account.incomplete_uploads,
      'complete',
    ],
    [
      'password: x\n    upload_bytes_per_second: 1Ki',
      (account) => [account.upload_bytes_per_second, account.download_bytes_per_second],
      [1024, 0],
    ],
    ['password: x\n    filename_encoding: Big5', (account) => account.filename_encoding, 'big5'],
  ];
  for (const [words, pick, expected] of cases) {
    test(words.replace(hash, '<hash>'), () => {
      const config = read(`accounts:\n  - user: alice\n    ${words}`);
      assert.deepEqual(pick(onlyAccount(config)), expected);
    });
  }
});

describe('values that are refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      'listen_address: 1.2.3',
      '1:17: listen_address: "1.2.3" is not an address ("::" or 0.0.0.0 for all addresses, or one address of this machine)',
    ],
    ['listen_port: 65536', '1:14: listen_port: "65536" is not a port from 0 to 65535'],
    ['listen_port: -1', '1:14: listen_port: "-1" is not a port from 0 to 65535'],
    ['listen_port: 2121.5', '1:14: listen_port: "2121.5" is not a port from 0 to 65535'],
    ['listen_port: [1]', '1:14: listen_port: expected one value, not a list or a block'],
    ['listen_port: 0x10', '1:14: listen_port: "0x10" is not a port from 0 to 65535'],
    ...['/', '-a', '..', 'n'.repeat(101)].map(
      (name) =>
        [
          `instance: ${name}`,
          `1:11: instance: "${name.length > 60 ? `${name.slice(0, 60)}…` : name}" is not a name of an instance (at most 100 letters, digits, dots and dashes, a letter or digit first)`,
        ] as const,
    ),
    [
      'passive_port: 0',
      '1:15: passive_port: "0" is not a range of ports from 1 to 65535 (both ends are included: 61000-61015)',
    ],
    [
      'passive_port: 65000-65536',
      '1:15: passive_port: "65000-65536" is not a range of ports from 1 to 65535 (both ends are included: 61000-61015)',
    ],
    [
      'passive_port: 61015-61014',
      '1:15: passive_port: "61015-61014" ends before it begins (61014-61015?)',
    ],
    [
      'masquerade_address: ::1',
      '1:21: masquerade_address: "::1" is neither an IPv4 address nor a DNS name (the address under which clients reach this server; leave the word out when there is no NAT)',
    ],
    [
      'masquerade_address: 999.1.1.1',
      '1:21: masquerade_address: "999.1.1.1" is neither an IPv4 address nor a DNS name (the address under which clients reach this server; leave the word out when there is no NAT)',
    ],
    [
      'masquerade_address: 0.0.0.0',
      '1:21: masquerade_address: "0.0.0.0" is neither an IPv4 address nor a DNS name (the address under which clients reach this server; leave the word out when there is no NAT)',
    ],
    [
      'masquerade_address: XXX.XXX.XXX.XXX',
      '1:21: masquerade_address: "XXX.XXX.XXX.XXX" is neither an IPv4 address nor a DNS name (the address under which clients reach this server; leave the word out when there is no NAT)',
    ],
    [
      'masquerade_networks: [{clients: 10.0.0.0/33, address: 10.1.2.3}]',
      '1:33: masquerade_networks[0].clients: "10.0.0.0/33" is not a network (for example 10.0.0.0/8)',
    ],
    [
      'masquerade_networks: [{clients: 10.0.0.0/8, address: ftp.example.com}]',
      '1:54: masquerade_networks[0].address: "ftp.example.com" is not an IPv4 address a client can connect to',
    ],
    [
      'masquerade_networks: [10.0.0.0/8]',
      '1:23: masquerade_networks[0]: expected a block of words (its words: clients, address)',
    ],
    ['masquerade_networks: 10.0.0.0/8', '1:22: masquerade_networks: expected a list'],
    [
      'data_peer: some',
      '1:12: data_peer: "some" is not one of same, network, any (did you mean same?)',
    ],
    [
      'data_peer_networks: [10.0.0.0/8, x]',
      '1:34: data_peer_networks[1]: "x" is not a network (for example 10.0.0.0/8)',
    ],
    [
      'proxy_protocol: {mode: off}',
      '1:24: proxy_protocol.mode: "off" is not one of disabled, optional, required',
    ],
    [
      'filename_encoding: utf-16le',
      `1:20: filename_encoding: "utf-16le" is not a file-name encoding we know (${allEncodings})`,
    ],
    ['single_file_max_size: 0', '1:23: single_file_max_size: "0" is not between 1 B and 48.8 TiB'],
    [
      'single_file_max_size: 53687091200001',
      '1:23: single_file_max_size: "53687091200001" is not between 1 B and 48.8 TiB',
    ],
    [
      'single_file_max_size: 1.5Gi',
      '1:23: single_file_max_size: "1.5Gi" is not a size (whole bytes, or a whole number followed by Ki, Mi, Gi or Ti: 64Mi)',
    ],
    ['upload_memory: 8191Ki', '1:16: upload_memory: "8191Ki" is not between 8 MiB and 3.9 GiB'],
    ['upload_memory: 4001Mi', '1:16: upload_memory: "4001Mi" is not between 8 MiB and 3.9 GiB'],
    [
      'upload_memory: 64MB',
      '1:16: upload_memory: "64MB" is not a size (whole bytes, or a whole number followed by Ki, Mi, Gi or Ti: 64Mi)',
    ],
    ['min_part_size: 1023Ki', '1:16: min_part_size: "1023Ki" is not between 1 MiB and 3.9 GiB'],
    ['parts_in_flight: 0', '1:18: parts_in_flight: "0" is not a number of parts from 1 to 512'],
    ['parts_in_flight: 513', '1:18: parts_in_flight: "513" is not a number of parts from 1 to 512'],
    [
      'incomplete_uploads: keep',
      '1:21: incomplete_uploads: "keep" is not one of discard, complete',
    ],
    [
      'drain_seconds: 604801',
      '1:16: drain_seconds: "604801" is not a number of seconds from 0 to 604800',
    ],
    ['log: {level: trace}', '1:14: log.level: "trace" is not one of debug, info, warn, error'],
    [
      'log: {rotate: weekly}',
      '1:15: log.rotate: "weekly" is not one of never, daily, hourly, every_minute, every_second',
    ],
    [
      'log: debug',
      '1:6: log: expected a block of words (its words: level, directory, rotate, keep)',
    ],
    [
      'tls: {certificate_file: a, key_file: b, required: yes}',
      '1:51: tls.required: "yes" is neither true nor false',
    ],
    [
      'tls: {certificate_file: a, key_file: b, min_version: 1.4}',
      '1:54: tls.min_version: "1.4" is not one of 1.0, 1.1, 1.2, 1.3 (did you mean 1.0?)',
    ],
    ['tls: {certificate_file: a}', '1:6: tls.key_file: is missing'],
    ['accounts: alice', '1:11: accounts: expected a list'],
    [
      'cos: {bucket: inbox, region: a}',
      '1:15: cos.bucket: "inbox" is not a bucket (the whole name with the APPID, in small letters: inbox-1250000000)',
    ],
    [
      'cos: {bucket: a-12345, region: cos.ap-guangzhou}',
      '1:32: cos.region: "cos.ap-guangzhou" is not a region (the short name, without "cos." and domain: ap-guangzhou)',
    ],
    [
      'cos: {bucket: a-12345, region: a, endpoint: https://x.y}',
      '1:45: cos.endpoint: "https://x.y" holds a scheme (write only host or host:port here, and protocol: http or https beside it)',
    ],
    [
      'cos: {bucket: a-12345, region: a, endpoint: "x.y:0"}',
      '1:45: cos.endpoint: "x.y:0" is not an endpoint (host or host:port: cos.ap-guangzhou.tencentcos.cn, or {bucket}.cos-internal.{region}.tencentcos.cn)',
    ],
  ];
  for (const [words, expected] of cases) {
    test(words, () => assert.equal(firstProblem(words), `gateway.yaml:${expected}`));
  }
});

describe('account values that are refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      'prefix: /alice',
      '4:13: accounts[0].prefix: "/alice" begins with a slash, keys in COS do not (write "alice/")',
    ],
    [
      'prefix: /',
      '4:13: accounts[0].prefix: "/" begins with a slash, keys in COS do not (leave the word out for the whole bucket)',
    ],
    [
      'prefix: a//b',
      '4:13: accounts[0].prefix: "a//b" holds an empty name, ".", ".." or a control character',
    ],
    [
      'prefix: a/../b',
      '4:13: accounts[0].prefix: "a/../b" holds an empty name, ".", ".." or a control character',
    ],
    [
      'prefix: a/.cosftp',
      '4:13: accounts[0].prefix: "a/.cosftp" holds .cosftp, which the gateway keeps for itself',
    ],
    [
      `prefix: ${'a'.repeat(512)}`,
      `4:13: accounts[0].prefix: "${'a'.repeat(60)}…" is longer than 512 bytes`,
    ],
    [
      'permissions: [raed]',
      '4:19: accounts[0].permissions[0]: "raed" is not one of list, read, write, overwrite, delete (did you mean read?)',
    ],
    [
      'permissions: []',
      '4:18: accounts[0].permissions: is empty (leave the word out to allow everything)',
    ],
  ];
  for (const [words, expected] of cases) {
    test(words.slice(0, 40), () => {
      const text = `accounts:\n  - user: alice\n    password: x\n    ${words}`;
      assert.equal(firstProblem(text), `gateway.yaml:${expected}`);
    });
  }

  test('a prefix of 511 bytes and its slash is as long as it may be', () => {
    const text = `accounts:\n  - {user: alice, password: x, prefix: ${'a'.repeat(511)}}`;
    assert.equal(onlyAccount(read(text)).prefix.length, 512);
  });
});

describe('COS places of the bucket word', () => {
  for (const bucket of ['a-12345', 'my-inbox-1250000000', `${'a'.repeat(50)}-1250000000`]) {
    test(`${bucket} is a bucket`, () =>
      assert.equal(onlyAccount(read(`cos: {region: a, bucket: ${bucket}}`)).cos.bucket, bucket));
  }
  for (const bucket of [
    'inbox-',
    'Inbox-1250000000',
    '-a-1250000000',
    `${'a'.repeat(51)}-1250000000`,
  ]) {
    test(`${bucket} is none`, () =>
      assert.match(firstProblem(`cos: {region: a, bucket: ${bucket}}`) ?? '', /is not a bucket/));
  }
});

test('no choice is a word that YAML 1.1 reads as a boolean', () => {
  const booleans = ['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false'];
  const choices = [
    'active_mode',
    'data_peer',
    'proxy_protocol.mode',
    'incomplete_uploads',
    'storage_class',
    'server_side_encryption',
    'log.level',
    'log.rotate',
    'cos.protocol',
    'cos.credentials',
  ];
  for (const word of choices) {
    const [problem = ''] = problemsOf(() => loadYaml(minimalYaml(''), { set: [`${word}=?`] }));
    const listed = /is not one of ([\w/, ]+)/.exec(problem)?.[1]?.split(', ') ?? [];
    assert.ok(listed.length > 1, `${word}: ${problem}`);
    assert.deepEqual(
      listed.filter((choice) => booleans.includes(choice)),
      [],
    );
  }
});
