/**
 * The loop interrupted at every single write of a gateway's life: scaled from one to three shards and to
 * two, then moved to another address. Whichever request was the last one, and whether or not the API
 * server carried it out, the next run finds its way: the same objects in the end, nothing more to write,
 * and at no time a shard with clients whose ports are not in the Service.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plan } from '#operator/plan/plan.ts';
import { childKinds, gatewayKind, podKind } from '#operator/reconcile/kinds.ts';
import type { StoredObject } from '#test/support/fake-api-server.ts';
import { storedSpec } from '#test/support/operator-gateways.ts';
import { namespace, type ReconcileWorld, reconcileWorld } from '#test/support/reconcile-world.ts';

type Crash = 'before' | 'after';

interface PodTemplate {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: {
    readonly containers: readonly { readonly ports: readonly { name: string }[] }[];
  };
}

/** A run that asks for no earlier one waits for nothing. */
const resyncMs = 300_000;

const passivePorts = { start: 61_000, perShard: 1 };

/** What other controllers do between two runs: pods come, and those of deleted shards drain for a turn. */
function letOthersWork({ api, clock }: ReconcileWorld): void {
  for (const pod of api.all(podKind, namespace)) {
    if (pod.metadata['deletionTimestamp'] === undefined) continue;
    api.put(podKind, { ...pod, metadata: { ...pod.metadata, finalizers: [] } });
  }
  for (const shard of api.all(childKinds.StatefulSet, namespace)) {
    const name = `${shard.metadata.name}-0`;
    if (api.get(podKind, namespace, name)) continue;
    const { template } = shard['spec'] as { template: PodTemplate };
    const { labels } = template.metadata;
    const ready = { type: 'Ready', status: 'True' };
    const lastTransitionTime = new Date(clock.now()).toISOString();
    const owner = { kind: 'StatefulSet', name: shard.metadata.name, uid: shard.metadata.uid };
    const ownerReferences = [{ ...owner, controller: true }];
    api.put(podKind, {
      metadata: { name, namespace, labels, ownerReferences, finalizers: ['test/drains'] },
      spec: template.spec,
      status: { phase: 'Running', conditions: [{ ...ready, lastTransitionTime }] },
    });
    api.put(childKinds.StatefulSet, { ...shard, status: { replicas: 1, readyReplicas: 1 } });
  }
}

/** Clients reach a ready pod by port 21: then all its other ports have to be reachable too. */
function assertPortsReachable({ api }: ReconcileWorld): void {
  const service = api.get(childKinds.Service, namespace, 'files')?.['spec'];
  const { ports = [] } = (service ?? {}) as { ports?: readonly { targetPort: string }[] };
  const open = new Set(ports.map(({ targetPort }) => targetPort));
  for (const pod of api.all(podKind, namespace)) {
    const { containers } = pod['spec'] as PodTemplate['spec'];
    const own = containers.flatMap((container) => container.ports.map(({ name }) => name));
    const closed = own.filter((name) => name !== 'admin' && !open.has(name));
    assert.deepEqual(closed, [], pod.metadata.name);
  }
}

/** Of so many writes the n-th is interrupted. Several in one life keep this test short. */
const everyWrites = 13;

function interruptWrites(world: ReconcileWorld, first: number, crash: Crash): void {
  let writes = 0;
  world.api.fail({
    matches: ({ method }) => method !== 'GET' && writes++ % everyWrites === first,
    answer: crash === 'before' ? 'reset' : 'reset-after',
    times: Number.POSITIVE_INFINITY,
  });
}

/** @returns how many writes the operator sent. */
async function live(world: ReconcileWorld): Promise<number> {
  let sent = 0;
  const wish = (replicas: number) =>
    void world.putGateway(storedSpec({ replicas, passivePorts }) as unknown);
  const giveAddress = (ip: string) => {
    const service = world.api.get(childKinds.Service, namespace, 'files');
    if (!service) throw new Error('no Service yet');
    const status = { loadBalancer: { ingress: [{ ip }] } };
    world.api.put(childKinds.Service, { ...service, status });
  };
  const settle = async () => {
    let idleTurns = 0;
    for (let turn = 0; turn < 20 && idleTurns < 1; turn += 1) {
      const before = world.api.writes.length;
      // The queue would try again later; here that is the next turn.
      const end = await world.run().catch(() => undefined);
      const writes = world.api.writes.length - before;
      sent += writes;
      idleTurns = writes === 0 && end?.requeueAfterMs === resyncMs ? idleTurns + 1 : 0;
      letOthersWork(world);
      assertPortsReachable(world);
      await world.clock.advance(5_000);
    }
  };
  wish(1);
  await settle();
  giveAddress('203.0.113.7');
  for (const replicas of [3, 2]) {
    wish(replicas);
    await settle();
  }
  giveAddress('203.0.113.8');
  await settle();
  assert.deepEqual((await world.run()).writes, [], 'settled');
  return sent;
}

/** Everything but what differs from life to life: versions, ids, hashes of what holds an id, and times. */
function picture({ api }: ReconcileWorld): unknown {
  const kinds = [...Object.values(childKinds), podKind, gatewayKind];
  const text = JSON.stringify(kinds.map((kind) => api.all(kind, namespace).map(plain)));
  const owned = text
    .replaceAll(/"cosftp.io\/(?:wish|template)-hash":"\w+"/g, '"of":"owner"')
    .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, 'uid');
  return JSON.parse(owned.replaceAll(/"[\d-]{10}T[\d:.]+Z"/g, '"time"'));
}

function plain(object: StoredObject): object {
  const {
    uid: _uid,
    resourceVersion: _version,
    generation: _generation,
    ...metadata
  } = {
    ...object.metadata,
  };
  const {
    ownerReferences: _owners,
    creationTimestamp: _created,
    ...kept
  } = metadata as Record<string, unknown>;
  return { ...object, metadata: kept };
}

describe('a run that is interrupted', () => {
  const undisturbed = async () => {
    await using world = await reconcileWorld(plan);
    return { writes: await live(world), picture: picture(world) };
  };

  for (const crash of ['before', 'after'] as const) {
    test(`right ${crash} the API server did any one of its writes does no harm`, async () => {
      const { writes, picture: wished } = await undisturbed();
      assert.ok(writes > 2 * everyWrites, `${writes} writes`);
      for (let first = 0; first < everyWrites; first += 1) {
        await using world = await reconcileWorld(plan);
        interruptWrites(world, first, crash);
        await live(world);
        assert.deepEqual(picture(world), wished, `write ${first} of ${everyWrites}`);
      }
    });
  }
});
