import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { headEnd, parseReplyHead } from '#gateway/storage/cos/reply-head.ts';

const parse = (...lines: string[]) => parseReplyHead(`${lines.join('\r\n')}\r\n\r\n`);

describe('the head of a reply', () => {
  it('gives status, headers and the length of the body', () => {
    const head = parse(
      'HTTP/1.1 206 Partial Content',
      'Content-Length: 10',
      'ETag:"e" ',
      'X-A: b: c',
    );
    assert.equal(head?.status, 206);
    assert.equal(head?.contentBytes, 10);
    assert.equal(head?.headers['etag'], '"e"');
    assert.equal(head?.headers['x-a'], 'b: c');
    assert.equal(head?.headers['absent'], undefined);
    assert.equal(head?.headers['constructor'], undefined);
  });

  it('ends with an empty line', () => {
    assert.equal(headEnd(Buffer.from('HTTP/1.1 200 OK\r\n')), -1);
    assert.equal(headEnd(Buffer.from('HTTP/1.1 200 OK\r\n\r\nbody\r\n\r\n')), 19);
  });

  it('tells whether the connection lives on', () => {
    const kept = (...lines: string[]) => parse(...lines)?.isKeptAlive;
    assert.equal(kept('HTTP/1.1 200 OK'), true);
    assert.equal(kept('HTTP/1.1 200 OK', 'Connection: keep-alive'), true);
    assert.equal(kept('HTTP/1.1 200 OK', 'Connection: Close'), false);
    assert.equal(kept('HTTP/1.0 200 OK'), false);
    assert.equal(kept('HTTP/1.0 200 OK', 'Connection: Keep-Alive'), true);
  });

  it('may leave the length open', () => {
    assert.equal(parse('HTTP/1.1 200 OK')?.contentBytes, undefined);
    assert.equal(parse('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')?.contentBytes, undefined);
    assert.equal(parse('HTTP/1.1 200', 'Content-Length: 0')?.contentBytes, 0);
  });

  for (const lines of [
    [''],
    ['HTTP/2 200 OK'],
    ['HTTP/1.1 20 OK'],
    ['HTTP/1.1 2000 OK'],
    ['SSH-2.0-x'],
    ['HTTP/1.1 200 OK', 'no colon'],
    ['HTTP/1.1 200 OK', 'A: b', ' folded'],
    ['HTTP/1.1 200 OK', 'A : b'],
    ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2'],
    ['HTTP/1.1 200 OK', 'Content-Length: -1'],
    ['HTTP/1.1 200 OK', 'Content-Length: 1, 1'],
    ['HTTP/1.1 200 OK', 'Content-Length: 0x10'],
    ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked'],
  ]) {
    it(`is refused as ${JSON.stringify(lines)}`, () => {
      assert.equal(parse(...lines), undefined);
    });
  }
});
