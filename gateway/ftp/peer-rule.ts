/**
 * Who may open a data connection for a session, and whether two sessions could be confused with each
 * other on one port. Pure.
 */
import { plainAddress } from '#gateway/kit/networks.ts';

/**
 * same: only the address of the control connection · network: also any address in one configured network
 * with it (behind a balancer that changes source addresses) · any: everybody.
 */
export type PeerPolicy = 'same' | 'network' | 'any';

/** The configured `data_peer_networks`; see kit/networks.ts. */
export interface PeerNetworks {
  /** Whether one and the same entry holds both addresses. */
  containsBoth(one: string, other: string): boolean;
}

export interface PeerRule {
  /** Address of the control connection, as {@link plainAddress} spells it. */
  readonly peer: string;
  /** @param address as {@link plainAddress} spells it. */
  accepts(address: string): boolean;
}

export function peerRule(peer: string, policy: PeerPolicy, networks: PeerNetworks): PeerRule {
  const own = plainAddress(peer);
  switch (policy) {
    case 'same':
      return { peer: own, accepts: (address) => address === own };
    case 'network':
      return {
        peer: own,
        accepts: (address) => address === own || networks.containsBoth(own, address),
      };
    case 'any':
      return { peer: own, accepts: () => true };
  }
}

/**
 * Whether some client could be taken for both. What a rule accepts is one address, a union of networks
 * that hold its own peer, or everything; networks are nested or disjoint; so two such sets overlap
 * exactly when one of them holds the other's peer.
 */
export function areConfusable(one: PeerRule, other: PeerRule): boolean {
  return one.accepts(other.peer) || other.accepts(one.peer);
}
