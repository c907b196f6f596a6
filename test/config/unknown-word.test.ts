import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dottedWord, hintForUnknown } from '#gateway/config/unknown-word.ts';
import { loadYaml, minimalYaml, problemsOf } from '#test/support/config-text.ts';

describe('a word its block does not have', () => {
  const known = ['region', 'bucket', 'secretid'];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['listen_port', 'it belongs at the top level'],
    ['user', 'it belongs under `accounts:`'],
    ['level', 'it belongs under `log:`'],
    ['clients', 'it belongs under `masquerade_networks:`'],
    ['endpoint', 'it belongs under `cos:`'],
    ['metadata', 'it belongs at the top level or under `accounts:`'],
    ['buckett', 'did you mean bucket?'],
    ['listen_prot', 'did you mean listen_port? it belongs at the top level'],
    ['pasword_file', 'did you mean password_file? it belongs under `accounts:`'],
    ['home_dir', 'did you mean prefix? it belongs under `accounts:`'],
    ['log_level', 'did you mean log.level?'],
    ['secretkey:abc', 'a space is missing after the colon'],
    ['colour', undefined],
    ['constructor', undefined],
  ];
  for (const [word, hint] of cases) {
    test(`${word} → ${hint}`, () => assert.equal(hintForUnknown(word, known), hint));
  }

  test('is told with its line, once, wherever it stands', () => {
    const text = [
      'user: bob',
      'cos: {region: ap-guangzhou, bucket: inbox-1250000000, listen_port: 2100}',
      'accounts:',
      '  - {user: alice, password: secret, secretid: AKIDsecret, tls: {required: true}}',
    ].join('\n');
    assert.deepEqual(
      problemsOf(() => loadYaml(text)),
      [
        'gateway.yaml:1:1: unknown word "user" (it belongs under `accounts:`)',
        'gateway.yaml:2:55: unknown word "listen_port" (it belongs at the top level)',
        'gateway.yaml:4:37: unknown word "secretid" (it belongs under `cos:`)',
        'gateway.yaml:4:59: unknown word "tls" (it belongs at the top level)',
      ],
    );
  });
});

test('a word without its block finds the one that ends so, when there is only one', () => {
  assert.equal(dottedWord('bucket'), 'cos.bucket');
  assert.equal(dottedWord('key_file'), 'tls.key_file');
  assert.equal(dottedWord('listen_port'), 'listen_port');
  assert.equal(dottedWord('user'), undefined);
  assert.equal(dottedWord('colour'), undefined);
  assert.deepEqual(
    problemsOf(() => loadYaml(minimalYaml(''), { set: ['bucket=x'] })),
    ['--set bucket: unknown word "bucket" (did you mean cos.bucket?)'],
  );
});
