/** `serve`: from configuration to a running gateway to an orderly end. */
import { resolve } from 'node:path';
import type { LoadedConfig } from '#gateway/config/load.ts';
import type { GatewayConfig } from '#gateway/config/model.ts';
import { ConfigError, type Notice } from '#gateway/config/problem.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { createLog, type LogHandle } from '#gateway/observe/log.ts';
import { printProblems } from './check-config.ts';
import { ConfigSource } from './config-source.ts';
import { type DemoPlan, demoText, hasMoved, planDemo, startDemoCos } from './demo.ts';
import { RunError } from './errors.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { type RunningGateway, startGateway } from './gateway.ts';
import { machineNotices } from './machine-notices.ts';
import { NoticeTeller } from './notices.ts';
import { type StopRequest, type StopSignals, watchStopSignals } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { requireUsable } from './usable-config.ts';
import { version } from './version.ts';

export interface ServeOptions {
  readonly file: string | undefined;
  readonly dataDirectory: string | undefined;
  readonly set: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** The caller's directory. */
  readonly cwd: string;
}

/** How long an idle session is kept while the gateway drains. */
const drainIdleMs = 15_000;
/** Ctrl-C on a terminal: transfers get this long. */
const interruptDeadlineMs = 10_000;
const demoTriesMax = 5;

export async function serve(options: ServeOptions, terminal: Terminal): Promise<ExitCode> {
  const dataDirectory = resolve(options.cwd, options.dataDirectory ?? 'cos-data');
  try {
    const { file } = options;
    if (file !== undefined) return await serveConfig({ ...options, file }, terminal);
    return await serveDemo(options, dataDirectory, terminal);
  } catch (error) {
    if (error instanceof ConfigError) {
      printProblems(error, terminal);
      return exitCodes.usage;
    }
    throw error;
  }
}

async function serveConfig(
  options: ServeOptions & { readonly file: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const source = new ConfigSource(options);
  const { loaded } = source;
  return run({ loaded, source, options, terminal, stdout: 'json', beforeGateway: nothingBefore });
}

/** Two demos that start at once choose the same ports; the slower one chooses again. */
async function serveDemo(
  options: ServeOptions,
  dataDirectory: string,
  terminal: Terminal,
): Promise<ExitCode> {
  const choose = async () => requireUsable(await planDemo({ ...options, dataDirectory }));
  let plan = await choose();
  for (let triesLeft = demoTriesMax; ; triesLeft -= 1) {
    try {
      return await runDemo(plan, options, dataDirectory, terminal);
    } catch (error) {
      const isPortTaken = error instanceof RunError && error.kind === 'port-taken';
      if (!isPortTaken || triesLeft === 0) throw error;
      const next = await choose();
      if (!hasMoved(plan, next)) throw error;
      plan = next;
    }
  }
}

function runDemo(
  plan: DemoPlan,
  options: ServeOptions,
  dataDirectory: string,
  terminal: Terminal,
): Promise<ExitCode> {
  return run({
    loaded: plan,
    options,
    terminal,
    stdout: terminal.isInteractive ? 'text' : 'json',
    beforeGateway: async (log) => {
      const cosd = await startDemoCos(plan, dataDirectory, systemClock, log);
      return {
        announce: (gateway) => terminal.print(demoText(plan, gateway, dataDirectory)),
        close: () => cosd.close(),
      };
    },
  });
}

/** What has to run before the gateway and end after it. */
interface Surroundings {
  announce(gateway: RunningGateway): void;
  close(): Promise<void>;
}

interface RunOptions {
  readonly loaded: LoadedConfig;
  /** Followed when there is one. */
  readonly source?: ConfigSource;
  readonly options: ServeOptions;
  readonly terminal: Terminal;
  readonly stdout: 'json' | 'text';
  readonly beforeGateway: (log: Log) => Promise<Surroundings>;
}

const nothingBefore = async (): Promise<Surroundings> => ({
  announce: () => undefined,
  close: async () => undefined,
});

async function run(how: RunOptions): Promise<ExitCode> {
  const { loaded, source, options, terminal, stdout, beforeGateway } = how;
  const { config } = loaded;
  const logging = openLog(config, stdout);
  const signals = watchSignals(source, terminal);
  const notices = new NoticeTeller(logging.log);
  try {
    notices.tell(allNotices(loaded, options));
    const surroundings = await beforeGateway(logging.log);
    try {
      const gateway = await startGateway({
        config,
        clock: systemClock,
        log: logging.log,
        env: options.env,
        whenPassiveTaken: source ? 'retry' : 'fail', // a demo chooses again
        lostLogLines: () => logging.lostLines(),
        setLogLevel: (level) => logging.setLevel(level),
      });
      await source?.follow({
        clock: systemClock,
        reader: gateway,
        onNotices: (fresh) => notices.tell(allNotices(fresh, options)),
      });
      logging.flushSync(); // the announcement stands after the lines of the start
      surroundings.announce(gateway);
      tellReady(gateway, logging.log);
      const request = await signals.stopped;
      if (terminal.isInteractive) terminal.print(stoppingText(gateway, request));
      await stop({ gateway, source, request, log: logging.log });
    } finally {
      await surroundings.close();
    }
    return exitCodes.ok;
  } finally {
    signals.dispose();
    await logging.close();
  }
}

/** Whoever started the gateway waits for this line: what it waits for is true by now. */
function tellReady({ ftpPort, ftpsPort, adminPort }: RunningGateway, log: Log): void {
  const ftps = ftpsPort === undefined ? {} : { ftps_port: ftpsPort };
  log.info({ ftp_port: ftpPort, ...ftps, admin_port: adminPort, version }, 'listening');
}

function stoppingText({ transfers }: RunningGateway, request: StopRequest): string {
  const count = transfers.length;
  if (request === 'terminate' || count === 0) return '\nStopping.';
  const seconds = interruptDeadlineMs / 1000;
  const who = count === 1 ? '1 transfer has' : `${count} transfers have`;
  return `\nStopping: ${who} ${seconds} s to finish; Ctrl-C again ends at once.`;
}

interface Stopping {
  readonly gateway: RunningGateway;
  readonly source: ConfigSource | undefined;
  readonly request: StopRequest;
  readonly log: Log;
}

/** While sessions finish, an account can still be taken away. */
async function stop({ gateway, source, request, log }: Stopping): Promise<void> {
  const { sessionCount: sessions, transfers, config } = gateway;
  log.info({ request, sessions, transfers: transfers.length }, 'stopping');
  await gateway.drain(
    request === 'terminate'
      ? {
          acceptMs: config.drain_accept_seconds * 1000,
          deadlineMs: config.drain_seconds * 1000,
          idleMs: drainIdleMs,
        }
      : { acceptMs: 0, deadlineMs: interruptDeadlineMs, idleMs: 0 },
  );
  source?.close();
  await gateway.close();
  log.info({}, 'stopped');
}

function openLog({ log }: GatewayConfig, stdout: 'json' | 'text'): LogHandle {
  // The file is complete at every level, so that a failed transfer can be followed afterwards.
  return createLog({ ...log, stdoutLevel: log.level, stdout, clock: systemClock });
}

function allNotices({ notices, config }: LoadedConfig, { env }: ServeOptions): readonly Notice[] {
  return [...notices, ...machineNotices(config, env)];
}

/** A demo has nothing to read again, and a gateway whose terminal was closed is not asked to. */
function watchSignals(source: ConfigSource | undefined, terminal: Terminal): StopSignals {
  return watchStopSignals({
    clock: systemClock,
    onInsist: () => process.exit(exitCodes.failed),
    onHangup: () => {
      if (!source || terminal.isClosed) return false;
      source.ask();
      return true;
    },
  });
}
