/** The operator as README installs it: its pod, and how to kill it. */
import { kubectl, readJson, waitFor } from './cluster.ts';
import type { Pod } from './gateways.ts';
import { killProcessOf, testBedAbsence } from './test-bed.ts';

export const operatorNamespace = 'cosftp-system';
export const release = 'cosftp';

/** The one that runs. */
export function readOperatorPod(): Promise<Pod> {
  return waitFor('the operator', async () => {
    const selector = 'app.kubernetes.io/component=operator';
    const words = ['-n', operatorNamespace, 'get', 'pods', '-l', selector];
    const { items } = await readJson<{ items: Pod[] }>(...words);
    const staying = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return staying.length === 1 ? staying[0] : undefined;
  });
}

/** SIGKILL, so that nothing is finished or released. Elsewhere than on the test bed the pod goes by force. */
export async function killOperator(): Promise<void> {
  const pod = await readOperatorPod();
  if (!testBedAbsence) return killProcessOf(pod);
  const { name } = pod.metadata;
  await kubectl('-n', operatorNamespace, 'delete', 'pod', name, '--grace-period=0', '--force');
}
