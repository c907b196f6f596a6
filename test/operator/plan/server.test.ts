/** What a real API server makes of the golden manifests, in a namespace that enforces `restricted`. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { KubernetesObject } from '#operator/plan/manifest.ts';
import { until } from '#test/support/condition.ts';
import {
  type ControlPlane,
  controlPlaneAbsence,
  startControlPlane,
} from '#test/support/control-plane.ts';
import { storedGateway } from '#test/support/operator-gateways.ts';
import { runKubectl } from '#test/support/operator-kubectl.ts';
import { objectsOf, planFor } from '#test/support/operator-observed.ts';

const namespace = 'ftp';

const gateways: Readonly<Record<string, ReturnType<typeof storedGateway>>> = {
  'on a bucket': storedGateway(),
  'on the embedded COS': storedGateway({ cos: { embedded: {} } }),
  'with everything': storedGateway({
    replicas: 2,
    passivePorts: { start: 30100, perShard: 4 },
    exposure: { type: 'NodePort', annotations: { 'example.com/a': 'b' } },
    tls: { secretName: 'inbox-certificate', required: true, implicit: true },
    proxyProtocol: { mode: 'Required', trusted: ['10.0.0.0/8'] },
  }),
};

describe('an API server', { skip: controlPlaneAbsence() }, () => {
  let plane: ControlPlane;
  const kubectl = (args: readonly string[], input?: unknown) => runKubectl(plane, args, input);

  before(async () => {
    plane = await startControlPlane();
    const label = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const metadata = { name: namespace, labels: label };
    const made = await kubectl(['create', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata,
    });
    assert.ok(made.isOk, made.output);
  });
  after(() => plane?.[Symbol.asyncDispose]());

  for (const [title, gateway] of Object.entries(gateways)) {
    test(`takes all objects of a gateway ${title}, without a warning, and unchanged twice`, async () => {
      const cosdService = { metadata: { name: 'inbox-cosd' }, spec: { clusterIP: '10.96.0.9' } };
      const items = objectsOf(planFor({ gateway, cosdService })).map(withoutOwner);
      const list = { apiVersion: 'v1', kind: 'List', items };
      const apply = [
        'apply',
        '--server-side',
        '--field-manager=test',
        '--force-conflicts',
        '-f',
        '-',
      ];
      const first = await kubectl(apply, list);
      assert.ok(first.isOk, first.output);
      assert.doesNotMatch(first.output, /warning|violate/i);
      const get = async (kinds: string, version: string) =>
        (await kubectl(['get', '-n', namespace, kinds, '-o', `${columns},V:.metadata.${version}`]))
          .output;
      // The disruption controller writes the status of budgets meanwhile.
      const versions = async () => [
        await get('svc,cm,sa,netpol', 'resourceVersion'),
        await get('pdb', 'generation'),
      ];
      const before = await versions();
      assert.ok((await kubectl(apply, list)).isOk);
      assert.deepEqual(await versions(), before);
      await kubectl(['delete', '-n', namespace, 'sts,svc,cm,netpol,pdb', '--all', '--wait=false']);
    });
  }

  test('lets the pods of the shards in', async () => {
    const items = objectsOf(planFor({ gateway: storedGateway() })).map(withoutOwner);
    const list = { apiVersion: 'v1', kind: 'List', items };
    assert.ok((await kubectl(['apply', '--server-side', '-f', '-'], list)).isOk);
    await until(
      'the pod of the shard',
      async () => (await kubectl(['get', '-n', namespace, 'pod', 'inbox-shard-0-0'])).isOk,
      20_000,
    );
  });
});

const columns = 'custom-columns=K:.kind,N:.metadata.name';

/** The gateway itself is not there, so the garbage collector would take its children. */
function withoutOwner({ metadata, ...rest }: KubernetesObject) {
  const { ownerReferences: _ownerReferences, ...kept } = metadata;
  return { ...rest, metadata: kept };
}
