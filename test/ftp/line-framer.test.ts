import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineFramer } from '#gateway/ftp/line-framer.ts';
import { seededRandom } from '#test/support/random.ts';

const lineBytesMax = 16;

/** All lines of the chunks, as latin1 text; `<too long>` for refusals. */
function frame(...chunks: readonly (string | Uint8Array)[]): string[] {
  const framer = new LineFramer(lineBytesMax);
  const lines: string[] = [];
  for (const chunk of chunks) {
    framer.push(Buffer.from(chunk as string, 'latin1'));
    for (let line = framer.next(); line; line = framer.next()) {
      lines.push(line.kind === 'line' ? Buffer.from(line.bytes).toString('latin1') : '<too long>');
    }
  }
  return lines;
}

test('lines end with LF, with or without CR, and empty ones count', () => {
  assert.deepEqual(frame('USER a\r\nPWD\nLIST\r\n\r\n\n'), ['USER a', 'PWD', 'LIST', '', '']);
});

test('only one CR before the LF is dropped, and a CR inside stays for the reader to refuse', () => {
  assert.deepEqual(frame('A\r\r\nB\rC\r\n'), ['A\r', 'B\rC']);
});

test('a line is accepted up to the limit and refused one byte above', () => {
  assert.deepEqual(frame(`${'x'.repeat(15)}\r\n`), ['x'.repeat(15)]);
  assert.deepEqual(frame(`${'x'.repeat(16)}\r\n`), ['x'.repeat(16)]);
  assert.deepEqual(frame(`${'x'.repeat(16)}\n`), ['x'.repeat(16)]);
  assert.deepEqual(frame(`${'x'.repeat(17)}\r\nPWD\r\n`), ['<too long>', 'PWD']);
  assert.deepEqual(frame(`${'x'.repeat(17)}\nPWD\n`), ['<too long>', 'PWD']);
});

test('an endless line is refused once and skipped to its end', () => {
  assert.deepEqual(frame('x'.repeat(100), 'y'.repeat(100), 'z\r\nPWD\r\n'), ['<too long>', 'PWD']);
});

test('an endless line occupies no memory beyond the limit', () => {
  const framer = new LineFramer(lineBytesMax);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let refusals = 0;
  for (let count = 0; count < 1024; count++) {
    framer.push(chunk);
    while (framer.next()) refusals += 1;
    assert.equal(framer.waitingBytes, 0);
  }
  assert.equal(refusals, 1);
});

const IAC_IP_IAC_DM = '\xff\xf4\xff\xf2';

test('telnet commands in front of a verb are dropped', () => {
  assert.deepEqual(frame(`${IAC_IP_IAC_DM}ABOR\r\n`), ['ABOR']);
  assert.deepEqual(frame('\xff\xf1NOOP\r\n'), ['NOOP']);
  assert.deepEqual(frame('\xff\xfd\x06\xff\xfb\x01NOOP\r\n'), ['NOOP']);
});

test('what remains of the telnet interrupt after the kernel took the urgent byte is understood', () => {
  assert.deepEqual(frame('\xff\xf4\xffABOR\r\n'), ['ABOR'], 'lftp: DM was the urgent byte');
  assert.deepEqual(frame('\xff\xf4\xf2ABOR\r\n'), ['ABOR'], 'BSD ftp: the second IAC was');
  assert.deepEqual(frame('ABOR\r', 'NOOP\r\n'), ['ABOR', 'NOOP'], 'Python ftplib: the LF was');
  assert.deepEqual(frame('abor\r', '\n', 'NOOP\r\n'), ['abor', 'NOOP']);
});

test('a doubled IAC is one 0xFF, and an undoubled one inside a name stays', () => {
  assert.deepEqual(frame('DELE \xff\xffa\r\n'), ['DELE \xffa']);
  assert.deepEqual(frame('DELE \xffa\xff\r\n'), ['DELE \xffa\xff']);
  assert.deepEqual(frame('DELE \xff\xf4\r\n'), ['DELE \xff\xf4']);
});

test('a reset forgets what was received, also half a line', () => {
  const framer = new LineFramer(lineBytesMax);
  framer.push(Buffer.from('AUTH TLS\r\nUSER'));
  framer.next();
  framer.reset();
  framer.push(Buffer.from('PWD\r\n'));
  assert.deepEqual(framer.next(), { kind: 'line', bytes: Buffer.from('PWD') });
  assert.equal(framer.next(), undefined);
});

test('how the bytes are cut into chunks never changes the lines', () => {
  const random = seededRandom(20261122);
  const pieces = [
    'ABOR\r',
    'ABOR\r\n',
    IAC_IP_IAC_DM,
    '\xff\xf4\xf2',
    '\xff\xff',
    '\xff\xfd\x01',
    '\r\n',
    '\n',
    'STOR \xc3\xa4.bin',
    'x'.repeat(20),
    ' ',
    '\xff',
  ];
  for (let round = 0; round < 2000; round++) {
    const picked = Array.from({ length: 8 }, () => pieces[random.between(0, pieces.length - 1)]);
    const bytes = Buffer.from(picked.join(''), 'latin1');
    const whole = frame(bytes);
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    const cut = random.between(0, bytes.length);
    const note = `seed ${random.seed}, round ${round}: ${JSON.stringify(picked)}`;
    assert.deepEqual(frame(...single), whole, note);
    assert.deepEqual(frame(bytes.subarray(0, cut), bytes.subarray(cut)), whole, note);
  }
});
