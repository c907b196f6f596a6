/**
 * The configuration as it counts now, for what asks again each time it needs a word. Words that need a
 * restart keep the value they had at start.
 */
import type { GatewayConfig } from '#gateway/config/model.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';

export class LiveConfig {
  #config: GatewayConfig;
  #dataPeerNetworks: NetworkSet;

  constructor(config: GatewayConfig) {
    this.#config = config;
    this.#dataPeerNetworks = new NetworkSet(config.data_peer_networks);
  }

  get config(): GatewayConfig {
    return this.#config;
  }

  get dataPeerNetworks(): NetworkSet {
    return this.#dataPeerNetworks;
  }

  replace(config: GatewayConfig): void {
    this.#config = config;
    this.#dataPeerNetworks = new NetworkSet(config.data_peer_networks);
  }
}
