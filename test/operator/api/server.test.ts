/** What a real API server makes of the CRD. Only it knows its budget for CEL and its rules for defaults. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '#test/support/condition.ts';
import {
  type ControlPlane,
  controlPlaneAbsence,
  startControlPlane,
} from '#test/support/control-plane.ts';
import { specExamples, writtenSpec } from '#test/support/operator-gateways.ts';
import { runKubectl } from '#test/support/operator-kubectl.ts';

const definitions = fileURLToPath(new URL('../../../crds', import.meta.url));

describe('an API server', { skip: controlPlaneAbsence() }, () => {
  let plane: ControlPlane;

  function kubectl(args: readonly string[], input?: unknown) {
    return runKubectl(plane, args, input);
  }

  function gateway(name: string, changes: Readonly<Record<string, unknown>>) {
    const spec = { ...writtenSpec, ...changes };
    return { apiVersion: 'cosftp.io/v1alpha1', kind: 'FtpGateway', metadata: { name }, spec };
  }

  before(async () => {
    plane = await startControlPlane();
    const { isOk, output } = await kubectl(['apply', '--server-side', '-f', definitions]);
    assert.ok(isOk, output);
    await until(
      'the definition to be served',
      async () => (await kubectl(['get', 'ftpgw', '-A'])).isOk,
      20_000,
    );
  });
  after(() => plane?.[Symbol.asyncDispose]());

  for (const { title, changes, refusal } of specExamples) {
    test(`${refusal ? 'refuses' : 'takes'} ${title}`, async () => {
      const dryRun = ['create', '--dry-run=server', '-f', '-'];
      const { isOk, output } = await kubectl(dryRun, gateway('inbox', changes));
      assert.equal(isOk, refusal === undefined, output);
      if (refusal) assert.match(output, refusal);
    });
  }

  test('refuses names that are too long, two accounts of a user, and unknown words', async () => {
    const dryRun = ['create', '--dry-run=server', '-f', '-'];
    const refused = [
      [gateway('a'.repeat(41), {}), /40 characters/],
      [gateway('inbox', { accounts: [{ user: 'a' }, { user: 'a' }] }), /Duplicate value/],
      [gateway('inbox', { serviceAccountName: 'root' }), /unknown field/],
      [
        gateway('inbox', { objects: { storageClass: 'GLACIER' } }),
        /storageClass: Unsupported value/,
      ],
    ] as const;
    for (const [resource, refusal] of refused) {
      const { isOk, output } = await kubectl(dryRun, resource);
      assert.ok(!isOk);
      assert.match(output, refusal);
    }
  });

  test('scales within the rules, shows columns, and keeps the passive ports', async () => {
    assert.ok((await kubectl(['create', '-f', '-'], gateway('inbox', {}))).isOk);
    assert.ok((await kubectl(['scale', 'ftpgw', 'inbox', '--replicas=2'])).isOk);
    assert.match(
      (await kubectl(['get', 'ftpgw'])).output,
      /NAME +ADDRESS +REPLICAS +READY +AGE\ninbox +2 +/,
    );
    const patch = JSON.stringify({ spec: { passivePorts: { start: 62000 } } });
    const moved = await kubectl(['patch', 'ftpgw', 'inbox', '--type=merge', '-p', patch]);
    assert.match(moved.output, /passivePorts cannot be changed/);
  });
});
