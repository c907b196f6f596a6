/**
 * The role bound to the machine (CVM or TKE node): its metadata service hands out temporary keys to
 * whoever runs there (CVM documents, "Instance Roles"). Wrapped by the store in `cachedCredentials`.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import { StoreError } from '../object-store.ts';
import { memberOf, parseJson, smallFetch } from './small-fetch.ts';
import type { CosCredentials, CredentialSource } from './source.ts';
import { temporaryKey } from './temporary-key.ts';

export interface CvmRoleOptions {
  readonly clock: Clock;
  /** Default the metadata service of Tencent Cloud. */
  readonly metadataUrl?: string;
}

const service = 'the instance metadata';
const metadataUrlDefault = 'http://metadata.tencentyun.com';
const rolePath = '/latest/meta-data/cam/security-credentials/';

export function cvmRoleCredentials(options: CvmRoleOptions): CredentialSource {
  const url = (options.metadataUrl ?? metadataUrlDefault) + rolePath;
  return {
    async get(): Promise<CosCredentials> {
      const role = await metadata(options.clock, url);
      const answer = parseJson(await metadata(options.clock, url + encodeURIComponent(role)));
      if (memberOf(answer, 'Code') !== 'Success') {
        throw new StoreError('credentials', `${service} refused a key for the role`);
      }
      return temporaryKey(service, answer, memberOf(answer, 'ExpiredTime'));
    },
  };
}

async function metadata(clock: Clock, url: string): Promise<string> {
  const { status, text } = await smallFetch(clock, { service, url });
  const answer = text.trim();
  if (status === 200 && answer !== '') return answer;
  throw new StoreError('credentials', `${service} knows no role (status ${status})`, {
    hint: 'bind a CAM role to this machine',
  });
}
