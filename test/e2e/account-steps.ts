/** A user more, without a restart. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { readJson, waitUntil } from './cluster.ts';
import { demo, demoAccounts, demoLogin } from './demo.ts';
import { inNamespace, namespace, patchGateway, readIdentities, waitAddress } from './gateways.ts';
import { curlList, curlStoreAndRead, type Login } from './sessions.ts';
import { step, stopwatch, tell } from './step.ts';

/** From the second of the two changes to the first login. */
const promisedMs = 90_000;

const carol: Login = { user: 'carol', password: 'carols-own-word' };

interface AccountsOf {
  readonly spec: { readonly accounts: readonly object[] };
}

export function accountSteps(): void {
  step('a user added to Secret and resource logs in within 90 s, and no pod restarts', async () => {
    const address = await waitAddress(demo);
    const pods = await readIdentities(demo);
    await assert.rejects(curlList(carol, address), /530|denied/i);
    const stringData = { [carol.user]: carol.password };
    await inNamespace('patch', 'secret', demoAccounts, '-p', JSON.stringify({ stringData }));
    const { spec } = await readJson<AccountsOf>('-n', namespace, 'get', 'ftpgw', demo);
    await patchGateway(demo, {
      accounts: [...spec.accounts, { user: carol.user, prefix: 'carol/' }],
    });
    const seconds = stopwatch();
    const mayLogIn = async () => {
      await pause(4_000); // each refusal counts against the address it came from
      await curlList(carol, address);
      return true;
    };
    await waitUntil('the new user to log in', mayLogIn, promisedMs);
    tell('user added to first login', `${seconds()} s`);
    await curlStoreAndRead(carol, address, 'hello-carol.txt');
    await curlStoreAndRead(demoLogin, address, 'hello-again.txt');
    assert.deepEqual(await readIdentities(demo), pods, 'no pod was restarted');
  });
}
