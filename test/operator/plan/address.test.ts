/** Which address clients are told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseAddress } from '#operator/plan/address.ts';
import type { LoadBalancerIngress, Observed } from '#operator/plan/observed.ts';
import { storedGateway, storedSpec } from '#test/support/operator-gateways.ts';
import { observe, podsOf } from '#test/support/operator-observed.ts';

function balancer(ingress: readonly LoadBalancerIngress[]): Pick<Observed, 'service'> {
  return { service: { metadata: { name: 'inbox' }, status: { loadBalancer: { ingress } } } };
}

function told(address: string): Pick<Observed, 'gateway'> {
  return { gateway: { ...storedGateway(), status: { address } } };
}

const two = balancer([{ ip: '203.0.113.10' }, { ip: '203.0.113.9' }]);
const host = balancer([{ hostname: 'lb.example.com' }]);
const resolvedHosts = { 'lb.example.com': ['203.0.113.30', '203.0.113.4'] };

const cases: readonly {
  title: string;
  spec?: Readonly<Record<string, unknown>>;
  observed: Partial<Observed>;
  address: string | undefined;
  message: RegExp;
}[] = [
  {
    title: 'the word of the resource, whatever the balancer has',
    spec: { masqueradeAddress: 'ftp.example.com' },
    observed: two,
    address: 'ftp.example.com',
    message: /masqueradeAddress/,
  },
  {
    title: 'the lowest by number, not by letter',
    observed: two,
    address: '203.0.113.9',
    message: /chosen from/,
  },
  {
    title: 'the present one while it is listed',
    observed: { ...two, ...told('203.0.113.10') },
    address: '203.0.113.10',
    message: /chosen from/,
  },
  {
    title: 'another one when the present one is gone',
    observed: { ...two, ...told('203.0.113.99') },
    address: '203.0.113.9',
    message: /load balancer/,
  },
  {
    title: 'what a host name means',
    observed: { ...host, resolvedHosts },
    address: '203.0.113.4',
    message: /from lb\.example\.com/,
  },
  {
    title: 'none while a host name means nothing',
    observed: host,
    address: undefined,
    message: /lb\.example\.com has no IPv4 address yet/,
  },
  {
    title: 'none while the balancer has none',
    observed: balancer([]),
    address: undefined,
    message: /no address yet; passive mode answers 425/,
  },
  {
    title: 'none from IPv6 alone, which 227 cannot carry',
    observed: balancer([{ ip: '2001:db8::1' }]),
    address: undefined,
    message: /no IPv4 address/,
  },
  {
    title: 'one whose balancer reports a broken port, with the report',
    observed: balancer([{ ip: '203.0.113.9', ports: [{ port: 61000, error: 'Quota' }] }]),
    address: '203.0.113.9',
    message: /port 61000: Quota/,
  },
  {
    title: 'that of the Service inside the cluster',
    spec: { exposure: { type: 'ClusterIP' } },
    observed: { service: { metadata: { name: 'inbox' }, spec: { clusterIP: '10.96.0.5' } } },
    address: '10.96.0.5',
    message: /inside the cluster/,
  },
  {
    title: 'that of a node with node ports',
    spec: { exposure: { type: 'NodePort' }, passivePorts: { start: 30100, perShard: 16 } },
    observed: { pods: podsOf([{ slice: 0, readyMs: 0 }]) },
    address: '10.0.0.7',
    message: /node of a shard/,
  },
];

describe('the address', () => {
  for (const { title, spec, observed, address, message } of cases) {
    test(`is ${title}`, () => {
      const choice = chooseAddress(observe(observed), storedSpec(spec));
      assert.equal(choice.address, address);
      assert.match(choice.message, message);
    });
  }
});
