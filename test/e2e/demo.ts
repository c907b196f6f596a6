/** The gateway of the embedded example, with its names as the file says them. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { root } from './cluster.ts';
import type { Login } from './sessions.ts';

const example = await readFile(`${root}examples/kubernetes/embedded.yaml`, 'utf8');

function find(pattern: RegExp): string {
  const word = pattern.exec(example)?.[1];
  assert.ok(word, `the embedded example has no ${pattern}`);
  return word;
}

export const demo = find(/kind: FtpGateway\nmetadata:\n\s+name: (\S+)/);
export const demoAccounts = find(/kind: Secret\nmetadata:\n\s+name: (\S+)/);
const user = find(/- user: (\S+)/);
export const demoLogin: Login = {
  user,
  password: find(new RegExp(`stringData:.*\\n\\s+${user}: (\\S+)`)),
};
