/** What a new user does: the README's lines as they stand, then a first file. */
import assert from 'node:assert/strict';
import { kubectl } from './cluster.ts';
import { demo, demoLogin } from './demo.ts';
import { inNamespace, namespace, readShardPods, waitAddress } from './gateways.ts';
import { readKubernetesCommands, type } from './readme.ts';
import { curlStoreAndRead } from './sessions.ts';
import { say, step, stopwatch, tell } from './step.ts';

const restricted = 'pod-security.kubernetes.io/enforce=restricted';

export function installSteps(): void {
  step('the lines of README install the operator and a gateway that becomes Ready', async () => {
    const fromApply = { seconds: stopwatch() };
    for (const command of await readKubernetesCommands()) {
      if (command.includes(' apply ')) fromApply.seconds = stopwatch();
      const seconds = stopwatch();
      const shown = await type(command);
      tell(command.split(' --set ')[0] ?? '', `${seconds()} s`);
      if (command.includes(' wait ')) tell('kubectl apply to Ready', `${fromApply.seconds()} s`);
      if (command.startsWith('kubectl create namespace')) {
        await kubectl('label', 'namespace', namespace, restricted);
      }
      if (command.endsWith(' get ftpgw')) showTable(shown);
    }
  });

  step(
    'a file goes up and comes back from outside, by passive mode and default settings',
    async () => {
      const address = await waitAddress(demo);
      await curlStoreAndRead(demoLogin, address, 'hello.txt');
    },
  );

  step('the pods are admitted by the restricted profile and hold no token', async () => {
    const labels = await kubectl(
      'get',
      'namespace',
      namespace,
      '-o',
      'jsonpath={.metadata.labels}',
    );
    assert.match(labels, /"pod-security.kubernetes.io\/enforce":"restricted"/);
    const [pod] = await readShardPods(demo);
    const paths = 'jsonpath={.spec.containers[*].volumeMounts[*].mountPath}';
    const mounts = await inNamespace('get', 'pod', pod?.metadata.name ?? '', '-o', paths);
    assert.doesNotMatch(mounts, /serviceaccount/);
  });
}

function showTable(table: string): void {
  for (const line of table.trim().split('\n')) say(`         ${line}`);
  assert.match(table, /NAME.*ADDRESS.*\n.*\d+\.\d+\.\d+\.\d+/);
}
