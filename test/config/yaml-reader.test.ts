import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadYaml, minimalYaml, onlyAccount, problemsOf } from '#test/support/config-text.ts';

const problems = (text: string) => problemsOf(() => loadYaml(text));

describe('bad syntax', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['a tab', 'log:\n\tlevel: info', '2:1: a tab indents this line (YAML is indented with spaces)'],
    [
      'a line without a colon',
      'listen_port: 1\nlisten',
      '2:1: something is missing here: a colon and a space, a quote, a comma or a bracket',
    ],
    [
      'two words in one line',
      'a: b: c',
      '1:4: a second ": " in one line (put a value that holds ": " in quotes; begin a new line for a new word)',
    ],
    [
      'an open quote',
      'a: "b',
      '1:6: something is missing here: a colon and a space, a quote, a comma or a bracket',
    ],
    ['an unknown alias', 'log: *nobody', '1:6: the anchor of this alias (*) stands nowhere above'],
    [
      'a value that begins with @',
      'a: @b',
      '1:4: a value cannot begin with this character (put the value in quotes)',
    ],
    ['two documents', 'a: 1\n---\nb: 1', '2:1: a second document begins here (one file holds one)'],
    [
      'a bad escape',
      'a: "\\q"',
      "1:5: a backslash sequence in double quotes that YAML does not know (in 'single quotes' a backslash is itself)",
    ],
    ['text instead of words', 'hello', '1:1: expected words and values: `listen_port: 2121`'],
    ['a list instead of words', '- a', '1:1: expected words and values: `listen_port: 2121`'],
    ['a block as a word', '? [a]\n: b', '1:3: a word must be plain text'],
  ];
  for (const [name, text, expected] of cases) {
    test(name, () => assert.equal(problems(text)[0], `gateway.yaml:${expected}`));
  }

  test('never shows what the line held', () => {
    for (const text of [
      'password: "hunter2',
      'a: &hunter2 *hunter2',
      '%hunter2\n---\n',
      '{hunter2',
    ]) {
      assert.doesNotMatch(problems(text).join('\n'), /hunter2/);
    }
  });
});

describe('words', () => {
  test('that stand twice are told where the second one is', () => {
    assert.deepEqual(problems(minimalYaml('listen_port: 1\nlisten_port: 2')), [
      'gateway.yaml:2:1: "listen_port" stands a second time in its block (keep one)',
    ]);
  });

  const unknown: readonly (readonly [string, string])[] = [
    ['listn_port: 1', '"listn_port" (did you mean listen_port?)'],
    ['Listen-Port: 1', '"Listen-Port" (did you mean listen_port?)'],
    ['passive_ports: 1', '"passive_ports" (did you mean passive_port?)'],
    ['max_connection_num: 512', '"max_connection_num" (did you mean max_sessions?)'],
    ['max_per_ip: 5', '"max_per_ip" (did you mean max_sessions_per_address?)'],
    ['colour: red', '"colour"'],
    ['constructor: 1', '"constructor"'],
    ['__proto__: {listen_port: 1}', '"__proto__"'],
    ['{a:b: 1}', '"a…" (a space is missing after the colon)'],
    ['colour:', '"colour"'],
  ];
  for (const [text, expected] of unknown) {
    test(`nobody knows are told: ${text}`, () =>
      assert.equal(
        problems(text)[0],
        `gateway.yaml:1:${text.startsWith('{') ? 2 : 1}: unknown word ${expected}`,
      ));
  }

  test('unknown in an inner block are told with that block’s words in mind', () => {
    assert.equal(
      problems(minimalYaml('log: {levl: info}'))[0],
      'gateway.yaml:1:7: unknown word "levl" (did you mean level?)',
    );
  });
});

describe('texts that are read', () => {
  const port = (text: string) => loadYaml(text).config.listen_port;

  test('with byte-order mark', () =>
    assert.equal(port(`\uFEFF${minimalYaml('listen_port: 7')}`), 7));
  test('with CR LF', () =>
    assert.equal(port(minimalYaml('listen_port: 7 # c').replaceAll('\n', '\r\n')), 7));

  test('as JSON, also indented with tabs', () => {
    const words = {
      listen_port: 7,
      log: { level: null },
      cos: { bucket: 'a-12345', region: 'r' },
      accounts: [{ user: 'ä', password: 'x"y', permissions: ['list'] }],
    };
    const { config } = loadYaml(JSON.stringify(words, undefined, '\t'));
    assert.equal(config.listen_port, 7);
    assert.equal(config.log.level, 'info');
    assert.deepEqual(onlyAccount(config).password, { kind: 'plain', value: 'x"y' });
  });

  test('with anchors and aliases', () => {
    const text =
      'cos: {region: a, bucket: a-12345}\naccounts:\n  - {user: a, password: &p x}\n  - {user: b, password: *p}';
    assert.deepEqual(loadYaml(text).config.accounts[1]?.password, { kind: 'plain', value: 'x' });
  });

  test('in UTF-8, and bytes of another encoding are refused only in values', () => {
    assert.equal(port(minimalYaml('listen_port: 7 # \uFFFD\uFFFD')), 7);
    const text = 'accounts: [{user: "\uFFFDlice", password: "\uFFFD"}]';
    assert.deepEqual(problems(minimalYaml(text)), [
      'gateway.yaml:1:19: accounts[0].user: holds bytes that are not UTF-8 (save it as UTF-8)',
      'gateway.yaml:1:38: accounts[0].password: holds bytes that are not UTF-8 (save it as UTF-8)',
    ]);
  });
});

describe('texts that want too much', () => {
  test('brackets without end', () => assert.ok(problems('['.repeat(50_000)).length > 0));

  test('an alias inside its own anchor', () => {
    assert.ok(problems('log: &a [*a]').some((problem) => problem.includes('nests too deeply')));
  });

  test('aliases of aliases of aliases', () => {
    const names = Array.from('abcdefghij');
    const lines = names.map((name, index) => {
      const inner = index === 0 ? '1' : `*${names[index - 1]}`;
      return `${name}: &${name} [${Array.from({ length: 10 }, () => inner).join(',')}]`;
    });
    const found = problems(lines.join('\n'));
    assert.ok(found.some((problem) => problem.includes('holds too many values')));
  });

  test('thousands of problems are cut, and counted', () => {
    const text = Array.from({ length: 300 }, (_, index) => `word${index}: 1`).join('\n');
    const found = problems(minimalYaml(text));
    assert.equal(found.length, 201);
    assert.match(found[200] ?? '', /and 100 more problems$/);
  });
});
