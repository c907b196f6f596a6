/** `check-config`: every problem with its place, nothing started. */

import { loadConfig } from '#gateway/config/load.ts';
import { ConfigError, formatProblem } from '#gateway/config/problem.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { machineNotices } from './machine-notices.ts';
import type { Terminal } from './terminal.ts';
import { requireUsable } from './usable-config.ts';

export interface CheckConfigOptions {
  readonly file: string | undefined;
  readonly set: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

export function checkConfig(options: CheckConfigOptions, terminal: Terminal): ExitCode {
  if (options.file === undefined) {
    terminal.printError('check-config needs --config FILE, for example --config gateway.yaml');
    return exitCodes.usage;
  }
  try {
    const { config, notices } = requireUsable(loadConfig(options));
    for (const notice of [...notices, ...machineNotices(config, options.env)]) {
      terminal.print(`${notice.level}: ${formatProblem(notice)}`);
    }
    const users = config.accounts.map((account) => account.user);
    const count = users.length === 1 ? '1 account' : `${users.length} accounts`;
    terminal.print(`${options.file}: ok, ${count} (${users.join(', ')})`);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    printProblems(error, terminal);
    return exitCodes.usage;
  }
}

/** All of them, on standard error, one per line; warnings too, which may tell where a problem comes from. */
export function printProblems(error: ConfigError, terminal: Terminal): void {
  for (const notice of error.notices) {
    if (notice.level === 'warn') terminal.printError(`warn: ${formatProblem(notice)}`);
  }
  for (const problem of error.problems) terminal.printError(formatProblem(problem));
  const count = error.problems.length;
  terminal.printError(`${count} ${count === 1 ? 'problem' : 'problems'}`);
}
