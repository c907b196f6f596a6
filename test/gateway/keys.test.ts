/** Uploads that outlive their key, seen by FTP clients: the key expires or is rotated while parts are sent. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Secret } from '#gateway/cosd/signature.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { cvmRoleCredentials } from '#gateway/storage/credentials/cvm-role.ts';
import { tkePodIdentityCredentials } from '#gateway/storage/credentials/tke-pod-identity.ts';
import { until } from '#test/support/condition.ts';
import { startTestCosd } from '#test/support/cosd.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { seededRandom } from '#test/support/random.ts';
import { startRawServer } from '#test/support/storage-raw-server.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const MiB = 1024 * 1024;
const content = Buffer.from(seededRandom(11).bytes(9 * MiB + 5));
const repeated = 'cosftp_cos_retries_total{operation="UploadPart",reason="key"}';

/** Keys as COS knows them. */
class KeyRing {
  readonly #secrets = new Map<string, Secret>();

  readonly lookUp = (secretId: string): Secret | undefined => this.#secrets.get(secretId);

  know(secretId: string, secret: Secret): void {
    this.#secrets.set(secretId, secret);
  }

  expireAll(): void {
    for (const [id, secret] of this.#secrets) this.#secrets.set(id, { ...secret, expiresAtMs: 0 });
  }

  forgetAll(): void {
    this.#secrets.clear();
  }
}

/** The machine's metadata and STS in one: a new key at each request. */
async function startKeyServer(ring: KeyRing, lifeMs: number) {
  let serial = 0;
  const key = () => {
    const name = ++serial;
    const expiresAtMs = Date.now() + lifeMs;
    const fields = { TmpSecretId: `id${name}`, TmpSecretKey: `key${name}`, Token: `token${name}` };
    ring.know(fields.TmpSecretId, { secretKey: `key${name}`, token: `token${name}`, expiresAtMs });
    return { fields, ExpiredTime: Math.floor(expiresAtMs / 1000) };
  };
  const state = { isDown: false };
  const server = await startRawServer((request, reply) => {
    if (state.isDown) return void reply.writeHead(503).end('<html>maintenance</html>');
    if (request.method === 'POST') {
      const { fields, ExpiredTime } = key();
      request.resume();
      return void reply.end(JSON.stringify({ Response: { Credentials: fields, ExpiredTime } }));
    }
    if (request.url?.endsWith('/')) return void reply.end('role');
    const { fields, ExpiredTime } = key();
    return void reply.end(JSON.stringify({ ...fields, ExpiredTime, Code: 'Success' }));
  });
  return {
    url: `http://${server.endpoint}`,
    /** Keys given so far. */
    given: () => serial,
    goDown: () => {
      state.isDown = true;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The first parts are in COS when `interfere` is called, the others come after it. */
async function storeThrough(ftp: TestGateway, interfere: () => unknown): Promise<number> {
  await using client = await FtpClient.logIn(ftp.port);
  const data = await client.beginStore('file');
  data.write(content.subarray(0, 4 * MiB));
  await until('parts in COS', () => (ftp.cosd.requests().UploadPart ?? 0) >= 2);
  await interfere();
  data.end(content.subarray(4 * MiB));
  const { code } = await client.reply();
  return code;
}

async function assertStored(ftp: TestGateway): Promise<void> {
  assert.ok((await ftp.bytes('file')).equals(content));
  await until('no upload is left open', () => ftp.openUploads() === 0);
  assert.deepEqual(ftp.keys(), ['file']);
}

async function podEnvironment(directory: string): Promise<NodeJS.ProcessEnv> {
  const tokenFile = join(directory, 'token');
  await writeFile(tokenFile, 'web-token');
  return {
    TKE_REGION: 'ap-guangzhou',
    TKE_PROVIDER_ID: 'provider',
    TKE_ROLE_ARN: 'qcs::cam::uin/1:roleName/r',
    TKE_WEB_IDENTITY_TOKEN_FILE: tokenFile,
  };
}

describe('an upload in parts', () => {
  const clock = systemClock;
  for (const source of ['the role of the machine', 'the identity of the pod'] as const) {
    for (const how of ['expireAll', 'forgetAll'] as const) {
      const end = how === 'expireAll' ? 'expires' : 'is withdrawn';
      test(`goes on when the key of ${source} ${end} in the middle`, async () => {
        const ring = new KeyRing();
        await using keyServer = await startKeyServer(ring, 7_200_000);
        await using directory = await temporaryDirectory();
        const env = await podEnvironment(directory.path);
        const credentials =
          source === 'the role of the machine'
            ? cvmRoleCredentials({ clock, metadataUrl: keyServer.url })
            : tkePodIdentityCredentials({ clock, env, stsUrl: keyServer.url });
        let laterMs = 0;
        const later = { ...clock, monotonicMs: () => clock.monotonicMs() + laterMs };
        await using ftp = await startTestGateway({
          cosd: { keys: ring.lookUp },
          credentials,
          clock: later,
        });
        const code = await storeThrough(ftp, () => {
          laterMs = 10_000;
          ring[how]();
        });
        assert.equal(code, 226);
        await assertStored(ftp);
        assert.equal(keyServer.given(), 2);
        assert.ok((await ftp.metric(repeated)) >= 1);
      });
    }

    test(`does not notice that the key of ${source} is due while its service is down`, async () => {
      const ring = new KeyRing();
      await using keyServer = await startKeyServer(ring, 300_000);
      await using directory = await temporaryDirectory();
      const env = await podEnvironment(directory.path);
      const credentials =
        source === 'the role of the machine'
          ? cvmRoleCredentials({ clock, metadataUrl: keyServer.url })
          : tkePodIdentityCredentials({ clock, env, stsUrl: keyServer.url });
      await using ftp = await startTestGateway({ cosd: { keys: ring.lookUp }, credentials });
      const code = await storeThrough(ftp, () => keyServer.goDown());
      assert.equal(code, 226);
      await assertStored(ftp);
    });
  }

  test('goes on when its key in files is rotated in the middle', async () => {
    const ring = new KeyRing();
    await using directory = await temporaryDirectory();
    const at = (name: string) => join(directory.path, name);
    const write = async (serial: number) => {
      await writeFile(at('id'), `id${serial}\n`);
      await writeFile(at('key'), `key${serial}\n`);
      ring.know(`id${serial}`, { secretKey: `key${serial}` });
    };
    await write(1);
    await using cosd = await startTestCosd({ keys: ring.lookUp });
    const { bucket, endpoint } = cosd;
    const files = { secretid_file: at('id'), secretkey_file: at('key') };
    let laterMs = 0;
    await using ftp = await startTestGateway({
      store: cosd,
      words: { cos: { bucket, endpoint, protocol: 'http', ...files } },
      clock: { ...clock, monotonicMs: () => clock.monotonicMs() + laterMs },
    });
    const code = await storeThrough(ftp, async () => {
      ring.forgetAll();
      await write(2);
      laterMs = 2_000; // less than the time after which they are read again anyway
    });
    assert.equal(code, 226);
    await assertStored(ftp);
    assert.ok((await ftp.metric(repeated)) >= 1);
  });

  test('whose key is withdrawn for good ends with a reply that says so, and leaves nothing', async () => {
    const ring = new KeyRing();
    await using keyServer = await startKeyServer(ring, 7_200_000);
    const credentials = cvmRoleCredentials({ clock, metadataUrl: keyServer.url });
    let laterMs = 0;
    const later = { ...clock, monotonicMs: () => clock.monotonicMs() + laterMs };
    await using ftp = await startTestGateway({
      cosd: { keys: ring.lookUp },
      credentials,
      clock: later,
    });
    const code = await storeThrough(ftp, () => {
      laterMs = 10_000;
      keyServer.goDown();
      ring.forgetAll();
    });
    assert.equal(code, 451);
    assert.deepEqual(ftp.keys(), []);
  });
});
