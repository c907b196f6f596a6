import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseExtendedPort,
  parsePort,
  protocolOf,
  targetProblem,
} from '#gateway/ftp/active-address.ts';

test('PORT is six numbers of one byte each', () => {
  assert.deepEqual(parsePort('192,0,2,1,4,1'), { address: '192.0.2.1', port: 1025 });
  assert.deepEqual(parsePort('192, 0, 2, 1, 255, 255'), { address: '192.0.2.1', port: 65_535 });
  assert.deepEqual(parsePort('010,000,002,001,4,0'), { address: '10.0.2.1', port: 1024 });
  for (const text of [
    '',
    '192,0,2,1,4',
    '192,0,2,1,4,1,0',
    '192,0,2,1,4,256',
    '192,0,2,256,4,1',
    '192,0,2,1,300,999',
    '192,0,2,1,,1',
    '192,0,2,1,-4,1',
    '192,0,2,1,0x4,1',
    '192.0.2.1,4,1',
  ]) {
    assert.equal(parsePort(text), undefined, text);
  }
});

test('EPRT takes any printable delimiter, and an address of the protocol it names', () => {
  const four = { address: '192.0.2.1', port: 6275 };
  for (const text of ['|1|192.0.2.1|6275|', '!1!192.0.2.1!6275!', 'x1x192.0.2.1x6275x']) {
    assert.deepEqual(parseExtendedPort(text, '1'), four, text);
  }
  assert.deepEqual(parseExtendedPort('|2|2001:DB8:0::1|6275|', '2'), {
    address: '2001:db8::1',
    port: 6275,
  });
  for (const text of [
    '',
    '|',
    '|||||',
    '|1|192.0.2.1|6275',
    '1|192.0.2.1|6275|',
    '|1|192.0.2.1|6275||',
    '|1|192.0.2.1|6275|x',
    '|1|::1|6275|',
    '|1|192.0.2.1|65536|',
    '|1|192.0.2.1|-1|',
    '|1|192.0.2.1||',
    '|x|192.0.2.1|6275|',
    ' 1 192.0.2.1 6275 ',
  ]) {
    assert.equal(parseExtendedPort(text, '1'), undefined, text);
  }
});

test('EPRT of another protocol is told apart from a mistake', () => {
  assert.equal(parseExtendedPort('|2|::1|6275|', '1'), 'foreign-protocol');
  assert.equal(parseExtendedPort('|1|192.0.2.1|6275|', '2'), 'foreign-protocol');
  assert.equal(parseExtendedPort('|3|what|ever|', '1'), 'foreign-protocol');
  assert.deepEqual([protocolOf('192.0.2.1'), protocolOf('::1')], ['1', '2']);
});

test('only the own address and unprivileged ports may be connected to', () => {
  const peer = '192.0.2.1';
  assert.match(targetProblem({ address: '192.0.2.2', port: 6000 }, peer) ?? '', /own address/);
  assert.match(targetProblem({ address: peer, port: 1023 }, peer) ?? '', /1024/);
  assert.match(targetProblem({ address: peer, port: 0 }, peer) ?? '', /1024/);
  assert.equal(targetProblem({ address: peer, port: 1024 }, peer), undefined);
  assert.equal(targetProblem({ address: peer, port: 1025 }, peer), undefined);
});
