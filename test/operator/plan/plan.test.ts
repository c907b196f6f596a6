/** Whole plans: order, addresses into running pods, what others put there, conditions and events. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostNameRefreshMs } from '#operator/plan/address.ts';
import { annotations } from '#operator/plan/names.ts';
import type { ObservedContainer, ObservedService } from '#operator/plan/observed.ts';
import type { Plan } from '#operator/plan/plan.ts';
import { storedGateway, storedSpec } from '#test/support/operator-gateways.ts';
import {
  nowMs,
  objectsOf,
  planFor,
  podsOf,
  type ShardState,
  statefulSetsOf,
  wishedHash,
} from '#test/support/operator-observed.ts';

const address = '203.0.113.9';

const service: ObservedService = {
  metadata: { name: 'inbox' },
  spec: { allocateLoadBalancerNodePorts: false },
  status: { loadBalancer: { ingress: [{ ip: address }] } },
};

function withShards(states: readonly ShardState[]) {
  const hash = wishedHash(storedGateway());
  return {
    statefulSets: statefulSetsOf(states.map((state) => ({ hash, ...state }))),
    pods: podsOf(states),
  };
}

const settled = withShards([{ slice: 0, readyMs: 60_000 }]);

function namesOf(plan: Plan): string[] {
  return objectsOf(plan).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

function conditionOf({ status }: Plan, type: string): string {
  const found = status.conditions?.find((condition) => condition.type === type);
  return `${found?.status} ${found?.reason}`;
}

function reasonsOf({ events }: Plan): string[] {
  return events.map(({ reason }) => reason);
}

describe('a plan', () => {
  test('applies the ports of the Service before the shards that use them', () => {
    assert.deepEqual(namesOf(planFor({})), [
      'ServiceAccount inbox',
      'NetworkPolicy inbox',
      'Service inbox',
      'ConfigMap inbox',
      'PodDisruptionBudget inbox',
      'StatefulSet inbox-shard-0',
    ]);
  });

  test('waits with the shards until the embedded COS has an address', () => {
    const gateway = storedGateway({ cos: { embedded: {} } });
    const before = planFor({ gateway });
    assert.ok(!namesOf(before).some((name) => /ConfigMap|shard/.test(name)));
    assert.equal(conditionOf(before, 'Programmed'), 'False Waiting');
    const cosdService = { metadata: { name: 'inbox-cosd' }, spec: { clusterIP: '10.96.0.9' } };
    assert.ok(namesOf(planFor({ gateway, cosdService })).includes('StatefulSet inbox-shard-0'));
  });

  test('takes the embedded COS away from a gateway that moved to a bucket', () => {
    const cosdService = { metadata: { name: 'inbox-cosd' } };
    const { remove } = planFor({ ...settled, cosdService });
    assert.deepEqual(
      remove.map(({ kind, name }) => `${kind} ${name}`),
      ['StatefulSet inbox-cosd', 'Service inbox-cosd', 'NetworkPolicy inbox-cosd'],
    );
  });

  test('tells running pods the address and that their configuration changed, and looks again', () => {
    const configMap = { metadata: { name: 'inbox' }, data: { 'gateway.json': '{}' } };
    const plan = planFor({ ...settled, service, configMap });
    const [pod] = plan.annotatePods;
    assert.equal(pod?.annotations[annotations.masqueradeAddress], address);
    assert.ok(pod?.annotations[annotations.configHash]);
    assert.equal(plan.requeueAfterMs, 5_000);
  });

  const hash = wishedHash(storedGateway());
  const { cos } = storedSpec();

  for (const [what, changes] of Object.entries({
    'another address': { masqueradeAddress: address },
    'another user': { accounts: [{ user: 'alice' }, { user: 'bob' }] },
    'another size limit': { singleFileMaxSize: '1Gi' },
    'another policy for cut uploads': { incompleteUploads: 'Complete' },
    'another rule for data connections': { dataPeer: 'Same' },
    'another bucket': { cos: { ...cos, bucket: 'other-1250000000' } },
  })) {
    test(`restarts no shard for ${what}, which running gateways take over`, () => {
      assert.equal(wishedHash(storedGateway(changes)), hash);
    });
  }

  for (const [what, changes] of Object.entries({
    'another grace period': { drainSeconds: 10 },
    'another key': { cos: { ...cos, credentialsSecret: { name: 'other' } } },
    'a certificate': { tls: { secretName: 'certificate' } },
    'the PROXY protocol': { proxyProtocol: { mode: 'Required', trusted: ['10.0.0.0/8'] } },
  })) {
    test(`makes new shards for ${what}`, () => {
      assert.notEqual(wishedHash(storedGateway(changes)), hash);
    });
  }

  test('leaves the decision about node ports as it was taken', () => {
    const decision = (plan: Plan) => {
      const made = plan.foundation.find(({ kind }) => kind === 'Service')?.['spec'];
      return (made as { allocateLoadBalancerNodePorts: boolean }).allocateLoadBalancerNodePorts;
    };
    assert.equal(decision(planFor({})), true);
    assert.equal(decision(planFor({ service })), false);
  });

  test("names ports of the Service that are nobody's, and only those", () => {
    const ports = [
      { port: 21, protocol: 'TCP' },
      { port: 61000 },
      { port: 61031, protocol: 'TCP' },
      { port: 61032, protocol: 'TCP' },
      { port: 21, protocol: 'UDP' },
    ];
    const plan = planFor({ ...settled, service: { ...service, spec: { ports } } });
    assert.deepEqual(plan.removeServicePorts?.ports, [
      { port: 61032, protocol: 'TCP' },
      { port: 21, protocol: 'UDP' },
    ]);
    assert.ok(reasonsOf(plan).includes('StrayPortsRemoved'));
  });

  test('does nothing for a resource that is being deleted', () => {
    const gateway = storedGateway();
    const deletionTimestamp = new Date(nowMs).toISOString();
    const plan = planFor({
      gateway: { ...gateway, metadata: { ...gateway.metadata, deletionTimestamp } },
    });
    assert.deepEqual([objectsOf(plan), plan.remove, plan.events], [[], [], []]);
  });

  test('looks at a host name again', () => {
    const ingress = [{ hostname: 'lb.example.com' }];
    const named = { metadata: { name: 'inbox' }, status: { loadBalancer: { ingress } } };
    assert.equal(planFor({ ...settled, service: named }).requeueAfterMs, 30_000);
    assert.equal(planFor({ ...settled, service }).requeueAfterMs, undefined);
  });
});

describe('the status', () => {
  test('says what is missing until everything is there', () => {
    const nothing = planFor({});
    assert.equal(conditionOf(nothing, 'Accepted'), 'True Accepted');
    assert.equal(conditionOf(nothing, 'Programmed'), 'False Scaling');
    assert.equal(conditionOf(nothing, 'AddressAssigned'), 'False Waiting');
    assert.equal(conditionOf(nothing, 'Ready'), 'False ShardsNotReady');
    const noAddress = planFor(settled);
    assert.equal(conditionOf(noAddress, 'Programmed'), 'True Programmed');
    assert.equal(conditionOf(noAddress, 'Ready'), 'False NoAddress');
    const all = planFor({ ...settled, service });
    assert.equal(conditionOf(all, 'Ready'), 'True Ready');
    assert.equal(all.status.address, address);
    assert.deepEqual(all.status.shards, [
      { name: 'inbox-shard-0', ports: '61000-61015', phase: 'Ready' },
    ]);
    assert.equal(
      all.status.selector,
      'cosftp.io/gateway=inbox,app.kubernetes.io/component=gateway',
    );
  });

  test('stays Ready while a new template is rolled out', () => {
    const states = [{ slice: 0, readyMs: 60_000, hash: 'old' }, { slice: 1 }];
    const plan = planFor({ ...withShards(states), service });
    assert.equal(conditionOf(plan, 'Ready'), 'True Ready');
    assert.equal(conditionOf(plan, 'Programmed'), 'False RollingOut');
  });

  test('tells why pods are refused', () => {
    const plan = planFor({ podProblems: ['violates PodSecurity "restricted:latest"'] });
    const ready = plan.status.conditions?.find(({ type }) => type === 'Ready');
    assert.match(ready?.message ?? '', /0 of 1 shards are ready: violates PodSecurity/);
    assert.equal(plan.requeueAfterMs, 10_000, 'events wake nobody');
  });

  test('tells that a gateway keeps ending, and with what', () => {
    const [pod] = podsOf([{ slice: 0 }]);
    assert.ok(pod);
    const readyWith = (containerStatuses: readonly ObservedContainer[]) => {
      const crashing = { ...pod, status: { ...pod.status, containerStatuses } };
      const plan = planFor({ ...withShards([{ slice: 0 }]), pods: [crashing] });
      return plan.status.conditions?.find(({ type }) => type === 'Ready')?.message;
    };
    const waiting = { reason: 'CrashLoopBackOff' };
    const ended = 'inbox-shard-0-0 ended with';
    assert.equal(
      readyWith([
        { state: { waiting }, lastState: { terminated: { exitCode: 2, reason: 'Error' } } },
      ]),
      `0 of 1 shards are ready: ${ended} 2; its log says why`,
    );
    assert.equal(
      readyWith([{ state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }]),
      `0 of 1 shards are ready: ${ended} 137 (OOMKilled); its log says why`,
    );
    const running = { lastState: { terminated: { exitCode: 2 } } };
    assert.equal(readyWith([running]), '0 of 1 shards are ready');
  });

  test('is settled: the same observation later gives the same status and no event', () => {
    const first = planFor({ ...settled, service });
    const gateway = { ...storedGateway(), status: first.status };
    const second = planFor({ ...settled, service, gateway, nowMs: nowMs + 3_600_000 });
    assert.deepEqual(second.status, first.status);
    assert.deepEqual(second.events, []);
    assert.deepEqual(reasonsOf(first), ['Ready', 'AddressAssigned', 'ShardCreated']);
  });

  test('tells of shards what is seen of them, once', () => {
    const shardEvents = (before: Plan | undefined, states: readonly ShardState[]) => {
      const gateway = { ...storedGateway(), ...(before && { status: before.status }) };
      const plan = planFor({ ...withShards(states), service, gateway });
      const told = plan.events.filter(({ reason }) => reason.startsWith('Shard'));
      return { plan, told: told.map(({ reason, message }) => `${reason} ${message.slice(0, 30)}`) };
    };
    const none = shardEvents(undefined, []);
    assert.deepEqual(none.told, [], 'a shard that is only wished may be refused');
    const made = shardEvents(none.plan, [{ slice: 0 }]);
    assert.deepEqual(made.told, ['ShardCreated inbox-shard-0 is made']);
    const evicted = shardEvents(made.plan, [{ slice: 0, isLeaving: true }, { slice: 1 }]);
    assert.deepEqual(evicted.told, [
      'ShardReplaced the pod of inbox-shard-0 is en',
      'ShardCreated inbox-shard-1 is made',
    ]);
    const drains = shardEvents(evicted.plan, [{ slice: 0, isDraining: true }, { slice: 1 }]);
    assert.deepEqual(drains.told, []);
    const removed = shardEvents(drains.plan, [{ slice: 1, isDraining: true }]);
    assert.deepEqual(removed.told, ['ShardDraining inbox-shard-1 takes no new ses']);
  });

  test('changes the time of a condition only with its status', () => {
    const first = planFor({ ...settled, service });
    const gateway = { ...storedGateway(), status: first.status };
    const later = planFor({ ...settled, service, gateway, pods: [], nowMs: nowMs + 60_000 });
    const times = later.status.conditions?.map(({ type, lastTransitionTime }) => {
      return `${type} ${lastTransitionTime}`;
    });
    assert.deepEqual(times, [
      'Accepted 2026-01-02T03:04:05Z',
      'Programmed 2026-01-02T03:04:05Z',
      'AddressAssigned 2026-01-02T03:04:05Z',
      'Ready 2026-01-02T03:05:05Z',
    ]);
    assert.deepEqual(reasonsOf(later), ['ShardsNotReady']);
  });

  test('of a refused resource leaves what runs as it is', () => {
    const first = planFor({ ...settled, service });
    const gateway = { ...storedGateway(), spec: { replicas: 1 }, status: first.status };
    const plan = planFor({ ...settled, service, gateway });
    assert.deepEqual([objectsOf(plan), plan.remove], [[], []]);
    assert.equal(conditionOf(plan, 'Accepted'), 'False Invalid');
    assert.equal(conditionOf(plan, 'Ready'), 'True NotAccepted');
    assert.equal(plan.status.address, address);
    assert.deepEqual(reasonsOf(plan), ['Invalid']);
  });

  test('of a refused resource follows the balancer it has, and no other', () => {
    const first = planFor({ ...settled, service });
    const moved = { ...service, status: { loadBalancer: { ingress: [{ ip: '203.0.113.10' }] } } };
    const refused = { ...storedGateway(), spec: { replicas: 1 } };
    const plan = planFor({
      ...settled,
      service: moved,
      gateway: { ...refused, status: first.status },
    });
    assert.deepEqual(
      plan.annotatePods.map((pod) => pod.annotations[annotations.masqueradeAddress]),
      ['203.0.113.10'],
    );
    assert.deepEqual([objectsOf(plan), plan.remove], [[], []]);
    assert.equal(plan.status.address, '203.0.113.10');
    assert.equal(conditionOf(plan, 'AddressAssigned'), 'True FromLoadBalancer');

    const ingress = [{ hostname: 'lb.example.test' }];
    const byName = { ...service, status: { loadBalancer: { ingress } } };
    const resolvedHosts = { 'lb.example.test': ['203.0.113.11'] };
    const gateway = { ...refused, status: first.status };
    const named = planFor({ ...settled, service: byName, resolvedHosts, gateway });
    assert.equal(named.status.address, '203.0.113.11');
    assert.equal(named.requeueAfterMs, hostNameRefreshMs);
  });

  test('of a refused resource tells no address that nobody knows to be wanted', () => {
    const moved = { ...service, status: { loadBalancer: { ingress: [{ ip: '203.0.113.10' }] } } };
    const refused = { ...storedGateway(), spec: { replicas: 1 } };
    const fresh = planFor({ ...settled, service: moved, gateway: refused });
    assert.deepEqual(fresh.annotatePods, [], 'never accepted: nobody knows whose address it is');
    const named = {
      ...storedGateway(),
      spec: { ...storedSpec(), masqueradeAddress: 'ftp.example' },
    };
    const { status } = planFor({ ...settled, service, gateway: named });
    const kept = planFor({ ...settled, service: moved, gateway: { ...refused, status } });
    assert.deepEqual(kept.annotatePods, [], 'the resource has its own word');
    assert.equal(conditionOf(kept, 'AddressAssigned'), 'True NotAccepted');
  });
});
