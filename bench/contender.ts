/**
 * Who is measured: the gateway as users start it, the relay it is compared with, and the gateway in front
 * of other stores. All are reached the same way and answer the same client.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testCertificate } from '#test/support/certificate.ts';
import { until } from '#test/support/condition.ts';
import { freePortRange } from '#test/support/port-range.ts';
import { Child, scriptArgs } from './child.ts';
import type { Protection } from './ftp-session.ts';

export type ContenderName =
  | 'gateway'
  | 'gateway, TLS'
  | 'relay-node'
  | 'relay-node, TLS'
  | 'gateway, store in memory'
  | 'gateway, embedded COS';

export interface Contender extends AsyncDisposable {
  readonly child: Child;
  readonly ftpPort: number;
  /** How its sessions and their data travel. */
  readonly protection: Protection;
}

export interface ContenderOptions {
  readonly storePort: number;
  readonly nodeFlags: readonly string[];
  readonly cgroupFile?: string;
}

const startMsMax = 60_000;

export function startContender(name: ContenderName, options: ContenderOptions): Promise<Contender> {
  switch (name) {
    case 'gateway':
      return startGateway(options, 'clear');
    case 'gateway, TLS':
      return startGateway(options, 'tls');
    case 'relay-node':
      return startByMessage('relay/process.ts', options, 'clear');
    case 'relay-node, TLS':
      return startByMessage('relay/process.ts', options, 'tls');
    case 'gateway, store in memory':
      return startByMessage('gateway-in-memory.ts', options, 'clear');
    case 'gateway, embedded COS':
      return startBeforeEmbeddedCos(options);
  }
}

/** It takes its certificate, for TLS, from the parent: a PEM of certificate and key as its last argument. */
async function startByMessage(
  entry: string,
  options: ContenderOptions,
  protection: Protection,
): Promise<Contender> {
  const { certificate, key } = testCertificate();
  const pem = protection === 'tls' ? [certificate + key] : [];
  const args = scriptArgs(entry, String(options.storePort), ...pem);
  const child = new Child({ ...options, args });
  const { ftpPort } = await child.message<{ ftpPort: number }>();
  return { child, ftpPort, protection, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** The program with a configuration file, its log going to a file as in a container with one. */
async function startGateway(options: ContenderOptions, protection: Protection): Promise<Contender> {
  const directory = mkdtempSync(join(tmpdir(), 'cosftp-bench-'));
  const config = join(directory, 'gateway.json');
  const tls = protection === 'tls' && { tls: writeCertificate(directory) };
  writeFileSync(config, JSON.stringify({ ...(await gatewayWords(options.storePort)), ...tls }));
  const { child, listening } = await startProgram(['serve', '--config', config], {
    ...options,
    outputFile: join(directory, 'log'),
  });
  return {
    child,
    ftpPort: Number(listening['ftp_port']),
    protection,
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

/** @returns the config words of a fresh certificate in that directory. */
function writeCertificate(directory: string): Record<string, string> {
  const { certificate, key } = testCertificate();
  const words = {
    certificate_file: join(directory, 'tls.crt'),
    key_file: join(directory, 'tls.key'),
  };
  writeFileSync(words.certificate_file, certificate);
  writeFileSync(words.key_file, key);
  return words;
}

/** The same one in front of the product's own COS, which keeps its objects in memory. */
async function startBeforeEmbeddedCos(options: ContenderOptions): Promise<Contender> {
  const outputFile = join(tmpdir(), `cosftp-bench-cosd-${process.pid}.log`);
  const args = ['cosd', '--port', '0', '--secretid', secretId, '--secretkey-env', 'BENCH_KEY'];
  process.env['BENCH_KEY'] = secretKey;
  const cosd = await startProgram(args, { nodeFlags: [], outputFile });
  const storePort = Number(cosd.listening['cos_port']);
  const gateway = await startGateway({ ...options, storePort }, 'clear');
  return {
    ...gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await cosd.child[Symbol.asyncDispose]();
      rmSync(outputFile);
    },
  };
}

interface Program {
  readonly child: Child;
  /** The fields of its `listening` line. */
  readonly listening: Readonly<Record<string, unknown>>;
}

async function startProgram(
  args: readonly string[],
  options: Pick<ContenderOptions, 'nodeFlags' | 'cgroupFile'> & { readonly outputFile: string },
): Promise<Program> {
  const child = new Child({
    ...options,
    args: [program, ...args],
    nodeFlags: ['--max-semi-space-size=4', ...options.nodeFlags],
  });
  let line: string | undefined;
  const isListening = () => {
    const output = readFileSync(options.outputFile, 'utf8');
    if (child.hasEnded) throw new Error(`the program ended: ${output}`);
    line = output.split('\n').find((candidate) => candidate.includes('"msg":"listening"'));
    return line !== undefined;
  };
  await until('the program to listen', isListening, startMsMax);
  return { child, listening: JSON.parse(line ?? '{}') as Record<string, unknown> };
}

const secretId = 'AKIDbench';
const secretKey = 'benchsecretkey';
const program = fileURLToPath(new URL('../bin/cos-ftp-gateway.mjs', import.meta.url));

/** Clients of the benchmark leave ports behind faster than any others. */
const passivePorts = 256;

/** What every gateway of the benchmark is configured with. */
export async function gatewayWords(storePort: number): Promise<Record<string, unknown>> {
  const { first, last } = await freePortRange(passivePorts);
  return {
    listen_address: '127.0.0.1',
    listen_port: 0,
    admin_port: 0,
    passive_port: `${first}-${last}`,
    data_peer_networks: ['127.0.0.0/8'],
    cos: {
      bucket: 'inbox-1250000000',
      endpoint: `127.0.0.1:${storePort}`,
      protocol: 'http',
      credentials: 'static',
      secretid: secretId,
      secretkey: secretKey,
    },
    accounts: [{ user: 'bench', password: 'bench' }],
  };
}
