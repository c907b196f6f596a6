/**
 * A whole gateway for one test: the real composition root in front of an embedded COS over HTTP, both in
 * this process, every port free. The configuration is what a user would write.
 */

import { type LoadedConfig, parseConfigText } from '#gateway/config/load.ts';
import type { DataReading } from '#gateway/ftp/data-connection.ts';
import type { SessionTimeouts } from '#gateway/ftp-srv/services.ts';
import { type Clock, systemClock } from '#gateway/kit/clock.ts';
import type { Log, LogFields } from '#gateway/kit/log.ts';
import { ConfigSource } from '#gateway/run/config-source.ts';
import { type RunningGateway, startGateway } from '#gateway/run/gateway.ts';
import type { CosTimeouts } from '#gateway/storage/cos/calls.ts';
import { type CosStoreOptions, createCosStore } from '#gateway/storage/cos/store.ts';
import type { CredentialSource } from '#gateway/storage/credentials/source.ts';
import { startTestCosd, type TestCosd, type TestCosdOptions } from './cosd.ts';
import type { FakeClock } from './fake-clock.ts';
import { gatewayWords } from './gateway-words.ts';

export interface TestGatewayOptions {
  /** Words of the configuration that differ from the test's own. */
  readonly words?: Readonly<Record<string, unknown>>;
  /** Words of the one account, `alice` with password `secret`. */
  readonly account?: Readonly<Record<string, unknown>>;
  readonly timeouts?: Partial<SessionTimeouts>;
  readonly storeTimeouts?: Partial<CosTimeouts>;
  /** Default: direct where it works. */
  readonly dataReading?: DataReading;
  /** How many. Default 16. */
  readonly passivePorts?: number;
  readonly cosd?: TestCosdOptions;
  /** Default off, so that requests can be counted. */
  readonly janitor?: 'on' | 'off';
  /** An embedded COS that is there already; it is not closed with the gateway. */
  readonly store?: TestCosd;
  /** Instead of the keys the words name. */
  readonly credentials?: CredentialSource;
  /** Of the gateway alone; default the system's. */
  readonly clock?: Clock;
  /** Default: the configuration is in no file. */
  readonly follow?: FollowedFile;
}

const storesWith = (credentials: CredentialSource) => (options: CosStoreOptions) =>
  createCosStore({ ...options, credentials });

/** A configuration file that the gateway follows as `serve` does. */
export interface FollowedFile {
  readonly file: string;
  /** Brings a text into the file, in the way that is to be tried. */
  publish(text: string): Promise<void>;
}

export interface LogLine extends LogFields {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly msg: string;
}

export interface TestGateway extends AsyncDisposable {
  readonly gateway: RunningGateway;
  readonly port: number;
  readonly cosd: TestCosd;
  /** Everything logged so far. */
  readonly lines: readonly LogLine[];
  /** The words of the configuration at start. */
  readonly words: Readonly<Record<string, unknown>>;
  /** Keys in the bucket, markers of uploads aside. */
  keys(): readonly string[];
  /** Keys in the bucket, all of them. */
  allKeys(): readonly string[];
  /** Keys of markers: those of ended uploads go a moment after the reply. */
  markers(): readonly string[];
  bytes(key: string): Promise<Buffer>;
  openUploads(): number;
  /** A sample of /metrics, by its name and labels as they stand there; NaN when there is none. */
  metric(sample: string): Promise<number>;
}

export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const cosd = options.store ?? (await startTestCosd(options.cosd));
  const lines: LogLine[] = [];
  const words = testWords(cosd, options);
  const source = options.follow && (await sourceOf(options.follow, words));
  const { config } = source?.loaded ?? loadWords(words);
  const begun = startGateway({
    config,
    clock: options.clock ?? systemClock,
    log: memoryLog(lines),
    env: {},
    passivePorts: { ephemeral: options.passivePorts ?? 16 },
    janitor: options.janitor ?? 'off',
    ...(options.timeouts && { timeouts: options.timeouts }),
    ...(options.storeTimeouts && { storeTimeouts: options.storeTimeouts }),
    ...(options.credentials && { createStore: storesWith(options.credentials) }),
    ...(options.dataReading && { dataReading: options.dataReading }),
  });
  // A test of a start that fails has nothing to close.
  begun.catch(() => (options.store ? undefined : cosd.close()));
  const gateway = await begun;
  await source?.follow({ clock: systemClock, reader: gateway, onNotices: () => undefined });
  return {
    gateway,
    port: gateway.ftpPort,
    cosd,
    lines,
    words,
    keys: () => cosd.inspect.keys(cosd.bucket).filter((key) => !isMarker(key)),
    allKeys: () => cosd.inspect.keys(cosd.bucket),
    markers: () => cosd.inspect.keys(cosd.bucket).filter(isMarker),
    bytes: async (key) => Buffer.from(await cosd.inspect.bytes(cosd.bucket, key)),
    openUploads: () => cosd.inspect.openUploads(cosd.bucket).length,
    metric: (sample) => readMetric(gateway.adminPort, sample),
    async [Symbol.asyncDispose]() {
      source?.close();
      await gateway.close();
      if (options.clock && isFake(options.clock)) await options.clock.advance(lingerMs);
      if (!options.store) await cosd.close();
    },
  };
}

/** Data connections of failed transfers stay open this long, which such a clock reaches only when it is told. */
const lingerMs = 2000;

function isFake(clock: Clock): clock is FakeClock {
  return 'advance' in clock;
}

/** A sample of /metrics; NaN when there is none. */
export async function readMetric(adminPort: number, sample: string): Promise<number> {
  const reply = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  const lines = (await reply.text()).split('\n');
  const line = lines.find((text) => text.startsWith(`${sample} `));
  return Number(line?.slice(sample.length) ?? Number.NaN);
}

export function loadWords(words: Readonly<Record<string, unknown>>): LoadedConfig {
  const text = JSON.stringify(words);
  const source = { format: 'yaml', name: 'test.yaml', text, directory: '/' } as const;
  return parseConfigText({ source, env: {}, cwd: '/' });
}

async function sourceOf(
  follow: FollowedFile,
  words: Readonly<Record<string, unknown>>,
): Promise<ConfigSource> {
  await follow.publish(JSON.stringify(words));
  return new ConfigSource({ file: follow.file, set: [], env: {}, cwd: '/' });
}

function isMarker(key: string): boolean {
  return key.includes('.cosftp/uploads/');
}

function testWords(cosd: TestCosd, options: TestGatewayOptions): Record<string, unknown> {
  return gatewayWords(cosd, {
    upload_memory: '64Mi',
    accounts: [{ user: 'alice', password: 'secret', ...options.account }],
    ...options.words,
  });
}

function memoryLog(lines: LogLine[], base: LogFields = {}): Log {
  const at = (level: LogLine['level']) => (fields: LogFields, msg: string) =>
    void lines.push({ ...base, ...fields, level, msg });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => memoryLog(lines, { ...base, ...fields }),
  };
}
