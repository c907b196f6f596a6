/**
 * Takes ports out of the Service that somebody else put there. They survive every apply of ours, also a
 * forced one, because it only decides over what it names; each holds a listener of the load balancer.
 */
import type { StrayPorts } from '#operator/plan/desired-network.ts';
import { isKubeError } from '#operator/runtime/errors.ts';
import { childKinds } from './kinds.ts';
import type { ApplyTarget, LiveObject, ServicePort } from './target.ts';

/** @returns how many requests changed something. @throws KubeError */
export async function removePorts(
  { client, namespace, findLive, log, signal }: ApplyTarget,
  { service: name, ports }: StrayPorts,
): Promise<number> {
  const kind = childKinds.Service;
  const operations = portRemovals(findLive(kind, name), ports);
  if (operations.length === 0) return 0;
  try {
    await client.patch({ kind, namespace, name }, 'json', operations, { signal });
  } catch (error) {
    // A port is not where the cache had it: the Service changed, and its event is on the way.
    if (!isKubeError(error, 'invalid') && !isKubeError(error, 'not-found')) throw error;
    log.info({ service: name, ports, error }, 'stray ports not removed from a changed service');
    return 0;
  }
  log.warn({ service: name, ports }, 'stray ports removed from the service');
  return 1;
}

/**
 * JSON patch operations; from the last port to the first, because a removal moves those behind it, and
 * each behind a test that the port is still where it was seen (else the API server refuses all of it).
 */
function portRemovals(
  service: LiveObject | undefined,
  strays: readonly ServicePort[],
): readonly Readonly<Record<string, unknown>>[] {
  const live = service?.spec?.ports ?? [];
  const isStray = (one: ServicePort) =>
    strays.some((other) => other.port === one.port && protocolOf(other) === protocolOf(one));
  return live
    .map((port, index) => ({ port, path: `/spec/ports/${index}` }))
    .filter(({ port }) => isStray(port))
    .toReversed()
    .flatMap(({ port, path }) => [
      { op: 'test', path: `${path}/port`, value: port.port },
      { op: 'remove', path },
    ]);
}

function protocolOf({ protocol = 'TCP' }: ServicePort): string {
  return protocol;
}
