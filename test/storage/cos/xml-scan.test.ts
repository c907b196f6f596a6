import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decodeEntities,
  elementBlocks,
  elementText,
  rootName,
} from '#gateway/storage/cos/xml-scan.ts';

describe('the XML scanner', () => {
  it('finds the text of an element', () => {
    const xml = '<R><Key>a&amp;b</Key><KeyCount>3</KeyCount><Empty/><Blank></Blank></R>';
    assert.equal(elementText(xml, 'Key'), 'a&b');
    assert.equal(elementText(xml, 'KeyCount'), '3');
    assert.equal(elementText(xml, 'Empty'), undefined);
    assert.equal(elementText(xml, 'Blank'), '');
    assert.equal(elementText(xml, 'Absent'), undefined);
    assert.equal(elementText('<Key>cut', 'Key'), undefined);
  });

  it('finds all elements of a name, in order', () => {
    assert.deepEqual([...elementBlocks('<P>1</P><Q/><P>2</P><P>cut', 'P')], ['1', '2']);
  });

  it('names the root, with or without declaration', () => {
    for (const [xml, name] of [
      ['<Error><Code/></Error>', 'Error'],
      ["<?xml version='1.0' encoding='utf-8' ?>\n<Error>", 'Error'],
      ['\uFEFF<Error>', 'Error'],
      ['  \n  <Result xmlns="x">', 'Result'],
      ['<Result/>', 'Result'],
      ['', undefined],
      ['OK', undefined],
      ['{"a":1}', undefined],
      ['<', undefined],
      ['<!-- open', undefined],
      ['<?xml', undefined],
      ['</Error>', undefined],
    ] as const) {
      assert.equal(rootName(xml), name, xml);
    }
  });

  it('decodes entities and leaves alone what is none', () => {
    assert.equal(
      decodeEntities('&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&#xD;'),
      '<>&"\'A\u{1F600}\r',
    );
    assert.equal(decodeEntities('&amp;lt;'), '&lt;', 'once');
    assert.equal(decodeEntities('&amp;quot;&quot;'), '&quot;"', 'once');
    assert.equal(decodeEntities('&nbsp; & &#x110000; &#;'), '&nbsp; & &#x110000; &#;');
  });

  it('takes time in proportion to its input', () => {
    const before = process.cpuUsage();
    assert.equal([...elementBlocks('<P>'.repeat(300_000), 'P')].length, 0);
    assert.equal(rootName(' '.repeat(1_000_000)), undefined);
    assert.equal(rootName(`<?${'?'.repeat(1_000_000)}`), undefined);
    const { user } = process.cpuUsage(before);
    assert.ok(user < 2_000_000, `${user} us of CPU, quadratic would take minutes`);
  });
});
