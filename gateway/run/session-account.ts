/** From an account's words to what its sessions work with. */
import type { AccountConfig, GatewayConfig } from '#gateway/config/model.ts';
import { findCodec, type TextCodec } from '#gateway/ftp/filename-encoding.ts';
import type { SessionAccount } from '#gateway/ftp-srv/services.ts';
import { assert } from '#gateway/kit/assert.ts';
import { formatBytes } from '#gateway/kit/bytes.ts';
import type { Log } from '#gateway/kit/log.ts';
import { Jail } from '#gateway/storage/keys.ts';
import type { NewObjectRules } from '#gateway/storage/new-object.ts';
import type { ServerSideEncryption } from '#gateway/storage/object-attributes.ts';
import type { PartPool } from '#gateway/transfer/budget.ts';
import { partPlan } from '#gateway/transfer/plan.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { Stores } from './stores.ts';

/** Parts of one upload on their way to COS at once; 8 MiB each cover 50 ms of latency at 640 MiB/s. */
const partsInFlightDefault = 4;

export interface AccountContext {
  readonly config: Pick<GatewayConfig, 'min_part_size' | 'parts_in_flight'>;
  readonly log: Log;
  readonly stores: Stores;
  readonly pool: PartPool;
  readonly bandwidth: Bandwidth;
}

/** @throws StoreError `rejected` when bucket, region and endpoint make no host. */
export function sessionAccount(
  account: AccountConfig,
  { config, log, stores, pool, bandwidth }: AccountContext,
): SessionAccount {
  const plan = partPlan({
    minPartBytes: config.min_part_size,
    memoryBytes: pool.limitBytes,
    limitBytes: account.single_file_max_size,
  });
  const limitBytes = Math.min(account.single_file_max_size, plan.reachableBytes);
  if (limitBytes < account.single_file_max_size) {
    log.warn(
      {
        user: account.user,
        single_file_max_size: formatBytes(account.single_file_max_size),
        reachable: formatBytes(limitBytes),
        hint: 'Raise upload_memory to reach single_file_max_size.',
      },
      'file size limited by upload_memory',
    );
  }
  const jail = new Jail(account.prefix);
  return {
    user: account.user,
    jail,
    codec: codecNamed(account.filename_encoding),
    store: stores.storeFor(account.cos, jail),
    permissions: new Set(account.permissions),
    limitBytes,
    plan,
    partsInFlight: config.parts_in_flight ?? partsInFlightDefault,
    incompleteUploads: account.incomplete_uploads,
    newObjects: newObjectRules(account, log),
    sessionsMax: account.max_sessions,
    bandwidth: bandwidth.ofUser(account.user),
  };
}

function newObjectRules(account: AccountConfig, log: Log): NewObjectRules {
  const { user, content_types: contentTypes, storage_class, metadata } = account;
  if (storage_class?.endsWith('ARCHIVE')) {
    const hint = 'Clients that upload under another name and rename need a class that can be read.';
    log.warn({ user, storage_class, hint }, 'new files cannot be read, renamed or appended to');
  }
  const serverSideEncryption = encryptionOf(account);
  return {
    contentTypes,
    attributes: {
      ...(storage_class !== undefined && { storageClass: storage_class }),
      ...(serverSideEncryption && { serverSideEncryption }),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    },
  };
}

function encryptionOf(account: AccountConfig): ServerSideEncryption | undefined {
  const { server_side_encryption: algorithm, kms_key_id: keyId } = account;
  if (algorithm === 'bucket_default') return undefined;
  if (algorithm === 'AES256') return { algorithm };
  return { algorithm, ...(keyId !== undefined && { keyId }) };
}

/** The configuration accepts only encodings the engine knows. */
function codecNamed(name: string): TextCodec {
  const codec = findCodec(name);
  assert(codec, `no codec for filename_encoding ${name}`);
  return codec;
}
