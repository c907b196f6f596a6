/** From the configuration's words to a source of keys. */
import type { CosCredentials } from '#gateway/config/model.ts';
import { unreachable } from '#gateway/kit/assert.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { cvmRoleCredentials } from '#gateway/storage/credentials/cvm-role.ts';
import { environmentCredentials } from '#gateway/storage/credentials/environment.ts';
import type { CredentialSource } from '#gateway/storage/credentials/source.ts';
import { staticCredentials } from '#gateway/storage/credentials/static.ts';
import { fileCredentials } from '#gateway/storage/credentials/static-files.ts';
import { tkePodIdentityCredentials } from '#gateway/storage/credentials/tke-pod-identity.ts';

/** Asks nobody yet: a source that cannot give a key says so at the first request. */
export function credentialSource(
  words: CosCredentials,
  context: { readonly env: NodeJS.ProcessEnv; readonly clock: Clock; readonly log: Log },
): CredentialSource {
  switch (words.kind) {
    case 'static':
      return staticCredentials({
        secretId: words.secretid,
        secretKey: words.secretkey,
        ...(words.token !== undefined && { token: words.token }),
      });
    case 'static-files':
      return fileCredentials({
        secretIdFile: words.secretid_file,
        secretKeyFile: words.secretkey_file,
        clock: context.clock,
        log: context.log,
      });
    case 'environment':
      return environmentCredentials(context.env);
    case 'cvm_role':
      return cvmRoleCredentials({ clock: context.clock });
    case 'tke_pod_identity':
      return tkePodIdentityCredentials({ env: context.env, clock: context.clock });
    default:
      return unreachable(words);
  }
}
