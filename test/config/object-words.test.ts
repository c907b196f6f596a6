/** Words about what stored files carry besides their bytes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accountLines, loadYaml, minimalYaml, problemsOf } from '#test/support/config-text.ts';

const [cosLine = ''] = accountLines;

function accountOf(gateway: string, own = '', rest: Parameters<typeof loadYaml>[1] = {}) {
  const account = `accounts: [{user: alice, password: wonderland${own && `, ${own}`}}]`;
  const { accounts } = loadYaml([gateway, cosLine, account].join('\n'), rest).config;
  return accounts[0] ?? assert.fail();
}

const problems = (gateway: string, own = '') => problemsOf(() => ({ ...loadOnly(gateway, own) }));
function loadOnly(gateway: string, own: string) {
  const account = `accounts: [{user: alice, password: wonderland${own && `, ${own}`}}]`;
  return loadYaml([gateway, cosLine, account].join('\n'));
}

describe('the words of an account', () => {
  test('are the gateway’s where it has none of its own', () => {
    const words = [
      'content_types: {.EDI: application/edifact, tar.gz: application/x-tgz}',
      'storage_class: standard_ia',
      'server_side_encryption: COS/KMS',
      'kms_key_id: 48ba38aa-26c5-11ea-855c-52540085',
      'metadata: {Origin: ftp, batch: 7}',
    ];
    const account = accountOf(words.join('\n'));
    assert.deepEqual(account.content_types, {
      edi: 'application/edifact',
      'tar.gz': 'application/x-tgz',
    });
    assert.equal(account.storage_class, 'STANDARD_IA');
    assert.equal(account.server_side_encryption, 'cos/kms');
    assert.equal(account.kms_key_id, '48ba38aa-26c5-11ea-855c-52540085');
    assert.deepEqual(account.metadata, { origin: 'ftp', batch: '7' });
  });

  test('go before the gateway’s, and maps over them entry by entry', () => {
    const account = accountOf(
      'metadata: {origin: ftp, batch: 7}\nstorage_class: STANDARD_IA\nserver_side_encryption: AES256',
      'metadata: {batch: "", owner: alice}, storage_class: STANDARD, server_side_encryption: bucket_default',
    );
    assert.deepEqual(account.metadata, { origin: 'ftp', owner: 'alice' });
    assert.equal(account.storage_class, 'STANDARD');
    assert.equal(account.server_side_encryption, 'bucket_default');
  });

  test('have a key only with the encryption that takes one', () => {
    const gateway = 'server_side_encryption: cos/kms\nkms_key_id: a';
    assert.equal(accountOf(gateway, 'server_side_encryption: AES256').kms_key_id, undefined);
    assert.equal(accountOf(gateway, 'kms_key_id: b').kms_key_id, 'b');
    assert.equal(
      accountOf('kms_key_id: a', 'server_side_encryption: cos/kms').kms_key_id,
      'a',
      'a key that only accounts use',
    );
  });

  test('can come from the environment and --set, whole or entry by entry', () => {
    const env = { COSFTP_METADATA: '{origin: ftp}', COSFTP_METADATA__BATCH: '7' };
    const set = ['content_types.edi=application/edifact', 'metadata.origin=scanner'];
    const account = accountOf('metadata: {lost: 1}', '', { env, set });
    assert.deepEqual(account.metadata, { origin: 'scanner', batch: '7' });
    assert.deepEqual(account.content_types, { edi: 'application/edifact' });
  });
});

describe('values that are refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      'content_types: {csv: text}',
      '1:22: content_types.csv: "text" is not a content type (type/subtype, parameters behind it: text/csv; charset=utf-8)',
    ],
    [
      'content_types: {a/b: text/csv}',
      '1:22: content_types.a/b: "a/b" is not a file extension (for example csv, or "*" for the rest)',
    ],
    ['content_types: [csv]', '1:16: content_types: expected names and values (name: value)'],
    ['content_types: text/csv', '1:16: content_types: expected names and values (name: value)'],
    ['content_types: {csv: text/csv, .CSV: text/plain}', '1:32: ".CSV" is csv once more'],
    [
      'storage_class: GLACIER',
      '1:16: storage_class: "GLACIER" is not one of STANDARD, STANDARD_IA, INTELLIGENT_TIERING, ARCHIVE, DEEP_ARCHIVE, MAZ_STANDARD, MAZ_STANDARD_IA, MAZ_INTELLIGENT_TIERING, MAZ_ARCHIVE',
    ],
    [
      'storage_class: STANDART',
      '1:16: storage_class: "STANDART" is not one of STANDARD, STANDARD_IA, INTELLIGENT_TIERING, ARCHIVE, DEEP_ARCHIVE, MAZ_STANDARD, MAZ_STANDARD_IA, MAZ_INTELLIGENT_TIERING, MAZ_ARCHIVE (did you mean STANDARD?)',
    ],
    [
      'server_side_encryption: AES-256',
      '1:25: server_side_encryption: "AES-256" is not one of bucket_default, AES256, cos/kms (did you mean AES256?)',
    ],
    [
      'kms_key_id: abc',
      '1:13: kms_key_id: is the key for a kind of encryption that is not chosen (set server_side_encryption: cos/kms as well)',
    ],
    [
      'server_side_encryption: cos/kms\nkms_key_id: a b',
      '2:13: kms_key_id: "a b" is not a key id (48ba38aa-26c5-11ea-855c-52540085…)',
    ],
    [
      'metadata: {mtime: 1}',
      '1:19: metadata.mtime: "mtime" is where store_mtime keeps the time (choose another name)',
    ],
    [
      'metadata: {x-cos-meta-a: 1}',
      '1:26: metadata.x-cos-meta-a: "x-cos-meta-a" holds the prefix (write "a")',
    ],
    [
      'metadata: {a_b: 1}',
      '1:17: metadata.a_b: "a_b" is not a metadata name (letters, digits and "-", no "_")',
    ],
    [
      'metadata: {a: ü}',
      '1:15: metadata.a: "ü" holds more than printable ASCII (write other characters percent-encoded, as URLs do)',
    ],
    [
      `metadata: {a: ${'x'.repeat(2048)}}`,
      '1:11: metadata: holds an entry over 2048 bytes, the most COS takes',
    ],
    [
      `metadata: {a: ${'x'.repeat(2000)}, b: ${'x'.repeat(1999)}}`,
      '1:11: metadata: has 4001 bytes in all, more than 4000',
    ],
  ];
  for (const [words, problem] of cases) {
    test(words.slice(0, 50), () => {
      assert.deepEqual(problems(words), [`gateway.yaml:${problem}`]);
    });
  }

  test('an account’s key without the encryption, and metadata that is too much together', () => {
    assert.match(problems('', 'kms_key_id: a')[0] ?? '', /accounts\[0\]\.kms_key_id: is the key/);
    const half = 'x'.repeat(2000);
    const found = problems(`metadata: {a: ${half}}`, `metadata: {b: ${half}}`);
    assert.match(found.join(), /^gateway.yaml:\S+ accounts\[0\]\.metadata: has 4002 bytes in all/);
    assert.deepEqual(problems(`metadata: {a: ${half}}`, `metadata: {b: ${'x'.repeat(1998)}}`), []);
  });
});

test('a file that names none of them has none', () => {
  const { storage_class, metadata, content_types } = loadYaml(minimalYaml('')).config;
  assert.deepEqual([storage_class, metadata, content_types], [undefined, {}, {}]);
});
