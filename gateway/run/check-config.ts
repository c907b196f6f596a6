/** `check-config`: every problem with its place, nothing started. */

import { loadConfig } from '#gateway/config/load.ts';
import { ConfigError, formatProblem } from '#gateway/config/problem.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { requireSupported } from './supported-config.ts';
import type { Terminal } from './terminal.ts';

export interface CheckConfigOptions {
  readonly file: string | undefined;
  readonly set: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

export function checkConfig(options: CheckConfigOptions, terminal: Terminal): ExitCode {
  if (options.file === undefined) {
    terminal.printError('check-config needs --config FILE');
    return exitCodes.usage;
  }
  try {
    const { config, notices } = requireSupported(loadConfig(options), options.file);
    for (const notice of notices) terminal.print(`${notice.level}: ${formatProblem(notice)}`);
    const users = config.accounts.map((account) => account.user).join(', ');
    terminal.print(`${options.file}: ok, ${config.accounts.length} accounts (${users})`);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    printProblems(error, terminal);
    return exitCodes.usage;
  }
}

/** All of them, on standard error, one per line. */
export function printProblems(error: ConfigError, terminal: Terminal): void {
  for (const problem of error.problems) terminal.printError(formatProblem(problem));
  const count = error.problems.length;
  terminal.printError(`${count} ${count === 1 ? 'problem' : 'problems'}`);
}
