/**
 * argv → command → exit code. Everything else is in `run`; nothing may import this file.
 */
import { join } from 'node:path';
import { describeError, KindError } from '#gateway/kit/errors.ts';
import { type ParsedArguments, parseArguments } from './run/arguments.ts';
import { helpText } from './run/command-specs.ts';
import { type ExitCode, exitCodes } from './run/exit-code.ts';
import { processTerminal as terminal } from './run/terminal.ts';
import { version } from './run/version.ts';

/** `npm start` runs in the package's directory and keeps the caller's in INIT_CWD. */
const cwd =
  process.env['npm_lifecycle_event'] === 'start'
    ? (process.env['INIT_CWD'] ?? process.cwd())
    : process.cwd();

type Run = Extract<ParsedArguments, { kind: 'run' }>;

async function main(argv: readonly string[]): Promise<ExitCode> {
  const parsed = parseArguments(argv);
  switch (parsed.kind) {
    case 'help':
      terminal.print(helpText(parsed.command));
      return exitCodes.ok;
    case 'usage-error':
      terminal.printError(`${parsed.message}\n\n${helpText(parsed.command)}`);
      return exitCodes.usage;
    case 'run':
      return runCommand(parsed);
  }
}

/** Each command loads only what it needs: `--help` must not wait for the COS SDK. */
async function runCommand({ command, options }: Run): Promise<ExitCode> {
  const text = (name: string) => options[name] as string | undefined;
  const set = (options['set'] as readonly string[] | undefined) ?? [];
  const common = { file: text('config'), set, env: process.env, cwd };
  switch (command) {
    case 'serve':
      if (common.file === undefined && options['demo'] !== true) {
        terminal.printError(`serve needs --config FILE or --demo\n\n${helpText('serve')}`);
        return exitCodes.usage;
      }
      return (await import('./run/serve.ts')).serve(
        { ...common, dataDirectory: text('data-dir') },
        terminal,
      );
    case 'check-config':
      return (await import('./run/check-config.ts')).checkConfig(common, terminal);
    case 'hash-password':
      return (await import('./run/hash-password.ts')).printPasswordHash(terminal);
    case 'cosd':
      return (await import('./run/cosd.ts')).runCosd(
        {
          host: text('host') ?? '127.0.0.1',
          port: text('port') ?? '9000',
          adminPort: text('admin-port'),
          dataDirectory: text('data-dir'),
          isDiscarding: options['discard'] === true,
          secretId: text('secretid') ?? 'AKIDdemo',
          secretKeyVariable: text('secretkey-env') ?? 'COSD_SECRET_KEY',
          faultsFile: text('faults'),
          env: process.env,
          cwd,
        },
        terminal,
      );
    case 'version':
      terminal.print(version);
      return exitCodes.ok;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const hint = hintFor(error);
  terminal.printError(`cos-ftp-gateway: ${describeError(error)}${hint && ` (${hint})`}`);
  process.exitCode = exitCodes.failed;
}

function hintFor(error: unknown): string {
  if (error instanceof KindError) return error.hint ?? '';
  const isPackageMissing =
    error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  return isPackageMissing ? `run npm install in ${join(import.meta.dirname, '..')}` : '';
}
