import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadYaml, onlyAccount, problemsOf } from '#test/support/config-text.ts';

const place = 'region: ap-guangzhou, bucket: inbox-1250000000';

function withCos(shared: string, own: string): string {
  return `cos: {${shared}}\naccounts: [{user: alice, password: x, cos: {${own}}}]`;
}

const cosOf = (shared: string, own = '') => onlyAccount(loadYaml(withCos(shared, own)).config).cos;
const problems = (shared: string, own = '') => problemsOf(() => loadYaml(withCos(shared, own)));

describe('an account under the shared block', () => {
  test('takes what it does not say from there', () => {
    assert.deepEqual(cosOf(`${place}, protocol: http, endpoint: x.y`, 'bucket: own-12345'), {
      bucket: 'own-12345',
      region: 'ap-guangzhou',
      endpoint: 'x.y',
      protocol: 'http',
      credentials: { kind: 'environment' },
    });
  });

  test('needs no shared block', () => {
    assert.equal(cosOf('', place).bucket, 'inbox-1250000000');
  });

  test('replaces the whole shared key with its own', () => {
    const shared = `${place}, secretid: sharedid, secretkey: sharedkey, token: sharedtoken`;
    assert.deepEqual(cosOf(shared, 'secretid: ownid, secretkey: ownkey').credentials, {
      kind: 'static',
      secretid: 'ownid',
      secretkey: 'ownkey',
    });
  });

  test('replaces a shared key with a role', () => {
    const shared = `${place}, secretid: a, secretkey: b`;
    assert.deepEqual(cosOf(shared, 'credentials: cvm_role').credentials, { kind: 'cvm_role' });
  });

  test('replaces a shared role with a key', () => {
    const { credentials } = cosOf(
      `${place}, credentials: environment`,
      'secretid: a, secretkey: b',
    );
    assert.equal(credentials.kind, 'static');
  });

  test('may take an empty word as not written', () => {
    assert.equal(cosOf(place, 'bucket: "", secretid: ""').bucket, 'inbox-1250000000');
  });
});

describe('credentials', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['', { kind: 'environment' }],
    ['credentials: tke_pod_identity', { kind: 'tke_pod_identity' }],
    [
      'secretid: a, secretkey: b, token: c',
      { kind: 'static', secretid: 'a', secretkey: 'b', token: 'c' },
    ],
    [
      'credentials: static, secretid: a, secretkey: b',
      { kind: 'static', secretid: 'a', secretkey: 'b' },
    ],
    [
      'secretid_file: a, secretkey_file: /b',
      { kind: 'static-files', secretid_file: '/etc/gateway/a', secretkey_file: '/b' },
    ],
  ];
  for (const [words, expected] of cases) {
    test(words || 'nothing written', () =>
      assert.deepEqual(cosOf(`${place}, ${words}`).credentials, expected),
    );
  }

  const refused: readonly (readonly [string, string])[] = [
    ['secretid: a', 'cos.secretkey: is missing beside secretid'],
    ['secretkey: a', 'cos.secretid: is missing beside secretkey'],
    ['token: a, secretid: b', 'cos.secretkey: is missing beside secretid'],
    ['secretid_file: a', 'cos.secretkey_file: is missing beside secretid_file'],
    [
      'secretid: a, secretkey_file: b',
      'cos: keys stand here both as values and as files (keep secretid and secretkey, or the two files)',
    ],
    [
      'credentials: static',
      'cos.credentials: static needs secretid and secretkey, or both as files',
    ],
    [
      'credentials: cvm_role, secretid: a',
      'cos.secretid: takes no place beside credentials: cvm_role',
    ],
    ['secretid: "a b", secretkey: c', 'cos.secretid: holds white space'],
  ];
  for (const [words, expected] of refused) {
    test(`${words} is refused`, () => {
      const [first = '', ...more] = problems(`${place}, ${words}`);
      assert.equal(first.replace(/^gateway\.yaml:1:\d+: /, ''), expected);
      assert.deepEqual(more, []);
    });
  }

  test('a bad shared key is told once, however many accounts use it', () => {
    const accounts = ['a', 'b', 'c'].map((user) => `{user: ${user}, password: x}`).join(', ');
    const text = `cos: {${place}, secretid: x}\naccounts: [${accounts}]`;
    assert.equal(problemsOf(() => loadYaml(text)).length, 1);
  });
});

describe('where COS is', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['region: a', ['gateway.yaml:2:44: accounts[0].cos.bucket: is missing']],
    [
      'bucket: a-12345',
      ['gateway.yaml:2:44: accounts[0].cos.region: is missing, and there is no endpoint either'],
    ],
    ['bucket: a-12345, endpoint: cos.ap-x.tencentcos.cn', []],
    [
      'bucket: a-12345, endpoint: "{bucket}.cos.{region}.x.cn"',
      ['gateway.yaml:2:44: accounts[0].cos.region: is missing, and the endpoint asks for it'],
    ],
  ];
  for (const [words, expected] of cases) {
    test(words, () => assert.deepEqual(problems(words), expected));
  }

  const regions: readonly (readonly [string, string])[] = [
    ['127.0.0.1:9000', 'ap-guangzhou'],
    ['"[::1]:9000"', 'ap-guangzhou'],
    ['LocalHost:9000', 'ap-guangzhou'],
    ['cos.ap-shanghai.tencentcos.cn', ''],
    ['localhost.example.com', ''],
  ];
  for (const [endpoint, region] of regions) {
    test(`endpoint ${endpoint} without a region means region "${region}"`, () =>
      assert.equal(cosOf(`bucket: a-12345, endpoint: ${endpoint}`).region, region));
  }

  test('a written region stays beside a literal endpoint', () => {
    assert.equal(cosOf(`${place}, endpoint: localhost`).region, 'ap-guangzhou');
    assert.equal(cosOf('bucket: a-12345, region: eu-x, endpoint: localhost').region, 'eu-x');
  });
});
