/**
 * The gateway as the fuzzer's child process: the real composition root with short timeouts, so that a
 * session that waits for its client is seen to end. Its log goes to standard output; an uncaught error or
 * an unhandled rejection ends the process, which the fuzzer takes for what it is.
 *
 *     node gateway-process.ts PORT DIRECTORY      of the embedded COS on 127.0.0.1; of tls.crt and tls.key
 */
import { join } from 'node:path';
import { parseConfigText } from '#gateway/config/load.ts';
import { MiB } from '#gateway/kit/bytes.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { createLog } from '#gateway/observe/log.ts';
import { startGateway } from '#gateway/run/gateway.ts';
import { testBucket, testSecretId, testSecretKey } from '#test/support/cosd.ts';
import { fuzzPassword } from './vocabulary.ts';

const password = fuzzPassword;
const [, , storePort, directory = ''] = process.argv;
const words = {
  listen_address: '127.0.0.1',
  listen_port: 0,
  admin_port: 0,
  upload_memory: '8Mi',
  store_mtime: true,
  tls: { certificate_file: join(directory, 'tls.crt'), key_file: join(directory, 'tls.key') },
  // Exempt from the limits per address, which 16 clients from one machine would meet at once.
  data_peer_networks: ['127.0.0.0/8'],
  cos: {
    bucket: testBucket,
    region: '',
    endpoint: `127.0.0.1:${storePort}`,
    protocol: 'http',
    credentials: 'static',
    secretid: testSecretId,
    secretkey: testSecretKey,
  },
  accounts: [
    { user: 'alice', password, prefix: 'shared/' },
    { user: 'bob', password, prefix: 'shared/', incomplete_uploads: 'complete' },
    {
      user: 'carol',
      password,
      prefix: 'carol/',
      permissions: ['list', 'read', 'write'],
      single_file_max_size: 2 * MiB,
    },
    { user: 'dora', password, prefix: 'dora/', filename_encoding: 'gb18030' },
  ],
};

const { config } = parseConfigText({
  source: { format: 'yaml', name: 'fuzz', text: JSON.stringify(words), directory: '/' },
  env: {},
  cwd: '/',
});
const logging = createLog({
  level: 'info',
  stdoutLevel: 'warn',
  stdout: 'json',
  clock: systemClock,
});
const gateway = await startGateway({
  config,
  clock: systemClock,
  log: logging.log,
  env: {},
  passivePorts: { ephemeral: 64 },
  timeouts: {
    loginMs: 5_000,
    idleMs: 10_000,
    stallMs: 700,
    dataConnectMs: 500,
    tlsHandshakeMs: 10_000,
  },
  lostLogLines: () => logging.lostLines(),
});
/** What is held and not only not collected yet. */
process.on('message', () => {
  globalThis.gc?.();
  process.send?.({ rssBytes: process.memoryUsage.rss() });
});
process.send?.({ ftpPort: gateway.ftpPort, adminPort: gateway.adminPort });
process.once('disconnect', () => process.exit());
