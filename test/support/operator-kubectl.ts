/** kubectl against a control plane of a test. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { ControlPlane } from './control-plane.ts';

export interface KubectlEnd {
  readonly isOk: boolean;
  /** Both streams: warnings of the API server too. */
  readonly output: string;
}

/** @param input becomes JSON on standard input. */
export function runKubectl(
  plane: ControlPlane,
  args: readonly string[],
  input?: unknown,
): Promise<KubectlEnd> {
  return new Promise((resolve) => {
    const file = join(process.env['KUBEBUILDER_ASSETS'] ?? '', 'kubectl');
    const env = { ...process.env, KUBECONFIG: plane.kubeconfig };
    const child = execFile(file, [...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ isOk: error === null, output: stdout + stderr });
    });
    child.stdin?.end(input === undefined ? '' : JSON.stringify(input));
  });
}
