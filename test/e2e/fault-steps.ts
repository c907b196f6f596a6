/** The operator and its API server die at bad moments; what was asked for comes all the same, and then rest. */

import { isAnnounced } from './address-steps.ts';
import { waitUntil } from './cluster.ts';
import { demo, demoLogin } from './demo.ts';
import {
  moveAddress,
  readAddress,
  readChildren,
  scale,
  waitAddress,
  waitQuiet,
  waitShards,
} from './gateways.ts';
import { killOperator, readOperatorPod } from './operator.ts';
import { curlStoreAndRead } from './sessions.ts';
import { step, stopwatch, tell } from './step.ts';
import { cutFromApiServer, restartApiServer, testBedAbsence } from './test-bed.ts';

const moved = '198.51.100.78';
const onTestBed = { skip: testBedAbsence, timeoutMs: 300_000 };

export function faultSteps(): void {
  step(
    'the operator is killed in the middle of scaling up: it converges, then writes nothing',
    async () => {
      await scale(demo, 3);
      await waitUntil('a new StatefulSet', async () => (await countStatefulSets()) > 1);
      await killOperator();
      await settle(3);
    },
    { timeoutMs: 300_000 },
  );

  step(
    'the operator is killed in the middle of an address change: it converges, then writes nothing',
    async () => {
      const seconds = stopwatch();
      await moveAddress(demo, moved);
      await killOperator();
      await waitUntil('the new address in 227', () => isAnnounced(moved), 60_000);
      tell('address change to 227, operator killed', `${seconds()} s`);
      await waitUntil('the new address in status', async () => (await readAddress(demo)) === moved);
      await settle(3);
    },
    onTestBed,
  );

  step(
    'the operator is killed in the middle of scaling down: it converges, then writes nothing',
    async () => {
      await scale(demo, 2);
      await waitUntil('a StatefulSet less', async () => (await countStatefulSets()) < 3);
      await killOperator();
      await settle(2);
    },
    { timeoutMs: 300_000 },
  );

  step(
    'the API server is killed in the middle of scaling up: it converges, then writes nothing',
    async () => {
      await scale(demo, 3);
      await restartApiServer(5_000);
      await settle(3);
    },
    onTestBed,
  );

  step(
    'the watches are cut while the resource changes: it converges, then writes nothing',
    async () => {
      const operator = await readOperatorPod();
      {
        await using _ = await cutFromApiServer(operator);
        await scale(demo, 1);
        await curlStoreAndRead(demoLogin, await waitAddress(demo), 'while-cut.txt');
      }
      await settle(1);
    },
    onTestBed,
  );
}

/** Of shards. */
async function countStatefulSets(): Promise<number> {
  const sets = await readChildren('statefulsets', demo);
  return sets.filter(({ metadata }) => metadata.name.includes('-shard-')).length;
}

async function settle(replicas: number): Promise<void> {
  const seconds = stopwatch();
  await waitShards(demo, replicas);
  tell(`${replicas} shards and Ready`, `${seconds()} s later`);
  await curlStoreAndRead(demoLogin, await waitAddress(demo), 'settled.txt');
  await waitQuiet(demo);
  tell('15 s without a write', `${seconds()} s later`);
}
