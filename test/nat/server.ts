/**
 * Behind the NAT: the gateway as users run it with an embedded COS, and a listener that echoes without
 * keepalive. Tells its ports in one line; when its input ends, tells in another what COS holds.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { startTestCosd } from '#test/support/cosd.ts';
import { gatewayWords } from '#test/support/gateway-words.ts';
import { startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

export interface ServerPorts {
  readonly ftpPort: number;
  readonly echoPort: number;
}

export interface StoredFile {
  readonly sizeBytes: number | undefined;
  readonly crc64: string | undefined;
}

await using directory = await temporaryDirectory();
await using cosd = await startTestCosd();
const file = join(directory.path, 'gateway.yaml');
await writeFile(
  file,
  JSON.stringify(
    gatewayWords(cosd, {
      listen_address: '::',
      passive_port: '61000-61003',
      upload_memory: '32Mi',
      log: { directory: directory.path },
    }),
  ),
);
await using program = await startProgram({ args: ['serve', '--config', file] });

const echo = createServer((socket) => {
  socket.on('error', () => {}); // a reset is one way to learn that the NAT forgot
  socket.pipe(socket);
});
echo.listen(0);
await once(echo, 'listening');
const { port: echoPort } = echo.address() as AddressInfo;
tell<ServerPorts>({ ftpPort: Number(program.listening['ftp_port']), echoPort });

process.stdin.resume();
await once(process.stdin, 'end');
const object = cosd.inspect.find(cosd.bucket, 'slow upload');
tell<StoredFile>({ sizeBytes: object?.sizeBytes, crc64: object?.crc64?.toString() });
echo.close();

function tell<Told>(value: Told): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
