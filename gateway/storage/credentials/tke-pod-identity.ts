/**
 * The identity of the pod: TKE's webhook puts a web identity token and the role's name into the pod,
 * and STS changes them for temporary keys (STS 2018-08-13, AssumeRoleWithWebIdentity). The call is not
 * signed; the token is the proof. It is read anew each time, because Kubernetes renews it in place.
 */
import { readFile } from 'node:fs/promises';
import type { Clock } from '#gateway/kit/clock.ts';
import { StoreError } from '../object-store.ts';
import { memberOf, parseJson, smallFetch } from './small-fetch.ts';
import type { CosCredentials, CredentialSource } from './source.ts';
import { temporaryKey } from './temporary-key.ts';

export interface TkePodIdentityOptions {
  /** TKE_REGION, TKE_PROVIDER_ID, TKE_ROLE_ARN, TKE_WEB_IDENTITY_TOKEN_FILE. */
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Default STS's public host. */
  readonly stsUrl?: string;
}

const service = 'STS';
const stsUrlDefault = 'https://sts.tencentcloudapi.com/';
const durationSeconds = 7200;

interface PodIdentity {
  readonly region: string;
  readonly providerId: string;
  readonly roleArn: string;
  readonly tokenFile: string;
}

export function tkePodIdentityCredentials(options: TkePodIdentityOptions): CredentialSource {
  return {
    async get(): Promise<CosCredentials> {
      const identity = podIdentity(options.env);
      const token = await readToken(identity.tokenFile);
      return assumeRole(options, identity, token);
    },
  };
}

function podIdentity(env: NodeJS.ProcessEnv): PodIdentity {
  const { TKE_REGION, TKE_PROVIDER_ID, TKE_ROLE_ARN, TKE_WEB_IDENTITY_TOKEN_FILE } = env;
  if (!TKE_REGION || !TKE_PROVIDER_ID || !TKE_ROLE_ARN || !TKE_WEB_IDENTITY_TOKEN_FILE) {
    throw new StoreError('credentials', 'this pod has no TKE identity', {
      hint: 'annotate the service account with the role; the webhook sets TKE_ROLE_ARN and its like',
    });
  }
  return {
    region: TKE_REGION,
    providerId: TKE_PROVIDER_ID,
    roleArn: TKE_ROLE_ARN,
    tokenFile: TKE_WEB_IDENTITY_TOKEN_FILE,
  };
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new StoreError('credentials', 'cannot read the web identity token', { cause });
  }
}

async function assumeRole(
  { clock, stsUrl = stsUrlDefault }: TkePodIdentityOptions,
  { region, providerId, roleArn }: PodIdentity,
  token: string,
): Promise<CosCredentials> {
  const { text } = await smallFetch(clock, {
    service,
    url: stsUrl,
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: 'SKIP',
      'X-TC-Action': 'AssumeRoleWithWebIdentity',
      'X-TC-Version': '2018-08-13',
      'X-TC-Region': region,
      'X-TC-Timestamp': String(Math.floor(clock.now() / 1000)),
    },
    body: JSON.stringify({
      ProviderId: providerId,
      WebIdentityToken: token,
      RoleArn: roleArn,
      RoleSessionName: 'cos-ftp-gateway',
      DurationSeconds: durationSeconds,
    }),
  });
  const response = memberOf(parseJson(text), 'Response');
  const code = memberOf(response, 'Error', 'Code');
  if (typeof code === 'string') {
    throw new StoreError('credentials', `STS refused the role of the pod (${code})`, {
      code,
      hint: 'check the trust policy of the role and the annotation of the service account',
    });
  }
  const expiredTime = memberOf(response, 'ExpiredTime');
  return temporaryKey(service, memberOf(response, 'Credentials'), expiredTime);
}
