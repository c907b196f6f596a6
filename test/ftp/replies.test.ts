import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthError } from '#gateway/auth/errors.ts';
import { FtpError } from '#gateway/ftp/errors.ts';
import {
  formatReply,
  formatReplyBegin,
  quotePath,
  replyForError,
  replyTextMax,
} from '#gateway/ftp/replies.ts';
import { KeyError } from '#gateway/storage/keys.ts';
import { StoreError } from '#gateway/storage/object-store.ts';
import { TransferError } from '#gateway/transfer/errors.ts';

test('one text is one line', () => {
  assert.equal(formatReply(200, ['OK']), '200 OK\r\n');
  assert.equal(formatReply(200, []), '200 \r\n');
});

test('several texts are one unit whose inner lines cannot be taken for its end', () => {
  assert.equal(
    formatReply(211, ['Extensions', ' SIZE', '211 End', 'End']),
    '211-Extensions\r\n SIZE\r\n 211 End\r\n211 End\r\n',
  );
});

test('no text can end its line or hide in a terminal', () => {
  assert.equal(
    formatReply(257, ['"a\r\n230 Logged in\0\x1b[2J\x9b"']),
    '257 "a??230 Logged in??[2J?"\r\n',
  );
  assert.equal(formatReplyBegin(226, 'a\nb'), '226-a?b\r\n');
});

test('a text is cut above its limit, not inside a character', () => {
  const length = (text: string) => formatReply(200, [text]).length - '200 \r\n'.length;
  assert.equal(length('x'.repeat(replyTextMax)), replyTextMax);
  assert.equal(length('x'.repeat(replyTextMax + 1)), replyTextMax);
  assert.ok(formatReply(200, ['𝄞'.repeat(replyTextMax)]).isWellFormed());
});

test('quotes in a path are doubled', () => {
  assert.equal(quotePath('/a "b"'), '"/a ""b"""');
});

test('a store failure carries its COS code and request id', () => {
  const error = new StoreError('throttled', 'slow down', {
    code: 'SlowDown',
    requestId: 'NjQzM2U0_Mw==',
  });
  assert.deepEqual(replyForError(error), {
    code: 450,
    text: 'The store is busy, try again [SlowDown, request NjQzM2U0_Mw==]',
  });
  assert.equal(
    replyForError(new StoreError('network', 'reset')).text,
    'The store cannot be reached',
  );
});

test('nothing but plain tokens passes from the store to a client', () => {
  const error = new StoreError('denied', 'x', { code: 'a b', requestId: 'x\r\n226 stored' });
  assert.equal(replyForError(error).text, 'The store does not permit this');
});

test('missing is 550, a bad name 553, no port 425, and the unexpected 451 without its message', () => {
  assert.equal(replyForError(new StoreError('missing', 'x')).code, 550);
  assert.equal(replyForError(new KeyError('reserved', 'x')).code, 553);
  assert.equal(replyForError(new FtpError('no-port', 'x')).code, 425);
  assert.deepEqual(replyForError(new Error('/etc/secret')), { code: 451, text: 'Internal error' });
});

test('a file over its limit is 552 in the original tool’s word, with the limit named', () => {
  const error = new TransferError('too-large', 'the file exceeds the limit of 5 bytes (5 B)');
  assert.deepEqual(replyForError(error), {
    code: 552,
    text: 'IOError: the file exceeds the limit of 5 bytes (5 B)',
  });
});

test('a failed transfer carries the reference of the store failure underneath', () => {
  const cause = new StoreError('denied', 'x', { code: 'AccessDenied', requestId: 'abc' });
  const { code, text } = replyForError(new TransferError('source-kept', 'x', { cause }));
  assert.equal(code, 451);
  assert.match(text, /\[AccessDenied, request abc\]$/);
});

test('too many logins at once can be tried again on the same connection', () => {
  assert.equal(replyForError(new AuthError('busy', 'x')).code, 530);
});
