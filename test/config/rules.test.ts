import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadYaml, minimalYaml, problemsOf } from '#test/support/config-text.ts';

const problems = (words: string) => problemsOf(() => loadYaml(minimalYaml(words)));

describe('words that contradict each other', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'FTP port inside the passive range',
      'listen_port: 61015',
      ['gateway.yaml: passive_port: 61000-61015 takes in listen_port (61015)'],
    ],
    ['FTP port just above the passive range', 'listen_port: 61016', []],
    ['FTP port just below the passive range', 'listen_port: 60999', []],
    [
      'written admin port inside the passive range',
      'passive_port: 9000-9200\nadmin_port: 9121',
      ['gateway.yaml:1:15: passive_port: 9000-9200 takes in admin_port (9121)'],
    ],
    ['default admin port inside it, which moves', 'passive_port: 9000-9200', []],
    [
      'one port twice',
      'listen_port: 990\nadmin_port: 990\ntls: {certificate_file: a, key_file: b, implicit_port: 990}',
      [
        'gateway.yaml:2:13: admin_port: 990 is already listen_port',
        'gateway.yaml:3:56: tls.implicit_port: 990 is already listen_port',
      ],
    ],
    [
      'any free port for all of them',
      'listen_port: 0\nadmin_port: 0\ntls: {certificate_file: a, key_file: b, implicit_port: 0}',
      [],
    ],
    [
      'lowest TLS version above the default highest',
      'tls: {certificate_file: a, key_file: b, min_version: 1.3}',
      [
        'gateway.yaml:1:54: tls.min_version: 1.3 is above max_version 1.2 (set max_version: "1.3" as well)',
      ],
    ],
    [
      'an old TLS ceiling',
      'tls: {certificate_file: a, key_file: b, max_version: 1.1}',
      [
        'gateway.yaml:1:6: tls.min_version: 1.2 is above max_version 1.1 (set max_version: "1.2" as well)',
      ],
    ],
    ['TLS of old devices', 'tls: {certificate_file: a, key_file: b, min_version: 1.0}', []],
    [
      'only TLS 1.3',
      'tls: {certificate_file: a, key_file: b, min_version: 1.3, max_version: 1.3}',
      [],
    ],
    [
      'PROXY protocol from anybody',
      'proxy_protocol: {mode: optional}',
      [
        'gateway.yaml:1:17: proxy_protocol.trusted: is empty, and mode is optional (name the networks of the balancers; anybody else could claim any address)',
      ],
    ],
    [
      'PROXY protocol from a bad network is one problem',
      'proxy_protocol: {mode: optional, trusted: [x]}',
      [
        'gateway.yaml:1:44: proxy_protocol.trusted[0]: "x" is not a network (for example 10.0.0.0/8)',
      ],
    ],
    ['part as large as the memory', 'min_part_size: 8Mi\nupload_memory: 8Mi', []],
    [
      'part one byte larger than the memory',
      'min_part_size: 8388609\nupload_memory: 8Mi',
      ['gateway.yaml:1:16: min_part_size: is more than upload_memory holds'],
    ],
    ['accepting as long as draining', 'drain_accept_seconds: 20\ndrain_seconds: 20', []],
    [
      'accepting longer than draining',
      'drain_accept_seconds: 21\ndrain_seconds: 20',
      ['gateway.yaml:1:23: drain_accept_seconds: 21 is more than drain_seconds (20)'],
    ],
    ['no account', 'accounts: []', ['gateway.yaml:1:11: accounts: is empty: nobody could log in']],
    ['accounts left empty', 'accounts:', ['gateway.yaml:1:10: accounts: is missing']],
    [
      'one user twice',
      'accounts:\n  - {user: alice, password: a}\n  - {user: bob, password: a}\n  - {user: alice, password: b}',
      [
        'gateway.yaml:4:12: accounts[2].user: "alice" is the user of another account already, see gateway.yaml:2:12',
      ],
    ],
    ['users that differ in case', 'accounts: [{user: a, password: x}, {user: A, password: x}]', []],
    [
      'no password',
      'accounts: [{user: alice, password: ""}]',
      ['gateway.yaml:1:12: accounts[0]: has none of password, password_hash, password_file'],
    ],
    [
      'two passwords',
      'accounts: [{user: alice, password_file: x, password: y}]',
      ['gateway.yaml:1:41: accounts[0].password_file: stands beside password: keep one'],
    ],
  ];
  for (const [name, words, expected] of cases) {
    test(name, () => assert.deepEqual(problems(words), expected));
  }
});
