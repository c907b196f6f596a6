/** Writes the status of a gateway, when it says something new, and says there what was refused. */
import type { Clock } from '#gateway/kit/clock.ts';
import type { FtpGateway, FtpGatewayStatus } from '#operator/api/ftp-gateway.ts';
import { apiVersionOf, type KubeClient } from '#operator/runtime/client.ts';
import { KubeError } from '#operator/runtime/errors.ts';
import type { Refusal } from './apply.ts';
import { contains } from './difference.ts';
import { gatewayKind } from './kinds.ts';

/** Apart from the manager of the children, so that neither takes the other's fields away. */
const statusFieldManager = 'cos-ftp-gateway-operator-status';

/** Reason of conditions and events that tell a refusal. */
export const refusedReason = 'ApplyFailed';

/** A condition's message may have so many characters in the Kubernetes API. */
const messageCharactersMax = 32_768;

/**
 * @returns 1 when something was written, else 0.
 * @throws KubeError; `not-found` and `conflict` mean that the gateway is gone or another one of its name.
 */
export async function writeStatus(
  client: KubeClient,
  gateway: FtpGateway,
  status: FtpGatewayStatus,
  signal?: AbortSignal,
): Promise<number> {
  if (isSame(gateway.status, status)) return 0;
  const { name, namespace, uid } = gateway.metadata;
  await client.apply(
    {
      apiVersion: apiVersionOf(gatewayKind),
      kind: gatewayKind.kind,
      // With the uid it is this gateway or none.
      metadata: { name, namespace, uid },
      status,
    } as Parameters<KubeClient['apply']>[0],
    { subresource: 'status', fieldManager: statusFieldManager, signal },
  );
  return 1;
}

function isSame(live: unknown, wished: unknown): boolean {
  return contains(live, wished) && contains(wished, live);
}

/** What was refused, each with the words of whoever refused it. */
export function refusalMessage(refusals: readonly Refusal[]): string {
  return refusals.map(sentenceOf).join('; ').slice(0, messageCharactersMax);
}

function sentenceOf({ what, error }: Refusal): string {
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  const words = error instanceof KubeError ? `${what}: ${error.sentence}` : error.message;
  return words + hint;
}

/** The status with Programmed and Ready false because something was refused; other conditions stay. */
export function withRefusals(
  status: FtpGatewayStatus,
  { gateway, message, clock }: { gateway: FtpGateway; message: string; clock: Clock },
): FtpGatewayStatus {
  const failed = (type: string) => {
    const before = gateway.status?.conditions?.find((condition) => condition.type === type);
    const since = before?.status === 'False' ? before.lastTransitionTime : undefined;
    return {
      type,
      status: 'False' as const,
      reason: refusedReason,
      message,
      observedGeneration: gateway.metadata.generation,
      lastTransitionTime: since ?? `${new Date(clock.now()).toISOString().slice(0, 19)}Z`,
    };
  };
  const conditions = (status.conditions ?? []).map((condition) =>
    condition.type === 'Programmed' || condition.type === 'Ready'
      ? { ...condition, ...failed(condition.type) }
      : condition,
  );
  return { ...status, conditions } as FtpGatewayStatus;
}
