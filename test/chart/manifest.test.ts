/**
 * What people apply without Helm: the plain manifest and the examples. Runs without helm and without a
 * cluster, so that a file that cannot work fails everywhere.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { verifyPassword } from '#gateway/auth/password.ts';
import { specSchema } from '#operator/api/ftp-gateway.ts';
import { permissions } from '#operator/api/permissions.ts';
import { parseArguments } from '#operator/arguments.ts';
import { type Manifest, operatorPod, parseManifests, theOnly } from '#test/support/helm.ts';

const manifestFile = new URL('../../deploy/cos-ftp-gateway.yaml', import.meta.url);
const examplesFolder = new URL('../../examples/kubernetes/', import.meta.url);

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** `group/resource verb`, one for each right that the roles give the operator. */
function rightsOf(roles: readonly Manifest[]): string[] {
  const rights = roles.flatMap((role) =>
    (role['rules'] as Rule[]).flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`)),
      ),
    ),
  );
  return [...new Set(rights)].toSorted();
}

describe('the plain manifest', () => {
  const text = readFileSync(manifestFile, 'utf8');
  const manifests = parseManifests(text);

  test('makes the namespace first, and every account and role before the operator', () => {
    assert.equal(manifests[0]?.kind, 'Namespace');
    assert.equal(manifests.at(-1)?.kind, 'Deployment');
  });

  test('starts the operator with options it knows', () => {
    const args = operatorPod(manifests).spec.containers[0]?.args ?? [];
    const parsed = parseArguments(args, {});
    assert.equal(parsed.kind, 'run', JSON.stringify(parsed));
  });

  test('gives the operator the rights of the table, none on Secrets and none on roles', () => {
    const isForUsers = ({ metadata: { name } }: Manifest) => /-(view|edit)$/.test(name);
    const roles = manifests.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
    const rights = rightsOf(roles.filter((role) => !isForUsers(role)));
    const table = permissions.flatMap(({ group, resource, verbs }) =>
      verbs.map((verb) => `${group}/${resource} ${verb}`),
    );
    assert.deepEqual(rights, [...new Set(table)].toSorted());
    assert.doesNotMatch(rights.join('\n'), /secrets|roles|\*/);
  });

  test('lets the operator renew its own lease, and no other one', () => {
    const args = operatorPod(manifests).spec.containers[0]?.args ?? [];
    const parsed = parseArguments(args, {});
    assert.ok(parsed.kind === 'run');
    const rules = (theOnly('Role', manifests)['rules'] as Rule[]).map(
      ({ verbs, resourceNames }) => `${verbs.join(' ')}: ${resourceNames?.join(' ') ?? 'any'}`,
    );
    assert.deepEqual(rules, [`get update: ${parsed.options.leaseName}`, 'create: any']);
  });

  test('bears no mark of Helm', () => {
    assert.doesNotMatch(text, /helm\.sh|managed-by: Helm|# Source/);
  });
});

describe('the example', () => {
  for (const file of readdirSync(examplesFolder)) {
    const manifests = parseManifests(readFileSync(new URL(file, examplesFolder), 'utf8'));
    const secrets = new Map(
      manifests
        .filter(({ kind }) => kind === 'Secret')
        .map((secret) => [secret.metadata.name, secret['stringData'] as Record<string, string>]),
    );
    const gateway = theOnly('FtpGateway', manifests);
    const spec = specSchema.parse(gateway['spec']);

    test(`${file} gives each user a password, and COS a key`, () => {
      const passwords = secrets.get(spec.accountsSecret.name);
      const users = spec.accounts.map(({ user }) => user);
      assert.deepEqual(Object.keys(passwords ?? {}).toSorted(), users.toSorted());
      const { credentialsSecret } = spec.cos;
      if (!credentialsSecret) return;
      const key = secrets.get(credentialsSecret.name);
      assert.deepEqual(Object.keys(key ?? {}), ['secretid', 'secretkey']);
    });

    test(`${file} can be applied in any namespace, from the commands in its comment`, () => {
      assert.deepEqual(
        manifests.filter(({ metadata }) => metadata.namespace !== undefined),
        [],
      );
      const text = readFileSync(new URL(file, examplesFolder), 'utf8');
      assert.match(text, new RegExp(`^#   kubectl -n ftp apply -f ${file}$`, 'm'));
      assert.match(
        text,
        new RegExp(`^#   kubectl -n ftp wait ftpgw/${gateway.metadata.name} `, 'm'),
      );
    });
  }

  test('bucket.yaml has the hash of the password in its comment', async () => {
    const text = readFileSync(new URL('bucket.yaml', examplesFolder), 'utf8');
    const [, password = '', hash = ''] = /The hash of "(.*)"\n.*"(\$scrypt\$.*)"/.exec(text) ?? [];
    assert.equal(await verifyPassword(password, hash), true);
  });
});
