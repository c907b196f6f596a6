/** `cosd` as a process; what its admin port answers is in test/cosd/admin.test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

test('cosd changes its faults through --admin-port, and ends in order', async () => {
  await using directory = await temporaryDirectory();
  await using program = await startProgram({
    args: ['cosd', '--port', '0', '--admin-port', '0', '--data-dir', 'objects'],
    env: { COSD_SECRET_KEY: 'secret' },
    cwd: directory.path,
  });
  const admin = String(program.listening['admin_url']);
  const faults = async () => (await (await fetch(`${admin}/faults`)).json()) as unknown[];
  const rules = JSON.stringify([{ act: { do: 'wrong-crc' } }]);
  assert.equal((await fetch(`${admin}/faults`, { method: 'PUT', body: rules })).status, 200);
  assert.equal((await faults()).length, 1);
  await fetch(`${admin}/faults`, { method: 'DELETE' });
  assert.deepEqual(await faults(), []);
  program.process.kill('SIGTERM');
  await once(program.process, 'close');
  assert.equal(program.process.exitCode, 0);
});
