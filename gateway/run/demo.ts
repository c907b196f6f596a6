/**
 * The first run: an embedded COS on disk, one account with a password made up for this run, everything
 * on 127.0.0.1. The gateway in front of it is the ordinary one and reaches its COS over HTTP.
 *
 * In a container the FTP side listens on all addresses, so that ports can be published, and still announces
 * 127.0.0.1: the address at which the machine that runs the container reaches them.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { type LoadedConfig, parseConfigText } from '#gateway/config/load.ts';
import { placeOf } from '#gateway/config/place.ts';
import { type Cosd, startCosd } from '#gateway/cosd/cosd.ts';
import { createDirectoryShelf } from '#gateway/cosd/directory-shelf.ts';
import { ShelfError } from '#gateway/cosd/shelf-error.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { makeDataDirectory } from './data-directory.ts';
import { RunError } from './errors.ts';
import { findFreePort } from './free-port.ts';
import { listenError } from './listen-error.ts';

export interface DemoOptions {
  /** Objects and the log live here; made when missing. */
  readonly dataDirectory: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly set: readonly string[];
}

export interface DemoPlan extends LoadedConfig {
  readonly password: string;
  readonly secretKey: string;
  readonly cosdPort: number;
  /** Why another port than the usual one was chosen, for the terminal. */
  readonly moved: readonly string[];
}

const address = '127.0.0.1';
const ftpPort = 2121;
const cosPort = 9000;
const firstPassivePort = 61_000;
const passivePorts = 16;
const portsTried = 200;
export const demoUser = 'demo';
export const demoBucket = 'demo-1250000000';
const demoSecretId = 'AKIDdemo';

/** Chooses ports, password and key; starts nothing. @throws ConfigError for a bad --set or COSFTP_ word. */
export async function planDemo(options: DemoOptions): Promise<DemoPlan> {
  const moved: string[] = [];
  const choose = async (name: string, usual: number, host: string) => {
    const port = (await findFreePort(host, usual, portsTried)) ?? 0;
    if (port !== usual) moved.push(`port ${usual} is taken, so ${name} uses ${port}`);
    return port;
  };
  const isInContainer = placeOf(options.env) === 'container';
  const listenAddress = isInContainer ? '::' : address;
  const listenPort = await choose('FTP', ftpPort, listenAddress);
  const cosdPort = await choose('the embedded COS', cosPort, address);
  const passivePort =
    (await findFreePort(listenAddress, firstPassivePort, portsTried)) ?? firstPassivePort;
  const password = randomText(12);
  const secretKey = randomText(32);
  const words = {
    listen_address: listenAddress,
    ...(isInContainer && { masquerade_address: address }),
    // No balancer stands before a demo: nobody has to hear that it ends.
    drain_accept_seconds: 0,
    listen_port: listenPort,
    passive_port: `${passivePort}-${passivePort + passivePorts - 1}`,
    log: { directory: join(options.dataDirectory, 'log') },
    cos: {
      bucket: demoBucket,
      endpoint: `${address}:${cosdPort}`,
      protocol: 'http',
      credentials: 'static',
      secretid: demoSecretId,
      secretkey: secretKey,
    },
    accounts: [{ user: demoUser, password }],
  };
  const loaded = parseConfigText({
    source: {
      format: 'yaml',
      name: 'demo',
      text: JSON.stringify(words),
      directory: options.dataDirectory,
    },
    env: options.env,
    set: options.set,
    cwd: options.cwd,
  });
  return { ...loaded, password, secretKey, cosdPort, moved };
}

/** @throws RunError data-in-use, data-unwritable, port-taken. */
export async function startDemoCos(
  plan: DemoPlan,
  dataDirectory: string,
  clock: Clock,
  log: Log,
): Promise<Cosd> {
  const directory = makeDataDirectory(join(dataDirectory, 'objects'));
  try {
    return await startCosd({
      host: address,
      port: plan.cosdPort,
      store: createDirectoryShelf({ directory }),
      buckets: [demoBucket],
      keys: new Map([[demoSecretId, plan.secretKey]]),
      clock,
      log,
    });
  } catch (error) {
    if (isInUse(error)) throw demoRunsAlready(error);
    const words = { hostWord: 'embedded COS', portWord: 'port' };
    throw listenError(error, { host: address, port: plan.cosdPort, ...words });
  }
}

function isInUse(error: unknown): error is ShelfError {
  return error instanceof ShelfError && error.kind === 'in-use';
}

function demoRunsAlready(cause: ShelfError): RunError {
  return new RunError('data-in-use', `a demo runs here already: ${cause.message}`, {
    cause,
    hint: `Use or stop that one, or start a second: npm start -- --data-dir DIR. If that process is no demo: ${cause.hint}`,
  });
}

/** Whether a new plan goes around ports that were taken between their trial and their use. */
export function hasMoved(plan: DemoPlan, next: DemoPlan): boolean {
  const portsOf = ({ config, cosdPort }: DemoPlan) =>
    [config.listen_port, config.passive_port.first, cosdPort].join();
  return portsOf(plan) !== portsOf(next);
}

/** What a person reads first; every line works as typed. */
export function demoText(
  plan: DemoPlan,
  { ftpPort, adminPort }: { readonly ftpPort: number; readonly adminPort: number },
  dataDirectory: string,
): string {
  const url = `ftp://${demoUser}:${plan.password}@${address}:${ftpPort}`;
  return [
    '',
    'COS FTP gateway, demo',
    '',
    `  FTP      ${address}:${ftpPort}, user ${demoUser}, password ${plan.password}`,
    `  COS      embedded, on ${address}:${plan.cosdPort}, bucket ${demoBucket}`,
    `  files    ${join(dataDirectory, 'objects', demoBucket)}`,
    ...logLine(plan.config.log.directory),
    `  status   http://${plan.config.admin_address}:${adminPort}/statusz and /metrics`,
    ...plan.moved.map((sentence) => `  note     ${sentence}`),
    '',
    'Try it in another terminal:',
    '',
    '  echo hello > hello.txt',
    `  curl -T hello.txt ${url}/`,
    `  curl ${url}/`,
    `  curl ${url}/hello.txt`,
    `  lftp -e 'put hello.txt -o again.txt; ls; cat again.txt; bye' ${url}`,
    '',
    'Your own bucket: npm start -- --config gateway.yaml   (examples/gateway.yaml shows every word)',
    'Ctrl-C stops it.',
    '',
  ].join('\n');
}

/** In a container the log is on standard output only. */
function logLine(directory: string | undefined): string[] {
  return directory === undefined ? [] : [`  log      ${join(directory, 'cos_v5.log')}`];
}

/** Letters and digits nobody confuses, and none that a URL or a shell would touch. */
function randomText(length: number): string {
  const letters = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  return Array.from({ length }, () => letters.charAt(randomInt(letters.length))).join('');
}
