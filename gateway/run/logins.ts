/** From a name and a password to an account with its jail, its store and its limits. */
import { Accounts } from '#gateway/auth/accounts.ts';
import { Throttle } from '#gateway/auth/throttle.ts';
import type { AccountConfig, GatewayConfig } from '#gateway/config/model.ts';
import { findCodec, type TextCodec } from '#gateway/ftp/filename-encoding.ts';
import type { LoginOutcome, SessionAccount } from '#gateway/ftp-srv/services.ts';
import { assert } from '#gateway/kit/assert.ts';
import { formatBytes } from '#gateway/kit/bytes.ts';
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';
import { Jail } from '#gateway/storage/keys.ts';
import type { PartPool } from '#gateway/transfer/budget.ts';
import { partPlan } from '#gateway/transfer/plan.ts';
import type { Stores } from './stores.ts';

/** Parts of one upload on their way to COS at once; 8 MiB each cover 50 ms of latency at 640 MiB/s. */
const partsInFlightDefault = 4;

export interface LoginContext {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly stores: Stores;
  readonly pool: PartPool;
}

export type Authenticate = (user: string, password: string, peer: string) => Promise<LoginOutcome>;

/** Checks passwords, slows guessing down, and hands out what a session may do. */
export function createAuthenticate(context: LoginContext): Authenticate {
  const { config, clock, log } = context;
  const accounts = new Accounts(config.accounts, { log });
  const throttle = new Throttle({ clock, exempt: new NetworkSet(config.data_peer_networks) });
  const sessionAccounts = new Map(
    config.accounts.map((account) => [account.user, sessionAccount(account, context)]),
  );
  return async (user, password, peer) => {
    const retryAfterMs = throttle.retryAfterMs(peer);
    if (retryAfterMs > 0) return { kind: 'throttled', retryAfterMs };
    const found = await accounts.authenticate(user, password);
    const account = found && sessionAccounts.get(found.user);
    if (!account) {
      await sleep(clock, throttle.noteFailure(peer));
      return { kind: 'refused' };
    }
    throttle.noteSuccess(peer);
    return { kind: 'accepted', account };
  };
}

function sessionAccount(
  account: AccountConfig,
  { config, log, stores, pool }: LoginContext,
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
  return {
    user: account.user,
    jail: new Jail(account.prefix),
    codec: codecNamed(account.filename_encoding),
    store: stores.storeFor(account.cos),
    permissions: new Set(account.permissions),
    limitBytes,
    plan,
    partsInFlight: config.parts_in_flight ?? partsInFlightDefault,
    incompleteUploads: account.incomplete_uploads,
  };
}

/** The configuration accepts only encodings the engine knows. */
function codecNamed(name: string): TextCodec {
  const codec = findCodec(name);
  assert(codec, `no codec for filename_encoding ${name}`);
  return codec;
}
