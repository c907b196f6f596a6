import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { binaryBytesMax, lineBytesMax, readProxyHeader } from '#gateway/ftp/proxy-header.ts';
import { binaryHeader, proxyBinary, proxyLine } from '#test/support/proxy-header.ts';

const behind = Buffer.from('USER alice\r\n');
const source = '192.0.2.1';
const announced = { source, destination: '198.51.100.21' };

/** With everything at once, and with one byte more at a time: decided exactly at the header's last byte. */
function readEveryWay(header: Buffer) {
  const whole = readProxyHeader(Buffer.concat([header, behind]));
  for (let bytes = 0; bytes < header.length; bytes++) {
    assert.equal(readProxyHeader(header.subarray(0, bytes)).kind, 'incomplete', `${bytes} bytes`);
  }
  assert.deepEqual(readProxyHeader(header), whole);
  return whole;
}

const reasonOf = (text: string | Buffer) => {
  const read = readProxyHeader(Buffer.from(text));
  return read.kind === 'invalid' ? read.reason : read.kind;
};

describe('a line', () => {
  test('tells both addresses and how long it was', () => {
    const header = proxyLine({ source });
    assert.deepEqual(readEveryWay(header), { kind: 'header', bytes: header.length, announced });
  });

  test('tells IPv6 addresses in their short form, and IPv4 inside IPv6 as IPv4', () => {
    const long = proxyLine({ source: '2001:0DB8:0:0:0:0:0:1', destination: '::ffff:10.0.0.1' });
    const read = readEveryWay(long);
    assert.equal(read.kind, 'header');
    assert.deepEqual('announced' in read && read.announced, {
      source: '2001:db8::1',
      destination: '10.0.0.1',
    });
  });

  test('of an unknown connection announces nothing, whatever follows the word', () => {
    for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ::1 x 65536 what\r\n']) {
      assert.deepEqual(readEveryWay(Buffer.from(line)), { kind: 'header', bytes: line.length });
    }
  });

  test('may have 107 bytes and not one more', () => {
    const padded = (bytes: number) => Buffer.from(`${'PROXY UNKNOWN '.padEnd(bytes - 2, 'x')}\r\n`);
    assert.equal(readEveryWay(padded(lineBytesMax)).kind, 'header');
    assert.equal(reasonOf(padded(lineBytesMax + 1)), 'a line without end');
    assert.equal(reasonOf(padded(400).subarray(0, lineBytesMax - 1)), 'incomplete');
    assert.equal(reasonOf(padded(400).subarray(0, lineBytesMax)), 'a line without end');
  });

  for (const [fault, line] of [
    ['an unknown protocol', 'PROXY UDP4 192.0.2.1 192.0.2.2 1 2'],
    ['an unknown protocol', 'PROXY tcp4 192.0.2.1 192.0.2.2 1 2'],
    ['an unknown protocol', 'PROXY  TCP4 192.0.2.1 192.0.2.2 1 2'],
    ['an unknown protocol', 'PROXY UNKNOWNX'],
    ['no address', 'PROXY TCP4'],
    ['no address', 'PROXY TCP4 ::1 ::1 1 2'],
    ['no address', 'PROXY TCP6 192.0.2.1 192.0.2.2 1 2'],
    ['no address', 'PROXY TCP6 fe80::1%eth0 ::1 1 2'],
    ['no address', 'PROXY TCP4 192.0.2.256 192.0.2.2 1 2'],
    ['no port', 'PROXY TCP4 192.0.2.1 192.0.2.2 1'],
    ['no port', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 65536'],
    ['no port', 'PROXY TCP4 192.0.2.1 192.0.2.2 01 2'],
    ['no port', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3'],
    ['no port', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n'],
  ]) {
    test(`is refused with ${fault}: ${line?.trim()}`, () => {
      assert.equal(reasonOf(`${line}\r\n`), fault);
    });
  }
});

describe('a binary header', () => {
  test('tells both addresses, and what follows them is passed over', () => {
    for (const tlvs of [Buffer.alloc(0), Buffer.from([4, 0, 2, 0, 0]), Buffer.alloc(200, 7)]) {
      const header = proxyBinary({ source }, tlvs);
      assert.deepEqual(readEveryWay(header), { kind: 'header', bytes: header.length, announced });
    }
  });

  test('tells IPv6 addresses', () => {
    const payload = Buffer.alloc(36);
    payload.write('20010db8000000000000000000000001', 'hex');
    payload.write('00000000000000000000ffff0a000001', 16, 'hex');
    const read = readEveryWay(binaryHeader({ command: 1, family: 0x21, payload }));
    assert.deepEqual('announced' in read && read.announced, {
      source: '2001:db8::1',
      destination: '10.0.0.1',
    });
  });

  test('of LOCAL announces nothing, even with addresses', () => {
    const payload = Buffer.alloc(12, 1);
    for (const header of [binaryHeader({}), binaryHeader({ family: 0x11, payload })]) {
      assert.deepEqual(readEveryWay(header), { kind: 'header', bytes: header.length });
    }
  });

  test('of a Unix socket, datagrams or an unknown family announces nothing', () => {
    for (const family of [0x00, 0x12, 0x31, 0xff]) {
      const header = binaryHeader({ command: 1, family, payload: Buffer.alloc(216) });
      assert.deepEqual(readEveryWay(header), { kind: 'header', bytes: header.length });
    }
  });

  test('may have 4096 bytes and not one more, which its length tells at once', () => {
    const sized = (bytes: number) => proxyBinary({ source }, Buffer.alloc(bytes - 28));
    assert.equal(readProxyHeader(sized(binaryBytesMax)).kind, 'header');
    assert.equal(reasonOf(sized(binaryBytesMax).subarray(0, 16)), 'incomplete');
    assert.equal(reasonOf(sized(binaryBytesMax + 1).subarray(0, 16)), 'more than 4096 bytes');
  });

  for (const [fault, header] of [
    ['an unknown version', binaryHeader({ version: 1 })],
    ['an unknown version', binaryHeader({ version: 3 })],
    ['an unknown command', binaryHeader({ command: 2 })],
    ['shorter than its addresses', binaryHeader({ command: 1, family: 0x11, length: 11 })],
    ['shorter than its addresses', binaryHeader({ command: 1, family: 0x21, length: 35 })],
    ['incomplete', binaryHeader({ command: 1, family: 0x11, length: 12 })],
  ] as const) {
    test(`is ${fault} with ${header.toString('hex', 12)}`, () => {
      assert.equal(reasonOf(header), fault);
    });
  }
});

test('what no header begins with is known from the first byte that differs', () => {
  for (const text of ['U', 'PROXX', 'PROXY\t', 'p', '\r\nX', '\r\n\r\n\0\r\nQUIT\r', '\0']) {
    assert.equal(reasonOf(text), 'absent', JSON.stringify(text));
    assert.equal(reasonOf(text.slice(0, -1)), 'incomplete', JSON.stringify(text));
  }
});
