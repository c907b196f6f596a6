/** `cosd`: the embedded COS alone, for a gateway in another process or container. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { startCosd } from '#gateway/cosd/cosd.ts';
import { createDirectoryShelf } from '#gateway/cosd/directory-shelf.ts';
import { createDiscardShelf } from '#gateway/cosd/discard-shelf.ts';
import { parseFaultScript } from '#gateway/cosd/fault-reader.ts';
import type { FaultScript } from '#gateway/cosd/fault-script.ts';
import { createMemoryShelf } from '#gateway/cosd/memory-shelf.ts';
import type { ObjectShelf } from '#gateway/cosd/shelf.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import { createLog } from '#gateway/observe/log.ts';
import { makeDataDirectory } from './data-directory.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { listenError } from './listen-error.ts';
import { watchStopSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';

export interface CosdCommandOptions {
  readonly host: string;
  readonly port: string;
  readonly dataDirectory: string | undefined;
  readonly isDiscarding: boolean;
  readonly secretId: string;
  /** Name of the environment variable that holds the key. */
  readonly secretKeyVariable: string;
  readonly faultsFile: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

export async function runCosd(options: CosdCommandOptions, terminal: Terminal): Promise<ExitCode> {
  const secretKey = options.env[options.secretKeyVariable];
  const port = /^\d{1,5}$/.test(options.port) ? Number(options.port) : Number.NaN;
  if (!(port <= 65_535)) {
    terminal.printError(`--port ${options.port}: not a port, use 0 to 65535`);
    return exitCodes.usage;
  }
  if (secretKey === undefined || secretKey === '') {
    const { secretKeyVariable: name, secretId } = options;
    terminal.printError(
      `cosd needs the secret key of ${secretId} in the environment, for example: ${name}=secret cos-ftp-gateway cosd`,
    );
    return exitCodes.usage;
  }
  let faults: FaultScript;
  try {
    faults = readFaults(options);
  } catch (error) {
    terminal.printError(`--faults ${options.faultsFile}: ${describeError(error)}`);
    return exitCodes.usage;
  }
  return runServer(options, { port, secretKey, faults });
}

async function runServer(
  options: CosdCommandOptions,
  checked: { port: number; secretKey: string; faults: FaultScript },
): Promise<ExitCode> {
  const logging = createLog({ level: 'info', stdout: 'json', clock: systemClock });
  const signals = watchStopSignals({
    clock: systemClock,
    onInsist: () => process.exit(exitCodes.failed),
  });
  const { host } = options;
  const { port, faults } = checked;
  const cosd = await startCosd({
    host,
    port,
    store: createShelf(options),
    keys: new Map([[options.secretId, checked.secretKey]]),
    faults,
    clock: systemClock,
    log: logging.log,
  }).catch((error: unknown) => {
    throw listenError(error, { host, port, hostWord: '--host', portWord: '--port' });
  });
  logging.log.info({ cos_port: cosd.port, url: cosd.url }, 'listening');
  await signals.stopped;
  await cosd.close();
  signals.dispose();
  await logging.close();
  return exitCodes.ok;
}

function readFaults({ faultsFile, cwd }: CosdCommandOptions): FaultScript {
  if (faultsFile === undefined) return [];
  return parseFaultScript(readFileSync(resolve(cwd, faultsFile), 'utf8'));
}

function createShelf({ isDiscarding, dataDirectory, cwd }: CosdCommandOptions): ObjectShelf {
  if (isDiscarding) return createDiscardShelf();
  if (dataDirectory === undefined) return createMemoryShelf();
  return createDirectoryShelf({ directory: makeDataDirectory(resolve(cwd, dataDirectory)) });
}
