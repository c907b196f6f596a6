/** `hash-password`: from standard input, so that no password stands in a process list or a history. */
import { hashPassword } from '#gateway/auth/password.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

const passwordBytesMax = 4096;

export async function printPasswordHash(terminal: Terminal): Promise<ExitCode> {
  if (process.stdin.isTTY) terminal.printError('Type the password and Enter, then Ctrl-D:');
  const password = (await terminal.readInput(passwordBytesMax)).replace(/\r?\n$/, '');
  if (password === '') {
    terminal.printError('no password on standard input, try: echo secret | … hash-password');
    return exitCodes.usage;
  }
  terminal.print(await hashPassword(password));
  return exitCodes.ok;
}
