import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskCommand, parseCommand, readCommand, verbOfBytes } from '#gateway/ftp/command.ts';
import { findCodec, utf8 } from '#gateway/ftp/filename-encoding.ts';

const cases: Record<string, { line: string; verb: string; argument: string }> = {
  'a verb alone has an empty argument': { line: 'pwd', verb: 'PWD', argument: '' },
  'the argument begins after exactly one space': {
    line: 'STOR  two',
    verb: 'STOR',
    argument: ' two',
  },
  'quotes, dashes and trailing spaces belong to the name': {
    line: 'dele -a "b"  ',
    verb: 'DELE',
    argument: '-a "b"  ',
  },
  'an empty line has an empty verb': { line: '', verb: '', argument: '' },
  'a line that begins with a space has an empty verb': {
    line: ' PWD',
    verb: '',
    argument: 'PWD',
  },
  'only ASCII letters change case': { line: 'stıß x', verb: 'STıß', argument: 'x' },
};

for (const [sentence, { line, verb, argument }] of Object.entries(cases)) {
  test(sentence, () => {
    assert.deepEqual(parseCommand(line), { verb, argument, raw: line });
  });
}

test('the verb of bytes needs no encoding and has a bound', () => {
  assert.equal(verbOfBytes(Buffer.from('abor')), 'ABOR');
  assert.equal(verbOfBytes(Buffer.from('stat \xff', 'latin1')), 'STAT');
  assert.equal(verbOfBytes(Buffer.alloc(8192, 'x')).length, 16);
  assert.equal(verbOfBytes(Buffer.alloc(0)), '');
});

test('a password never reaches the log', () => {
  assert.equal(maskCommand(parseCommand('PASS geheim')), 'PASS ****');
  assert.equal(maskCommand(parseCommand('pass')), 'PASS ****');
  assert.equal(maskCommand(parseCommand('ACCT geheim')), 'ACCT ****');
  assert.equal(maskCommand(parseCommand('USER anna')), 'USER anna');
});

test('a logged line has a bound', () => {
  assert.equal(maskCommand(parseCommand('x'.repeat(1024))).length, 1024);
  assert.equal(maskCommand(parseCommand('x'.repeat(1025))).length, 1025);
  assert.equal(maskCommand(parseCommand('x'.repeat(8192))).length, 1025);
});

test('a line is read in the encoding of the session, and refused when it is no text in it', () => {
  const gb18030 = findCodec('gb18030');
  assert.ok(gb18030);
  const bytes = Buffer.from([...Buffer.from('dele '), 0xd6, 0xd0]);
  const read = readCommand(bytes, gb18030);
  assert.ok(read.kind === 'command');
  assert.deepEqual([read.command.verb, read.command.argument], ['DELE', '中']);
  assert.deepEqual(readCommand(bytes, utf8), {
    kind: 'refused',
    text: 'The line is not valid utf-8',
  });
});

test('control characters are refused, wherever they stand', () => {
  for (const text of ['\tNOOP', 'DELE a\u0007', 'DELE a\r', 'DELE \u0085', '\u007f']) {
    assert.equal(readCommand(utf8.encode(text), utf8).kind, 'refused', JSON.stringify(text));
  }
  assert.equal(readCommand(utf8.encode('DELE \u00a0'), utf8).kind, 'command');
});
