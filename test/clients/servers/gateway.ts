/** The gateway as users run it: the program `serve`, in front of an embedded COS that it meets over HTTP. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc64 } from '#gateway/kit/crc64.ts';
import { startTestCosd, type TestCosd } from '#test/support/cosd.ts';
import { gatewayWords } from '#test/support/gateway-words.ts';
import { freePortRange, type PortRange } from '#test/support/port-range.ts';
import { startProgram } from '#test/support/program.ts';
import type { Mode } from '../client.ts';
import { type CertificateFiles, makeCertificate } from './certificate.ts';
import type { Server, ServerKind, ServerOptions, Store } from './server.ts';

const user = 'alice';
const password = 'correct horse';
/** Clients leave ports behind at the pace of their sessions. */
const passivePorts = 32;

export const gateway: ServerKind = { start: startGateway };

async function startGateway({ mode, directory }: ServerOptions): Promise<Server> {
  const cosd = await startTestCosd();
  const certificate = mode === 'clear' ? undefined : await makeCertificate(directory);
  const range = await freePortRange(passivePorts);
  const file = join(directory, 'gateway.yaml');
  const words = serverWords(cosd, range, mode, certificate);
  await writeFile(file, JSON.stringify({ ...words, log: { directory: join(directory, 'log') } }));
  const program = await startProgram({ args: ['serve', '--config', file], cwd: directory });

  let shownChars = program.stdout.length;
  const port = Number(program.listening[mode === 'implicit' ? 'ftps_port' : 'ftp_port']);
  const { caFile } = certificate ?? {};
  return {
    login: { host: '127.0.0.1', port, user, password, mode, ...(caFile && { caFile }) },
    store: cosStore(cosd),
    cutUploads: 'discarded',
    storesTimes: storesTimes(mode),
    reservedName: '.cosftp',
    newLog() {
      const text = program.stdout.slice(shownChars);
      shownChars += text.length;
      return text + program.stderr;
    },
    async [Symbol.asyncDispose]() {
      await program.stop('SIGKILL');
      await cosd.close();
    },
  };
}

/** In clear alone, so that every client that sets times is tried both ways. */
function storesTimes(mode: Mode): boolean {
  return mode === 'clear';
}

function serverWords(
  cosd: TestCosd,
  range: PortRange,
  mode: Mode,
  certificate: CertificateFiles | undefined,
) {
  return gatewayWords(cosd, {
    passive_port: `${range.first}-${range.last}`,
    upload_memory: '256Mi',
    store_mtime: storesTimes(mode),
    ...(certificate && {
      tls: {
        certificate_file: certificate.certificateFile,
        key_file: certificate.keyFile,
        ...(mode === 'implicit' && { implicit_port: 0 }),
      },
    }),
    accounts: [{ user, password }],
  });
}

function cosStore({ inspect, bucket }: TestCosd): Store {
  const keyOf = (path: string) => path.slice(1);
  return {
    makeDirectory: async (path) => void (await inspect.put(bucket, `${keyOf(path)}/`, '')),
    async write(path, bytes, modifiedAt = new Date()) {
      await inspect.put(bucket, keyOf(path), bytes, { modifiedAtMs: +modifiedAt });
    },
    async fill(directory, names) {
      inspect.fill(
        bucket,
        names.map((name) => `${keyOf(directory)}/${name}`),
        '',
      );
    },
    async read(path) {
      const object = inspect.find(bucket, keyOf(path));
      if (!object) return undefined;
      const bytes = Buffer.from(await inspect.bytes(bucket, keyOf(path)));
      assert.equal(object.sizeBytes, bytes.length, 'size in COS');
      assert.equal(object.crc64, crc64(bytes), 'CRC-64 in COS');
      const mtime = object.attributes.headers['x-cos-meta-mtime'];
      const modifiedAtMs = mtime === undefined ? object.modifiedAtMs : Number(mtime) * 1000;
      return { bytes, modifiedAt: new Date(modifiedAtMs) };
    },
    async tree(directory) {
      const prefix = `${keyOf(directory)}/`;
      const keys = inspect.keys(bucket, prefix).map((key) => key.slice(prefix.length));
      return keys.filter((key) => key !== '').sort();
    },
    async openUploads(path) {
      return inspect.openUploads(bucket).filter(({ key }) => key === keyOf(path)).length;
    },
    remove: (path) => inspect.delete(bucket, keyOf(path)),
    async removeTree(directory) {
      for (const key of inspect.keys(bucket, `${keyOf(directory)}/`)) {
        await inspect.delete(bucket, key);
      }
    },
  };
}
