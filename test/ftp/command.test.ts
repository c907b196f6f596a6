import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskCommand, parseCommand, verbOfBytes } from '#gateway/ftp/command.ts';

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
