/**
 * One look at one gateway: gather → plan → apply → status. Knows nothing of what woke it; run again over a
 * settled gateway it writes nothing. Never writes for a gateway that is being deleted: the garbage
 * collector removes the children by their owner references.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import { KindError } from '#gateway/kit/errors.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { FtpGateway } from '#operator/api/ftp-gateway.ts';
import type { PlannedEvent } from '#operator/plan/events.ts';
import type { Observed } from '#operator/plan/observed.ts';
import type { Plan } from '#operator/plan/plan.ts';
import type { OperatorSettings } from '#operator/plan/settings.ts';
import type { KubeClient } from '#operator/runtime/client.ts';
import type { ReconcileContext, ReconcileResult } from '#operator/runtime/controller.ts';
import { isKubeError } from '#operator/runtime/errors.ts';
import { applyPlan } from './apply.ts';
import type { Caches } from './caches.ts';
import { canonicalJson } from './difference.ts';
import { gather } from './gather.ts';
import { type HostNames, hostNameRefreshMs } from './host-names.ts';
import { gatewayKind } from './kinds.ts';
import { withFailure, writeStatus } from './status.ts';

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
  readonly tell: (gateway: FtpGateway, event: PlannedEvent) => void;
}

/** A quota, a role or an object in the way may change without any event of ours. */
const refusedRetryMs = 60_000;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** Key → the events last told, so that a settled gateway tells nothing again. */
  readonly #told = new Map<string, string>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /**
   * @param key `namespace/name` of a gateway.
   * @returns `isGone` also while it is being deleted: its last event wakes the key once more.
   * @throws KubeError or ReconcileError when trying again soon can help; the status tells all others.
   */
  async reconcile(key: string, { log, signal }: ReconcileContext): Promise<ReconcileResult> {
    const { caches, plan: choosePlan, settings, resyncMs } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    const gateway = caches.get<FtpGateway>(gatewayKind, namespace, name);
    if (!gateway || gateway.metadata.deletionTimestamp !== undefined) {
      this.#told.delete(key);
      return { isGone: true };
    }
    const observed = await gather(this.#options, gateway, signal);
    const plan = choosePlan(observed, settings);
    this.#tellNews(key, gateway, plan.events);
    const { changes, isRefused } = await this.#carryOut(gateway, plan, log, signal);
    if (changes > 0) log.info({ changes }, 'gateway reconciled');
    const waits = [
      resyncMs,
      plan.requeueAfterMs,
      hasHostName(observed) ? hostNameRefreshMs : undefined,
      isRefused ? refusedRetryMs : undefined,
    ];
    return { requeueAfterMs: Math.min(...waits.filter((wait) => wait !== undefined)) };
  }

  async #carryOut(gateway: FtpGateway, plan: Plan, log: Log, signal: AbortSignal) {
    const { client, caches } = this.#options;
    const { namespace } = gateway.metadata;
    let { status } = plan;
    let changes = 0;
    let isRefused = false;
    try {
      changes = await applyPlan(
        {
          client,
          namespace,
          owner: gateway.metadata,
          findLive: (kind, name) => caches.get(kind, namespace, name),
          log,
          signal,
        },
        plan,
      );
    } catch (error) {
      // What passes by itself is no news for people: the status stays, and the queue tries again.
      if (!isRefusal(error)) throw error;
      log.warn({ error }, 'a step was refused');
      isRefused = true;
      status = withFailure(status, gateway, error, this.#options.clock);
    }
    try {
      changes += await writeStatus(client, gateway, status, signal);
    } catch (error) {
      // Deleted, or deleted and made again, since it was read: its event is on the way.
      if (!isKubeError(error, 'not-found') && !isKubeError(error, 'conflict')) throw error;
    }
    return { changes, isRefused };
  }

  #tellNews(key: string, gateway: FtpGateway, events: readonly PlannedEvent[]): void {
    const news = canonicalJson(events);
    if (this.#told.get(key) === news) return;
    this.#told.set(key, news);
    for (const event of events) this.#options.tell(gateway, event);
  }
}

/** The same request would be refused again until somebody changes something. */
function isRefusal(error: unknown): error is KindError<string> {
  return error instanceof KindError && !error.retryable;
}

function hasHostName({ service }: Observed): boolean {
  const ingress = service?.status?.loadBalancer?.ingress ?? [];
  return ingress.some(({ ip, hostname }) => !ip && hostname);
}
