import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCodec, utf8 } from '#gateway/ftp/filename-encoding.ts';

test('UTF-8 is strict and keeps a byte order mark', () => {
  assert.equal(utf8.decode(Buffer.from('ä𝄞文')), 'ä𝄞文');
  assert.equal(utf8.decode(Buffer.from('\ufeffa')), '\ufeffa');
  assert.equal(utf8.decode(Buffer.from([0x61, 0xff])), undefined);
  assert.equal(utf8.decode(Buffer.from([0xc3])), undefined);
  assert.equal(utf8.decode(Buffer.from([0xed, 0xa0, 0x80])), undefined, 'a lone surrogate');
});

test('composed and decomposed letters stay what they were', () => {
  for (const name of ['\u00e9', 'e\u0301']) assert.equal(utf8.decode(utf8.encode(name)), name);
});

for (const [name, text] of [
  ['gb18030', '文件𝄞.txt'],
  ['gbk', '文件.txt'],
  ['big5', '檔案.txt'],
  ['shift_jis', 'ファイル.txt'],
  ['euc-kr', '파일.txt'],
  ['windows-1251', 'я файл.txt'],
  ['iso-8859-1', 'ÿ.txt'],
] as const) {
  test(`${name} carries its names both ways`, () => {
    const codec = findCodec(name);
    assert.ok(codec);
    assert.equal(codec.decode(codec.encode(text)), text);
  });
}

test('bytes that are no text of the encoding are refused', () => {
  assert.equal(findCodec('shift_jis')?.decode(Buffer.from([0x83])), undefined);
  assert.equal(findCodec('big5')?.decode(Buffer.from([0x80, 0x41])), undefined);
  assert.equal(findCodec('gbk')?.decode(Buffer.from([0x61, 0xff])), undefined);
});

test('what an encoding lacks becomes a question mark', () => {
  assert.deepEqual(findCodec('iso-8859-1')?.encode('文'), Buffer.from('?'));
});

test('encodings that change ASCII or do not exist are no codecs', () => {
  for (const name of [
    'utf-16',
    'utf-16le',
    'utf-32',
    'utf-7',
    'base64',
    'hex',
    'cp037',
    'nonsense',
    '',
  ]) {
    assert.equal(findCodec(name), undefined, name);
  }
});

test('UTF-8 is found under its usual spellings', () => {
  for (const name of ['utf-8', 'UTF8', ' Utf-8 ']) assert.equal(findCodec(name), utf8);
});
