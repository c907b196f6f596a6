import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NetworkSet, parseNetwork, plainAddress } from '#gateway/kit/networks.ts';

describe('plainAddress', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::ffff:a01:203', '10.1.2.3'],
    ['0:0:0:0:0:ffff:10.1.2.3', '10.1.2.3'],
    ['FD12:0:0::1', 'fd12::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['not an address', 'not an address'],
  ];
  for (const [written, plain] of cases) {
    test(`${written} is ${plain}`, () => assert.equal(plainAddress(written), plain));
  }
});

describe('parseNetwork', () => {
  const inside: readonly (readonly [string, string])[] = [
    ['10.0.0.0/8', '10.255.255.255'],
    ['10.1.2.3/8', '10.0.0.0'],
    ['192.0.2.7', '192.0.2.7'],
    ['10.0.0.0/8', '::ffff:10.1.2.3'],
    ['::ffff:10.0.0.0/104', '10.1.2.3'],
    ['0.0.0.0/0', '203.0.113.9'],
    ['fc00::/7', 'fdff::1%eth0'],
    ['::1', '0:0:0:0:0:0:0:1'],
  ];
  for (const [network, address] of inside) {
    test(`${network} holds ${address}`, () =>
      assert.equal(parseNetwork(network)?.contains(address), true));
  }

  const outside: readonly (readonly [string, string])[] = [
    ['10.0.0.0/8', '11.0.0.0'],
    ['10.0.0.0/8', '9.255.255.255'],
    ['192.0.2.7', '192.0.2.8'],
    ['::/0', '10.1.2.3'],
    ['0.0.0.0/0', '::1'],
    ['10.0.0.0/8', ''],
    ['10.0.0.0/8', 'localhost'],
  ];
  for (const [network, address] of outside) {
    test(`${network} does not hold ${address || 'nothing'}`, () =>
      assert.equal(parseNetwork(network)?.contains(address), false));
  }

  for (const text of [
    '',
    '10.0.0.0/33',
    '::/129',
    '10.0.0/8',
    '10.0.0.0/',
    '/8',
    'x',
    '10.0.0.0/8/8',
  ]) {
    test(`"${text}" is no network`, () => assert.equal(parseNetwork(text), undefined));
  }
});

describe('NetworkSet', () => {
  const set = new NetworkSet(['10.0.0.0/8', '172.16.0.0/12', 'nonsense']);

  test('holds what any entry holds and leaves nonsense out', () => {
    assert.equal(set.contains('172.31.0.1'), true);
    assert.equal(set.contains('192.168.0.1'), false);
  });

  test('holds both addresses only when one entry does', () => {
    assert.equal(set.containsBoth('10.0.0.1', '10.9.9.9'), true);
    assert.equal(set.containsBoth('10.0.0.1', '172.16.0.1'), false);
    assert.equal(set.containsBoth('10.0.0.1', '8.8.8.8'), false);
  });

  test('holds nothing when empty', () => assert.equal(new NetworkSet([]).contains('::1'), false));
});
