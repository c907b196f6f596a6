/** The commands that README shows for Kubernetes, so that the suite runs what users type. */
import { readFile } from 'node:fs/promises';
import { requireVariable, root, run, splitImage } from './cluster.ts';

/** In their order, with line continuations joined. */
export async function readKubernetesCommands(): Promise<string[]> {
  const readme = await readFile(`${root}README.md`, 'utf8');
  const [, section = ''] = readme.split('\n## On Kubernetes\n');
  const block = /```sh\n(.*?)```/s.exec(section)?.[1] ?? '';
  return block.replaceAll('\\\n', '').trim().split('\n').map(fillIn);
}

/** As a user would: the own registry instead of the word. Only the tag is added. */
function fillIn(command: string): string {
  if (!command.startsWith('helm install ')) return command;
  const operator = splitImage(requireVariable('OPERATOR_IMAGE'));
  const gateway = splitImage(requireVariable('GATEWAY_IMAGE'));
  const filled = command
    .replace('REGISTRY/cos-ftp-gateway-operator', operator.repository)
    .replace('REGISTRY/cos-ftp-gateway', gateway.repository);
  return `${filled} --set image.tag=${operator.tag} --set gatewayImage.tag=${gateway.tag}`;
}

/** A line for a shell, typed where the README lies. */
export function type(command: string): Promise<string> {
  return run(['bash', '-ec', command], { timeoutMs: 200_000 });
}
