import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReplyReader, type WireReply } from './reply-reader.ts';
import { Violation } from './violation.ts';

function read(...chunks: readonly (string | Buffer)[]): WireReply[] {
  const replies: WireReply[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply));
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  reader.end();
  return replies;
}

describe('the reply reader', () => {
  test('takes replies of one and of several lines, however they are cut', () => {
    const bytes = Buffer.from(
      '220 ready\r\n212-Status\r\n 200 no end\r\ndrwx x\r\n212 End\r\n150 ä\r\n',
    );
    const wanted = [
      { code: 220, text: '220 ready' },
      { code: 212, text: '212-Status\n 200 no end\ndrwx x\n212 End' },
      { code: 150, text: '150 ä' },
    ];
    assert.deepEqual(read(bytes), wanted);
    assert.deepEqual(read(...[...bytes].map((byte) => Buffer.from([byte]))), wanted);
  });

  const broken: Readonly<Record<string, string | Buffer>> = {
    'a line without CR': '200 ok\n',
    'a control character': '200 \u0007ok\r\n',
    'a line that begins no reply': 'ok\r\n',
    'a code nobody knows': '299 ok\r\n',
    'another code inside a reply': '211-Status\r\n200 ok\r\n',
    'bytes that are not UTF-8': Buffer.from([0x32, 0x30, 0x30, 0x20, 0xff, 0x0d, 0x0a]),
    'a stack': '451 at x (/a/b.ts:12:3)\r\n',
    'an unexpected error': '451 Internal error\r\n',
    'half a line at the end': '200 ok\r\n200',
    'half a reply at the end': '211-Status\r\n',
    'a line without end': Buffer.alloc(20_000, '2'),
  };
  for (const [name, bytes] of Object.entries(broken)) {
    test(`refuses ${name}`, () => {
      assert.throws(() => read(bytes), Violation);
    });
  }
});
