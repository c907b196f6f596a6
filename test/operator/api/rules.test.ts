/** The operator's half of the rules; server.test.ts asks a real API server about the same examples. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { specSchema } from '#operator/api/ftp-gateway.ts';
import { nameRule, specRules } from '#operator/api/rules.ts';
import { specExamples, storedSpec, writtenSpec } from '#test/support/operator-gateways.ts';

describe('the rules of a spec', () => {
  for (const { title, changes, refusal } of specExamples) {
    test(`${refusal ? 'refuse' : 'allow'} ${title}`, () => {
      const spec = storedSpec(changes);
      const broken = specRules.filter(({ holds }) => !holds(spec)).map(({ message }) => message);
      if (refusal === undefined) assert.deepEqual(broken, []);
      else assert.match(broken.join('\n'), refusal);
    });
  }

  test('are each broken by some example', () => {
    for (const { message, holds } of specRules) {
      const breaks = specExamples.some(({ changes }) => !holds(storedSpec(changes)));
      assert.ok(breaks, message);
    }
  });

  test('allow names a Service can have', () => {
    for (const name of ['a', 'inbox-2', 'a'.repeat(40)]) assert.ok(nameRule.holds(name), name);
    for (const name of ['2a', 'a.b', 'a-', '', 'a'.repeat(41)]) {
      assert.ok(!nameRule.holds(name), name);
    }
  });
});

describe('the schema', () => {
  test('fills in every default', () => {
    assert.deepEqual(specSchema.parse(writtenSpec), {
      ...writtenSpec,
      replicas: 1,
      cos: { ...writtenSpec.cos, protocol: 'https' },
      accounts: [
        {
          user: 'alice',
          prefix: 'incoming/alice/',
          permissions: ['list', 'read', 'write', 'overwrite', 'delete'],
        },
      ],
      passivePorts: { start: 61000, perShard: 16 },
      masqueradeAddress: '',
      exposure: { type: 'Shared', profile: 'generic', externalTrafficPolicy: 'Cluster' },
      proxyProtocol: { mode: 'Disabled', trusted: [] },
      singleFileMaxSize: '200Gi',
      incompleteUploads: 'Discard',
      drainSeconds: 3600,
      storeMtime: false,
    });
  });

  test('knows no word that reaches beyond a gateway', () => {
    for (const word of ['serviceAccountName', 'volumes', 'env', 'containers', 'namespace']) {
      assert.ok(!specSchema.safeParse({ ...writtenSpec, [word]: 'x' }).success, word);
    }
  });

  test('takes a Secret by name only', () => {
    const accountsSecret = { name: 'inbox-accounts', namespace: 'kube-system' };
    assert.ok(!specSchema.safeParse({ ...writtenSpec, accountsSecret }).success);
  });

  test('takes only users whose name can be the key of a Secret', () => {
    for (const user of ['alice', 'a.b_c-D9']) {
      assert.ok(specSchema.safeParse({ ...writtenSpec, accounts: [{ user }] }).success, user);
    }
    for (const user of ['', 'a/b', 'a@b', 'a b']) {
      assert.ok(!specSchema.safeParse({ ...writtenSpec, accounts: [{ user }] }).success, user);
    }
  });
});
