/**
 * For the image: starts the program given as arguments, waits until it says `listening`, stops it in
 * order, and so leaves Node's compiled code in NODE_COMPILE_CACHE. The flags are the image's, because
 * code compiled under others is not taken.
 *
 *   node scripts/warm-start.ts bin/cos-ftp-gateway.mjs serve --demo
 */
import { spawn } from 'node:child_process';

const deadlineMs = 60_000;

const child = spawn(process.execPath, ['--max-semi-space-size=4', ...process.argv.slice(2)], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
let output = '';
let isStopping = false;
child.stdout.on('data', (chunk: Buffer) => {
  process.stdout.write(chunk);
  output += chunk.toString();
  // Once: a second signal would meet a process that no longer listens for it.
  if (isStopping || !output.includes('"msg":"listening"')) return;
  isStopping = true;
  child.kill('SIGTERM');
});
child.on('close', (code, signal) => {
  clearTimeout(timer);
  process.stdout.write(`ended with ${signal ?? code}\n`);
  process.exitCode = code ?? 1;
});
