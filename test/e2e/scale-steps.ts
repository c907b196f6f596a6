/** More shards and fewer shards, with sessions on them all the time. */
import assert from 'node:assert/strict';
import { readJson } from './cluster.ts';
import { measureCrossing } from './crossing.ts';
import { demo, demoLogin } from './demo.ts';
import { readShardPods, scale, waitAddress, waitShards } from './gateways.ts';
import { assertNoneFailed, probe, startUploads } from './sessions.ts';
import { step, stopwatch, tell } from './step.ts';
import { readConnections, testBedAbsence } from './test-bed.ts';

export function scaleSteps(): void {
  step('three replicas: 200 sessions list, store and read, each at one pod', async () => {
    const seconds = stopwatch();
    await scale(demo, 3);
    await waitShards(demo, 3);
    tell('scaled from 1 to 3', `${seconds()} s`);
    const address = await waitAddress(demo);
    const result = await probe({ address, login: demoLogin, sessions: 200 });
    tell('200 sessions', `${result.seconds} s`);
    assertNoneFailed(result);
    assert.equal(result.sessions, 200);
    if (testBedAbsence) return;
    const nodeOfPod = new Map(
      (await readShardPods(demo)).map(({ spec, status }) => [status.podIP ?? '', spec.nodeName]),
    );
    const nodes = await readNodes();
    const tables = await readConnections(nodes, address);
    const crossing = measureCrossing(result.connections, tables, nodeOfPod);
    tell('crossing', JSON.stringify(crossing));
    assert.deepEqual(
      { unknown: crossing.unknown, astray: crossing.astray, data: crossing.dataConnections },
      { unknown: 0, astray: 0, data: 600 },
    );
    assert.ok(crossing.enteredApart > 0, 'control and data entered at different nodes');
    assert.ok(crossing.forwarded > 0, 'data entered at a node where its pod does not run');
    assert.equal(new Set(nodeOfPod.values()).size, nodes.length, 'every node has a shard');
  });

  step('back to one replica under 20 running uploads: none fails', async () => {
    const address = await waitAddress(demo);
    const uploads = await startUploads('upload', 20, { address, login: demoLogin, sessions: 20 });
    const seconds = stopwatch();
    await scale(demo, 1);
    const result = await uploads.finish();
    assertNoneFailed(result);
    assert.equal(result.uploads, 20);
    await waitShards(demo, 1);
    tell('scaled from 3 to 1, drained', `${seconds()} s`);
  });
}

async function readNodes(): Promise<string[]> {
  const { items } = await readJson<{ items: { metadata: { name: string } }[] }>('get', 'nodes');
  return items.map(({ metadata }) => metadata.name);
}
