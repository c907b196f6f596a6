/** The manifests made for three gateways, in test/golden/operator: read them to know what is made. */
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import type { Observed } from '#operator/plan/observed.ts';
import { assertGolden } from '#test/support/golden.ts';
import { storedGateway } from '#test/support/operator-gateways.ts';
import { objectsOf, planFor } from '#test/support/operator-observed.ts';

const cases: readonly {
  name: string;
  head: string;
  changes: Partial<Observed>;
}[] = [
  {
    name: 'small',
    head: 'A gateway in front of a bucket with nothing but what has to be said. Three ports a shard keep this short.',
    changes: { gateway: storedGateway({ passivePorts: { start: 61000, perShard: 3 } }) },
  },
  {
    name: 'embedded',
    head: 'On the embedded COS, when its Service has an address. Before, there is no ConfigMap and no shard.',
    changes: {
      gateway: storedGateway({
        cos: { embedded: {} },
        passivePorts: { start: 61000, perShard: 2 },
      }),
      cosdService: { metadata: { name: 'inbox-cosd' }, spec: { clusterIP: '10.96.0.9' } },
    },
  },
  {
    name: 'full',
    head: 'Three shards with FTPS, PROXY protocol and a private balancer that needs no node ports.',
    changes: {
      gateway: storedGateway({
        replicas: 3,
        passivePorts: { start: 61000, perShard: 2 },
        masqueradeAddress: 'ftp.example.com',
        exposure: {
          profile: 'metallb',
          annotations: { 'metallb.io/address-pool': 'lan' },
          sourceRanges: ['192.168.0.0/16'],
        },
        tls: { secretName: 'inbox-certificate', required: true, implicit: true },
        proxyProtocol: { mode: 'Required', trusted: ['10.0.0.0/8'] },
        incompleteUploads: 'Complete',
        bandwidth: { uploadBytesPerSecond: '100Mi', downloadBytesPerSecond: '1Gi' },
        objects: {
          contentTypes: { edi: 'application/edifact' },
          storageClass: 'STANDARD_IA',
          serverSideEncryption: 'KMS',
          kmsKeyID: '48ba38aa-26c5-11ea-855c-52540085',
          metadata: { origin: 'ftp' },
        },
        accounts: [
          {
            user: 'alice',
            prefix: 'incoming/alice/',
            bandwidth: { uploadBytesPerSecond: '10Mi' },
            objects: { serverSideEncryption: 'BucketDefault', metadata: { owner: 'alice' } },
          },
        ],
        drainSeconds: 600,
      }),
    },
  },
];

describe('the manifests of a gateway', () => {
  for (const { name, head, changes } of cases) {
    test(`${name}: are those a person has read`, async () => {
      const documents = objectsOf(planFor(changes)).map((object) =>
        stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }),
      );
      await assertGolden(`operator/${name}.golden.yaml`, `# ${head}\n${documents.join('---\n')}`);
    });
  }
});
