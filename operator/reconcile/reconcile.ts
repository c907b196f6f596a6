/**
 * One look at one gateway: gather → plan → apply → status. Knows nothing of what woke it; run again over a
 * settled gateway it writes nothing. Never writes for a gateway that is being deleted: the garbage
 * collector removes the children by their owner references.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import type { FtpGateway, FtpGatewayStatus } from '#operator/api/ftp-gateway.ts';
import type { Observed } from '#operator/plan/observed.ts';
import type { Plan } from '#operator/plan/plan.ts';
import type { OperatorSettings } from '#operator/plan/settings.ts';
import type { KubeClient } from '#operator/runtime/client.ts';
import type { ReconcileContext, ReconcileResult } from '#operator/runtime/controller.ts';
import { isKubeError, KubeError } from '#operator/runtime/errors.ts';
import { applyPlan, type Refusal } from './apply.ts';
import type { Caches } from './caches.ts';
import { gather } from './gather.ts';
import type { HostNames } from './host-names.ts';
import { gatewayKind } from './kinds.ts';
import { News, type Tell } from './news.ts';
import { refusalMessage, refusedReason, withRefusals, writeStatus } from './status.ts';
import type { ApplyTarget } from './target.ts';

export interface ReconcilerOptions {
  readonly client: KubeClient;
  readonly caches: Caches;
  readonly hostNames: HostNames;
  readonly clock: Clock;
  readonly plan: (observed: Observed, settings: OperatorSettings) => Plan;
  readonly settings: OperatorSettings;
  /** Every gateway is looked at again after this long, in milliseconds. */
  readonly resyncMs: number;
  /** Tells people, as Events of the gateway. Must not throw. */
  readonly tell: Tell;
}

/** A quota, a role or an object in the way may change without any event of ours. */
const refusedRetryMs = 60_000;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #news: News;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#news = new News(options.tell);
  }

  /**
   * @param key `namespace/name` of a gateway.
   * @returns `isGone` also while it is being deleted: its last event wakes the key once more.
   * @throws KubeError or ReconcileError for what passes by itself; the status tells all others.
   */
  async reconcile(key: string, context: ReconcileContext): Promise<ReconcileResult> {
    const { caches, plan: choosePlan, settings, resyncMs } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    const gateway = caches.get<FtpGateway>(gatewayKind, namespace, name);
    if (!gateway || gateway.metadata.deletionTimestamp !== undefined) {
      this.#news.forget(key);
      return { isGone: true };
    }
    const observed = await gather(this.#options, gateway, context.signal);
    const plan = choosePlan(observed, settings);
    this.#news.tell(key, gateway, 'plan', plan.events);
    const { changes, isRefused } = await this.#carryOut(key, gateway, plan, context);
    if (changes > 0) context.log.info({ changes }, 'gateway reconciled');
    const waits = [resyncMs, plan.requeueAfterMs, isRefused ? refusedRetryMs : undefined];
    const requeueAfterMs = Math.min(...waits.filter((wait) => wait !== undefined));
    return { requeueAfterMs, ...(isRefused && { isRefused }) };
  }

  /** @throws the error of a step that passes by itself; then the status stays as it was. */
  async #carryOut(key: string, gateway: FtpGateway, plan: Plan, { log, signal }: ReconcileContext) {
    const { client, caches, clock } = this.#options;
    const { namespace } = gateway.metadata;
    const findLive: ApplyTarget['findLive'] = (kind, name) => caches.get(kind, namespace, name);
    const target = { client, namespace, owner: gateway.metadata, findLive, log, signal };
    const { changes, refusals } = await applyPlan(target, plan);
    const passing = refusals.filter(isPassing);
    const told = refusals.filter((refusal) => !isPassing(refusal));
    for (const { what, error } of told) log.warn({ object: what, error }, 'refused');
    if (passing[0] && told.length === 0) throw passing[0].error;
    const message = refusalMessage(told);
    const event = { type: 'Warning', reason: refusedReason, message } as const;
    this.#news.tell(key, gateway, 'refusals', told.length > 0 ? [event] : []);
    const { status } = plan;
    const seen = told.length > 0 ? withRefusals(status, { gateway, message, clock }) : status;
    const written = await this.#writeStatus(gateway, seen, signal);
    return { changes: changes + written, isRefused: told.length > 0 };
  }

  async #writeStatus(gateway: FtpGateway, status: FtpGatewayStatus, signal: AbortSignal) {
    try {
      return await writeStatus(this.#options.client, gateway, status, signal);
    } catch (error) {
      // Deleted, or deleted and made again, since it was read: its event is on the way.
      if (isKubeError(error, 'not-found') || isKubeError(error, 'conflict')) return 0;
      throw error;
    }
  }
}

/**
 * No news for people: a newer object, or one that the garbage collector is about to take. A 500 may pass
 * as well, but it is also how the API server reports a webhook that does not answer, which may last.
 */
function isPassing({ error }: Refusal): boolean {
  return error.retryable && !(error instanceof KubeError && error.status === 500);
}
