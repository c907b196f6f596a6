/** `cosd`: the embedded COS alone, for a gateway in another process or container. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Cosd, startCosd } from '#gateway/cosd/cosd.ts';
import { createDirectoryShelf } from '#gateway/cosd/directory-shelf.ts';
import { createDiscardShelf } from '#gateway/cosd/discard-shelf.ts';
import { parseFaultScript } from '#gateway/cosd/fault-reader.ts';
import type { FaultScript } from '#gateway/cosd/fault-script.ts';
import { createMemoryShelf } from '#gateway/cosd/memory-shelf.ts';
import type { ObjectShelf } from '#gateway/cosd/shelf.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { Log } from '#gateway/kit/log.ts';
import { createLog } from '#gateway/observe/log.ts';
import { makeDataDirectory } from './data-directory.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { listenError } from './listen-error.ts';
import { watchStopSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';

export interface CosdCommandOptions {
  readonly host: string;
  readonly port: string;
  /** Undefined: the fault script stays as it is. */
  readonly adminPort: string | undefined;
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
  const ports = { '--port': options.port, '--admin-port': options.adminPort ?? '0' };
  for (const [name, text] of Object.entries(ports)) {
    if (isPort(text)) continue;
    terminal.printError(`${name} ${text}: not a port, use 0 to 65535`);
    return exitCodes.usage;
  }
  if (secretKey === undefined || secretKey === '') {
    const { secretKeyVariable: name, secretId } = options;
    terminal.printError(
      `cosd needs the secret key of ${secretId} in the environment, for example: ${name}=secret npx cos-ftp-gateway cosd`,
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
  return runServer(options, { secretKey, faults });
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}

/** Where the admin port listens, whatever --host says. */
const loopback = '127.0.0.1';

interface Checked {
  readonly secretKey: string;
  readonly faults: FaultScript;
}

async function runServer(options: CosdCommandOptions, checked: Checked): Promise<ExitCode> {
  const logging = createLog({ level: 'info', stdout: 'json', clock: systemClock });
  const signals = watchStopSignals({
    clock: systemClock,
    onInsist: () => process.exit(exitCodes.failed),
  });
  try {
    const cosd = await start(options, checked, logging.log);
    const { port: cos_port, url, adminUrl: admin_url } = cosd;
    logging.log.info({ cos_port, url, ...(admin_url && { admin_url }) }, 'listening');
    await signals.stopped;
    await cosd.close();
    return exitCodes.ok;
  } finally {
    signals.dispose();
    await logging.close();
  }
}

/** @throws RunError data-unwritable, port-taken, not-bindable. @throws ShelfError in-use. */
async function start(
  options: CosdCommandOptions,
  { secretKey, faults }: Checked,
  log: Log,
): Promise<Cosd> {
  const { host, secretId, adminPort } = options;
  const port = Number(options.port);
  try {
    return await startCosd({
      host,
      port,
      store: createShelf(options),
      keys: new Map([[secretId, secretKey]]),
      faults,
      ...(adminPort !== undefined && { adminPort: Number(adminPort) }),
      clock: systemClock,
      log,
    });
  } catch (error) {
    const choice = { host, port, hostWord: '--host', portWord: '--port' };
    const isAboutAdmin = adminPort !== undefined && portOf(error) === Number(adminPort);
    const adminChoice = { host: loopback, port: Number(adminPort), portWord: '--admin-port' };
    throw listenError(error, isAboutAdmin ? { ...choice, ...adminChoice, hostWord: 'on' } : choice);
  }
}

/** Which port an error to listen is about (Node's own property). */
function portOf(error: unknown): unknown {
  return error instanceof Error && 'port' in error ? error.port : undefined;
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
