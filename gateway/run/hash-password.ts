/**
 * `hash-password`: from standard input, so that no password stands in a process list. At a terminal it is
 * asked for twice and not shown.
 */
import { hashPassword } from '#gateway/auth/password.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

const passwordBytesMax = 4096;

export async function printPasswordHash(terminal: Terminal): Promise<ExitCode> {
  const password = terminal.canAsk
    ? await askTwice(terminal)
    : firstLine(await terminal.readInput(passwordBytesMax));
  if (password === undefined) {
    terminal.printError('the two differ; nothing was hashed');
    return exitCodes.usage;
  }
  if (password === '') {
    terminal.printError(
      'no password: type one at the terminal, or send one, as in  npx cos-ftp-gateway hash-password < password.txt',
    );
    return exitCodes.usage;
  }
  terminal.print(await hashPassword(password));
  return exitCodes.ok;
}

async function askTwice(terminal: Terminal): Promise<string | undefined> {
  const password = await terminal.askUnseen('Password: ');
  if (password === '') return '';
  return (await terminal.askUnseen('Once more: ')) === password ? password : undefined;
}

function firstLine(text: string): string {
  return /^[^\r\n]*/.exec(text)?.[0] ?? '';
}
