/** Temporary keys from the machine's metadata and from STS, both played by a server of the test. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '#gateway/kit/clock.ts';
import { cvmRoleCredentials } from '#gateway/storage/credentials/cvm-role.ts';
import type { CredentialSource } from '#gateway/storage/credentials/source.ts';
import { tkePodIdentityCredentials } from '#gateway/storage/credentials/tke-pod-identity.ts';
import { StoreError } from '#gateway/storage/object-store.ts';
import { rejectsWith } from '../../contract/object-store.ts';
import { until } from '../../support/condition.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { startRawServer } from '../../support/storage-raw-server.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const expiredTime = 1_800_000_000;
const expected = {
  secretId: 'tmp-id',
  secretKey: 'tmp-key',
  token: 'tmp-token',
  expiresAt: new Date(expiredTime * 1000),
};
const fields = { TmpSecretId: 'tmp-id', TmpSecretKey: 'tmp-key', Token: 'tmp-token' };

async function keyFrom(answer: RequestListener, open: (url: string) => CredentialSource) {
  await using server = await startRawServer(answer);
  return await open(`http://${server.endpoint}`).get();
}

describe('the role of the machine', () => {
  const ofMachine = (metadataUrl: string) =>
    cvmRoleCredentials({ clock: systemClock, metadataUrl });
  const path = '/latest/meta-data/cam/security-credentials/';
  const metadata =
    (key: unknown): RequestListener =>
    (request, reply) => {
      if (request.url === path) reply.end('my-role\n');
      else if (request.url === `${path}my-role`) reply.end(JSON.stringify(key));
      else reply.writeHead(404).end();
    };

  it('is asked for by name and gives a key with its end', async () => {
    const key = { ...fields, ExpiredTime: expiredTime, Code: 'Success' };
    assert.deepEqual(await keyFrom(metadata(key), ofMachine), expected);
  });

  it('may not be there', async () => {
    const nothing: RequestListener = (_request, reply) => void reply.writeHead(404).end('<html>');
    await rejectsWith('credentials', keyFrom(nothing, ofMachine));
    await rejectsWith(
      'credentials',
      keyFrom((_request, reply) => void reply.end(''), ofMachine),
    );
  });

  for (const [what, key] of Object.entries({
    'a refusal': { Code: 'Failed' },
    'no token': { ...fields, Token: '', ExpiredTime: expiredTime, Code: 'Success' },
    'no end': { ...fields, Code: 'Success' },
    'text instead of a time': { ...fields, ExpiredTime: 'soon', Code: 'Success' },
    nothing: null,
  })) {
    it(`is no use with ${what}`, async () => {
      await rejectsWith('credentials', keyFrom(metadata(key), ofMachine));
    });
  }

  for (const status of [301, 401, 500, 503]) {
    it(`is no use when the metadata answers ${status}`, async () => {
      const failing: RequestListener = (_request, reply) =>
        void reply.writeHead(status, { location: '/elsewhere' }).end('secret');
      const error = await keyFrom(failing, ofMachine).catch((caught: unknown) => caught);
      assert.ok(error instanceof StoreError && error.kind === 'credentials');
      assert.ok(!`${error.message} ${String(error.cause)}`.includes('secret'));
    });
  }

  it('is no use when the metadata breaks off in the middle', async () => {
    const broken: RequestListener = (_request, reply) => {
      reply.writeHead(200, { 'content-length': '100' });
      reply.write('{"TmpSecretId":', () => reply.destroy());
    };
    await rejectsWith('credentials', keyFrom(broken, ofMachine));
  });

  it('is no use when the answer never ends, and is not quoted in the error', async () => {
    const endless: RequestListener = (_request, reply) => void reply.end('secret'.repeat(20_000));
    const error = await keyFrom(endless, ofMachine).catch((caught: unknown) => caught);
    assert.ok(error instanceof StoreError);
    assert.ok(!`${error.message} ${String(error.cause)}`.includes('secret'));
  });

  it('is not waited for longer than its deadline', async () => {
    await using server = await startRawServer(() => undefined);
    const clock = fakeClock();
    const metadataUrl = `http://${server.endpoint}`;
    const failed = rejectsWith('credentials', cvmRoleCredentials({ clock, metadataUrl }).get());
    await until('it was asked', () => server.requests.length === 1);
    await clock.advance(10_000);
    await failed;
  });
});

describe('the identity of the pod', () => {
  async function fromSts(
    answer: (body: string, headers: NodeJS.Dict<string | string[]>) => unknown,
  ) {
    await using directory = await temporaryDirectory();
    const tokenFile = join(directory.path, 'token');
    await writeFile(tokenFile, 'web-token\n');
    const env = {
      TKE_REGION: 'ap-guangzhou',
      TKE_PROVIDER_ID: 'provider',
      TKE_ROLE_ARN: 'qcs::cam::uin/1:roleName/r',
      TKE_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    };
    const listener: RequestListener = (request, reply) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => reply.end(JSON.stringify(answer(body, request.headers))));
    };
    return await keyFrom(listener, (stsUrl) =>
      tkePodIdentityCredentials({ env, clock: systemClock, stsUrl }),
    );
  }

  it('is changed for a key, unsigned, with the token as proof', async () => {
    const key = await fromSts((body, headers) => {
      assert.deepEqual(JSON.parse(body), {
        ProviderId: 'provider',
        WebIdentityToken: 'web-token',
        RoleArn: 'qcs::cam::uin/1:roleName/r',
        RoleSessionName: 'cos-ftp-gateway',
        DurationSeconds: 7200,
      });
      assert.equal(headers['authorization'], 'SKIP');
      assert.equal(headers['x-tc-action'], 'AssumeRoleWithWebIdentity');
      assert.equal(headers['x-tc-version'], '2018-08-13');
      assert.equal(headers['x-tc-region'], 'ap-guangzhou');
      assert.match(String(headers['x-tc-timestamp']), /^\d{10}$/);
      return { Response: { Credentials: fields, ExpiredTime: expiredTime, RequestId: 'r' } };
    });
    assert.deepEqual(key, expected);
  });

  it('may be refused, and says with which code', async () => {
    const refused = fromSts(() => ({ Response: { Error: { Code: 'AuthFailure', Message: 'x' } } }));
    await assert.rejects(refused, { kind: 'credentials', code: 'AuthFailure' });
    await rejectsWith(
      'credentials',
      fromSts(() => ({ Response: {} })),
    );
    await rejectsWith(
      'credentials',
      fromSts(() => 'nonsense'),
    );
  });

  it('is not waited for longer than its deadline', async () => {
    await using directory = await temporaryDirectory();
    await using server = await startRawServer(() => undefined);
    const tokenFile = join(directory.path, 'token');
    await writeFile(tokenFile, 'web-token');
    const env = {
      TKE_REGION: 'r',
      TKE_PROVIDER_ID: 'p',
      TKE_ROLE_ARN: 'a',
      TKE_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    };
    const clock = fakeClock();
    const stsUrl = `http://${server.endpoint}`;
    let isOver = false;
    const failed = rejectsWith(
      'credentials',
      tkePodIdentityCredentials({ env, clock, stsUrl }).get(),
    ).then(() => {
      isOver = true;
    });
    await until('it was asked', () => server.requests.length === 1);
    await clock.advance(9_999);
    assert.equal(isOver, false);
    await clock.advance(1);
    await failed;
  });

  it('may be missing', async () => {
    await rejectsWith(
      'credentials',
      tkePodIdentityCredentials({ env: {}, clock: systemClock }).get(),
    );
    const env = {
      TKE_REGION: 'r',
      TKE_PROVIDER_ID: 'p',
      TKE_ROLE_ARN: 'a',
      TKE_WEB_IDENTITY_TOKEN_FILE: '/nonexistent/token',
    };
    await rejectsWith('credentials', tkePodIdentityCredentials({ env, clock: systemClock }).get());
  });
});
