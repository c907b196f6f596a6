/** The way back: the resource with all it made, the operator, and what stays on purpose. */
import assert from 'node:assert/strict';
import { helm, kubectl, waitUntil } from './cluster.ts';
import { demo } from './demo.ts';
import { childKinds, inNamespace, readChildren } from './gateways.ts';
import { inbox } from './inbox.ts';
import { operatorNamespace, release } from './operator.ts';
import { step } from './step.ts';

export function removalSteps(): void {
  step('deleting the resources removes everything they made', async () => {
    await inNamespace('delete', 'ftpgw', '--all', '--timeout=120s');
    const kinds = [...childKinds, 'pods'].join(',');
    for (const gateway of [demo, inbox]) {
      const isGone = async () => (await readChildren(kinds, gateway)).length === 0;
      await waitUntil(`all children of ${gateway} to go`, isGone, 120_000);
    }
  });

  step('uninstalling takes the operator, and leaves the definition', async () => {
    await helm('uninstall', release, '-n', operatorNamespace);
    const left = await kubectl('-n', operatorNamespace, 'get', 'deployments', '-o', 'name');
    assert.equal(left, '');
    assert.match(await kubectl('get', 'crd', 'ftpgateways.cosftp.io', '-o', 'name'), /ftpgateways/);
  });
}
