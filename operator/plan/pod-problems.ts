/** Why shards are not ready, in sentences: what Events said, and containers that keep ending. Pure. */
import type { Observed, ObservedPod } from './observed.ts';

/** Most telling first. Pods that are ending are not expected to be ready. */
export function podProblems({ podProblems: told, pods }: Observed): string[] {
  return [...told, ...pods.flatMap(crashes)];
}

function crashes({ metadata, status }: ObservedPod): string[] {
  if (metadata.deletionTimestamp !== undefined) return [];
  return (status?.containerStatuses ?? []).flatMap(({ state, lastState }) => {
    const ended = state?.terminated ?? (state?.waiting ? lastState?.terminated : undefined);
    if (!ended) return [];
    const { exitCode, reason } = ended;
    const why = reason === undefined || reason === 'Error' ? '' : ` (${reason})`;
    return [`${metadata.name} ended with ${exitCode}${why}; its log says why`];
  });
}
