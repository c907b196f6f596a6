/** From the configuration's words to a source of keys. */
import type { CosCredentials } from '#gateway/config/model.ts';
import { unreachable } from '#gateway/kit/assert.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { environmentCredentials } from '#gateway/storage/credentials/environment.ts';
import type { CredentialSource } from '#gateway/storage/credentials/source.ts';
import { staticCredentials } from '#gateway/storage/credentials/static.ts';
import { fileCredentials } from '#gateway/storage/credentials/static-files.ts';
import { StoreError } from '#gateway/storage/object-store.ts';

/** @throws StoreError `credentials` for a source this version cannot use. */
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
    case 'tke_pod_identity':
      throw new StoreError('credentials', `credentials: ${words.kind} is not supported yet`, {
        hint: 'Use static keys or credentials: environment.',
      });
    default:
      return unreachable(words);
  }
}
