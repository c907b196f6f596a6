/** Slices of the passive ports: slice k belongs to shard k, and one more is kept for replacements. Pure. */
import type { FtpGatewaySpec } from '#operator/api/ftp-gateway.ts';

/** Both included. */
export interface PortSlice {
  readonly first: number;
  readonly last: number;
}

type Ports = Pick<FtpGatewaySpec, 'passivePorts'>;

export function portSlice({ passivePorts }: Ports, slice: number): PortSlice {
  const first = passivePorts.start + slice * passivePorts.perShard;
  return { first, last: first + passivePorts.perShard - 1 };
}

export function portsOf({ first, last }: PortSlice): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

export function formatSlice({ first, last }: PortSlice): string {
  return `${first}-${last}`;
}

/** Slices a gateway of this size uses: one per shard, and the spare one. */
export function wantedSlices({ replicas }: Pick<FtpGatewaySpec, 'replicas'>): number[] {
  return Array.from({ length: replicas + 1 }, (_, slice) => slice);
}
