/** The load balancer's address moves while clients work. */
import assert from 'node:assert/strict';
import { waitUntil } from './cluster.ts';
import { demo, demoLogin } from './demo.ts';
import { moveAddress, readAddress, readIdentities, waitAddress } from './gateways.ts';
import { assertNoneFailed, readPassiveReply, startUploads } from './sessions.ts';
import { step, stopwatch, tell } from './step.ts';
import { testBedAbsence } from './test-bed.ts';

const moved = '198.51.100.77';
/** What the product promises from the change of the address to the next 227. */
const promisedMs = 5_000;

export function addressSteps(): void {
  step(
    'a changed address is in the next 227 within 5 s, a running upload completes, no pod restarts',
    async () => {
      const before = await waitAddress(demo);
      const pods = await readIdentities(demo);
      const login = demoLogin;
      const upload = await startUploads('upload', 20, { address: before, login, sessions: 5 });
      const seconds = stopwatch();
      const startedMs = performance.now();
      await moveAddress(demo, moved);
      await waitUntil('the new address in 227', () => isAnnounced(moved), 20_000);
      const tookMs = performance.now() - startedMs;
      tell('address change to 227', `${seconds()} s`);
      assert.ok(tookMs < promisedMs, `${tookMs} ms`);
      await waitUntil('the new address in status', async () => (await readAddress(demo)) === moved);
      assertNoneFailed(await upload.finish());
      assert.deepEqual(await readIdentities(demo), pods, 'no pod was restarted');
    },
    { skip: testBedAbsence },
  );
}

/** By a session through that address. */
export async function isAnnounced(address: string): Promise<boolean> {
  const reply = await readPassiveReply(demoLogin, address);
  return reply.includes(`(${address.replaceAll('.', ',')},`);
}
