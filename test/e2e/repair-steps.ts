/** Hands in the wrong place: children deleted, specs that cannot be meant. */
import assert from 'node:assert/strict';
import { waitFor, waitUntil } from './cluster.ts';
import { demo, demoLogin } from './demo.ts';
import {
  childKinds,
  inNamespace,
  patchGateway,
  readChildren,
  readCondition,
  readIdentities,
  waitAddress,
  waitQuiet,
  waitReady,
  waitShards,
} from './gateways.ts';
import { curlStoreAndRead } from './sessions.ts';
import { step, stopwatch, tell } from './step.ts';

/** Each with what the API server has to say about it. */
const refused: readonly { readonly spec: object; readonly sentence: RegExp }[] = [
  {
    spec: { passivePorts: { start: 65_530 } },
    sentence: /passivePorts cannot be changed: running shards hold those ports/,
  },
  {
    spec: { proxyProtocol: { mode: 'Required' } },
    sentence: /proxyProtocol\.trusted is empty: name the networks of the balancers/,
  },
  {
    spec: { cos: { podIdentity: {} } },
    sentence: /cos needs exactly one of credentialsSecret, podIdentity, cvmRole and embedded/,
  },
  { spec: { singleFileMaxSize: '-1' }, sentence: /spec\.singleFileMaxSize/ },
];

export function repairSteps(): void {
  for (const kind of childKinds) {
    step(`deleted ${kind} come back, and clients are served`, async () => {
      await waitShards(demo, 1); // a Service of the embedded COS comes back elsewhere: that is a rollout
      const before = await readChildren(kind, demo);
      assert.ok(before.length > 0);
      const gone = new Set(before.map(({ metadata }) => metadata.uid));
      const names = before.map(({ metadata }) => metadata.name).toSorted();
      const seconds = stopwatch();
      await inNamespace('delete', kind, '--wait=false', ...names);
      await waitUntil(
        `${names.join(', ')} to come back`,
        async () => {
          const now = await readChildren(kind, demo);
          const isNew = now.every(({ metadata }) => !gone.has(metadata.uid));
          return isNew && now.length === names.length;
        },
        120_000,
      );
      tell(`${names.join(', ')} back`, `${seconds()} s`);
      await waitServing();
      tell('clients served again', `${seconds()} s`);
    });
  }
}

/** Through whatever address is told now. */
async function waitServing(): Promise<void> {
  const isServing = async () => {
    await waitReady(demo);
    await curlStoreAndRead(demoLogin, await waitAddress(demo), 'after-repair.txt');
    return true;
  };
  await waitUntil('a file to go up and come back', isServing, 90_000);
}

export function refusalSteps(): void {
  step('a bad spec is refused by the API server with our sentence', async () => {
    for (const { spec, sentence } of refused) {
      await assert.rejects(patchGateway(demo, spec), sentence);
    }
  });

  step(
    'a spec that only the operator can judge is told in Accepted=False, and nothing changes',
    async () => {
      await waitQuiet(demo);
      const pods = await readIdentities(demo);
      await patchGateway(demo, { image: 'elsewhere.test/another-gateway:1' });
      const { message } = await waitFor('Accepted=False', async () => {
        const accepted = await readCondition(demo, 'Accepted');
        return accepted?.status === 'False' ? accepted : undefined;
      });
      tell('Accepted=False', message);
      assert.match(message, /the image repository elsewhere\.test\/another-gateway is not one/);
      await curlStoreAndRead(demoLogin, await waitAddress(demo), 'still-served.txt');
      await patchGateway(demo, { image: null });
      await inNamespace('wait', `ftpgw/${demo}`, '--for=condition=Accepted', '--timeout=30s');
      await waitReady(demo);
      assert.deepEqual(await readIdentities(demo), pods);
    },
  );
}
