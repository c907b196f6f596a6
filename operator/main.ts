/**
 * argv and environment → the operator → exit code. Nothing may import this file.
 */
import { systemClock } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import packageFile from '../package.json' with { type: 'json' };
import { helpText, type OperatorOptions, parseArguments } from './arguments.ts';
import { createLogLines } from './log-lines.ts';

const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;
type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

async function main(argv: readonly string[]): Promise<ExitCode> {
  const parsed = parseArguments(argv, process.env);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(`${helpText()}\n`);
      return exitCodes.ok;
    case 'version':
      process.stdout.write(`${packageFile.version}\n`);
      return exitCodes.ok;
    case 'usage-error':
      for (const problem of parsed.problems) {
        process.stderr.write(`cos-ftp-gateway-operator: ${problem}\n`);
      }
      process.stderr.write('--help explains every option\n');
      return exitCodes.usage;
    case 'run':
      return run(parsed.options);
  }
}

async function run(options: OperatorOptions): Promise<ExitCode> {
  const log = createLogLines({
    level: options.logLevel,
    clock: systemClock,
    write: (line) => void process.stdout.write(line),
  });
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'stopping');
      stop.abort();
    });
  }
  try {
    // Loaded only now: --help must not wait for the Kubernetes client.
    const { operate } = await import('./operate.ts');
    const end = await operate({
      options,
      version: packageFile.version,
      clock: systemClock,
      log,
      signal: stop.signal,
    });
    log.info({ end }, 'ended');
    return end === 'stopped' ? exitCodes.ok : exitCodes.failed;
  } catch (error) {
    log.error({ error }, 'failed');
    return exitCodes.failed;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`cos-ftp-gateway-operator: ${describeError(error)}\n`);
  process.exitCode = exitCodes.failed;
}
