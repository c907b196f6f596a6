/** A gateway on a bucket: users with different rights, and a new release while they upload. */
import assert from 'node:assert/strict';
import { helm, root, splitImage, waitUntil } from './cluster.ts';
import { readShardPods, waitAddress, waitReady } from './gateways.ts';
import { alice, applyInbox, inbox, scanner } from './inbox.ts';
import { operatorNamespace, release } from './operator.ts';
import {
  assertNoneFailed,
  curlRead,
  curlStore,
  curlStoreAndRead,
  startUploads,
} from './sessions.ts';
import { step, stopwatch, tell } from './step.ts';

const nextImage = process.env['NEXT_GATEWAY_IMAGE'];
const noSecondImage = 'NEXT_GATEWAY_IMAGE names no second image';

export function bucketSteps(): void {
  step('the example for a bucket serves its users, each with their rights', async () => {
    const seconds = stopwatch();
    await applyInbox();
    tell('bucket and gateway, apply to Ready', `${seconds()} s`);
    const address = await waitAddress(inbox);
    await curlStoreAndRead(alice, address, 'report.txt');
    await curlStore(scanner, address, 'scan.txt', 'first');
    await assert.rejects(curlStore(scanner, address, 'scan.txt', 'second'), /55[03]|denied/i);
    await assert.rejects(curlRead(scanner, address, 'scan.txt'), /550|denied|not exist/i);
  });

  step(
    'a new release rolls over two shards under a stream of uploads: none fails',
    async () => {
      const address = await waitAddress(inbox);
      const old = (await readShardPods(inbox)).map(({ metadata }) => metadata.uid);
      const uploads = await startUploads('stream', 6, { address, login: alice, sessions: 20 });
      const seconds = stopwatch();
      await changeImage(splitImage(nextImage ?? '').tag);
      await waitUntil('two shards of the new image', () => isReplaced(old), 200_000);
      tell('rollout of two shards, from helm upgrade', `${seconds()} s`);
      await waitReady(inbox);
      const result = await uploads.finish();
      tell(
        'uploads meanwhile, 20 at any time',
        `${result.uploads}, failed ${result.errors.length}`,
      );
      assertNoneFailed(result);
    },
    { skip: nextImage ? false : noSecondImage, timeoutMs: 420_000 },
  );
}

async function isReplaced(old: readonly string[]): Promise<boolean> {
  const pods = await readShardPods(inbox);
  const isNew = pods.every(({ spec }) => spec.containers[0]?.image === nextImage);
  return isNew && pods.length === 2 && !pods.some(({ metadata }) => old.includes(metadata.uid));
}

/** `helm upgrade` of the operator, which then changes its gateways. */
async function changeImage(tag: string): Promise<void> {
  const chart = `${root}charts/cos-ftp-gateway`;
  const values = ['--reuse-values', '--set', `gatewayImage.tag=${tag}`];
  await helm('upgrade', release, chart, '-n', operatorNamespace, ...values);
}
