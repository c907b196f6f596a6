/** Whatever stands in a file, there is a configuration or there are problems, and no secret in them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ConfigFormat } from '#gateway/config/config-text.ts';
import { parseConfigText } from '#gateway/config/load.ts';
import { ConfigError, formatProblem } from '#gateway/config/problem.ts';
import { loadIni, loadYaml, minimalIni, minimalYaml } from '#test/support/config-text.ts';
import { seededRandom } from '#test/support/random.ts';

const examples: Readonly<Record<ConfigFormat, string>> = {
  yaml: readFileSync(new URL('../../examples/gateway.yaml', import.meta.url), 'utf8'),
  vsftpd: readFileSync(new URL('../../examples/vsftpd.conf', import.meta.url), 'utf8'),
};

/** Everything a text earns, printed. Throws what is no ConfigError. */
function messagesOf(format: ConfigFormat, text: string): string[] {
  const source = { format, name: 'file', text, directory: '/' };
  try {
    return parseConfigText({ source, cwd: '/' }).notices.map(formatProblem);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert.ok(error.problems.length > 0);
    return [...error.problems, ...error.notices].map(formatProblem);
  }
}

const pieces = [
  '',
  '\t',
  '\n',
  ': ',
  ' #',
  '[',
  '{',
  '"',
  "'",
  '&a ',
  '*a',
  '- ',
  '!!x ',
  '%',
  '\0',
  '__proto__: 1\n',
  '= ',
  '  ',
  '\uFFFD',
  '🦆',
];

for (const format of ['yaml', 'vsftpd'] as const) {
  for (const seed of [1, 2, 3]) {
    test(`${format}: random text, seed ${seed}`, () => {
      const random = seededRandom(seed);
      const below = (limit: number) => random.between(0, limit - 1);
      for (let round = 0; round < 200; round += 1) {
        const codes = Array.from({ length: below(200) }, () =>
          below(round % 2 === 0 ? 128 : 0x3000),
        );
        messagesOf(format, String.fromCharCode(...codes));
      }
    });

    test(`${format}: the example with slips, seed ${seed}`, () => {
      const random = seededRandom(seed);
      const below = (limit: number) => random.between(0, limit - 1);
      for (let round = 0; round < 200; round += 1) {
        const text = examples[format];
        const from = below(text.length);
        const to = from + below(12);
        const piece = pieces[below(pieces.length)] ?? '';
        messagesOf(format, `${text.slice(0, from)}${piece}${text.slice(to)}`);
      }
    });
  }
}

describe('no message holds a secret', () => {
  const secret = 'hunter2';
  const yaml = [
    `accounts: [{user: a, password: [${secret}]}]`,
    `accounts: [{user: a, password: "${secret}\\n"}]`,
    `accounts: [{user: a, password: x, password_hash: ${secret}}]`,
    `accounts: [{user: a, password:${secret}}]`,
    `accounts: [{user: a, password: $scrypt$${secret}}]`,
    `accounts:\n  - user: a\n    password: x: ${secret}`,
    `accounts:\n  - user: a\n    password ${secret}`,
    `accounts:\n  - user: a\n\tpassword: ${secret}`,
    `accounts:\n  - user: a password: ${secret}`,
    `cos: {region: r, bucket: a-12345, secretid: "${secret} x", secretkey: "x ${secret}"}`,
    `cos: {region: r, bucket: a-12345, secretkey: ${secret}}`,
    `cos: {region: r, bucket: a-12345, token: ${secret}}`,
    `cos: {region: r, bucket: a-12345, secretkey=${secret}}`,
  ];
  for (const text of yaml) {
    test(text.replaceAll(secret, '…'), () => {
      const messages = messagesOf('yaml', minimalYaml(text));
      assert.ok(messages.length > 0);
      assert.doesNotMatch(messages.join('\n'), /hunter2/);
    });
  }

  const ini = [
    minimalIni('', { cos_secretkey: `a ${secret}` }),
    minimalIni('', { cos_secretkey: `a # ${secret}` }),
    minimalIni('', { ftp_login_user_password: `$scrypt$${secret}` }),
    minimalIni('', { ftp_login_user_password: `a\n ${secret}` }),
    minimalIni('', { ftp_login_user_password: `a\n${secret}` }),
    minimalIni('', {
      ftp_login_user_name: `user0 ftp_login_user_password = ${secret}`,
      ftp_login_user_password: '',
    }),
    minimalIni(`ftp_login_user_password ${secret}`),
  ];
  for (const [index, text] of ini.entries()) {
    test(`INI ${index + 1}`, () => {
      const messages = messagesOf('vsftpd', text);
      assert.ok(messages.length > 0);
      assert.doesNotMatch(messages.join('\n'), /hunter2/);
    });
  }

  test('of the environment or an argument', () => {
    const attempts = [
      { set: [`cos.secretkey=${secret} x`] },
      { set: [`accounts=[{user: a, password: ${secret}`] },
      { set: [`cos.secretkey:${secret}`] },
      { set: [`password:${secret}=x`] },
      { env: { COSFTP_COS__TOKEN: `${secret}` } },
      { env: { COSFTP_ACCOUNTS: `a:${secret}` } },
    ];
    for (const rest of attempts) {
      assert.throws(
        () => loadYaml(minimalYaml(''), rest),
        (error) => error instanceof ConfigError && !error.message.includes(secret),
      );
    }
  });
});

test('secrets survive what their formats allow in them', () => {
  const secrets = ['a#b', 'a;b', '#a', ';a', 'a=b:c', '%(a)s', '"a"', 'ключ', 'a\\nb'];
  for (const secret of secrets) {
    const ini = minimalIni('', { ftp_login_user_password: secret }).replace(
      'password = ',
      'password=',
    );
    assert.deepEqual(loadIni(ini).config.accounts[0]?.password, { kind: 'plain', value: secret });
    const yaml = `accounts: [{user: a, password: ${JSON.stringify(secret)}}]`;
    assert.deepEqual(loadYaml(minimalYaml(yaml)).config.accounts[0]?.password, {
      kind: 'plain',
      value: secret,
    });
  }
});
