import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areConfusable, type PeerPolicy, peerRule } from '#gateway/ftp/peer-rule.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';

const networks = new NetworkSet(['10.0.0.0/8', '192.168.0.0/16', '10.1.0.0/16', 'fc00::/7']);
const rule = (peer: string, policy: PeerPolicy) => peerRule(peer, policy, networks);

test('same accepts the control address only, however the socket spells it', () => {
  const same = rule('::ffff:10.1.2.3', 'same');
  assert.equal(same.accepts('10.1.2.3'), true);
  assert.equal(same.accepts('10.1.2.4'), false);
});

test('network accepts an address in one entry with the control address', () => {
  const network = rule('10.1.2.3', 'network');
  assert.equal(network.accepts('10.9.9.9'), true);
  assert.equal(network.accepts('192.168.1.1'), false, 'inside another entry');
  assert.equal(network.accepts('203.0.113.1'), false);
});

test('network outside all entries is same', () => {
  const outside = rule('203.0.113.1', 'network');
  assert.equal(outside.accepts('203.0.113.1'), true);
  assert.equal(outside.accepts('203.0.113.2'), false);
});

const confusable: [string, PeerPolicy, string, PeerPolicy, boolean][] = [
  ['10.1.2.3', 'same', '10.1.2.3', 'same', true],
  ['10.1.2.3', 'same', '10.1.2.4', 'same', false],
  ['10.1.2.3', 'network', '10.200.0.1', 'network', true],
  ['10.1.2.3', 'network', '192.168.0.1', 'network', false],
  ['10.200.0.1', 'network', '10.1.2.3', 'same', true],
  ['203.0.113.1', 'network', '203.0.113.2', 'network', false],
  ['203.0.113.1', 'any', '10.0.0.1', 'same', true],
  ['fd00::1', 'network', 'fd00::2', 'network', true],
];

for (const [peer, policy, otherPeer, otherPolicy, expected] of confusable) {
  test(`${peer} by ${policy} and ${otherPeer} by ${otherPolicy} ${expected ? 'never share' : 'may share'} a port`, () => {
    assert.equal(areConfusable(rule(peer, policy), rule(otherPeer, otherPolicy)), expected);
    assert.equal(areConfusable(rule(otherPeer, otherPolicy), rule(peer, policy)), expected);
  });
}
