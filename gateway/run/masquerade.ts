/**
 * Which IPv4 address a PASV reply carries: the client's network rule, else what
 * `masquerade_address_file` holds, else `masquerade_address` (both an address, or a DNS name resolved
 * again and again), else, when neither word is there, the address the client connected to.
 *
 * An unresolvable name is not an error of a session: the last known address stays, and while there is
 * none PASV answers 425 and EPSV works. A new address counts for the next PASV; no session is closed.
 */
import { isIPv4 } from 'node:net';
import type { MasqueradeNetwork } from '#gateway/config/model.ts';
import { type Clock, sleep, type Timer } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { Log } from '#gateway/kit/log.ts';
import { NetworkSet } from '#gateway/kit/networks.ts';
import { AddressFile, type AddressFileAccess } from './address-file.ts';
import type { HostAddresses } from './host-addresses.ts';

/** Where the address in 227 replies comes from; `network`: only some clients are told one. */
export type MasqueradeSource = 'none' | 'config' | 'network' | 'file' | 'dns';

/** For metrics. */
export interface MasqueradeObserver {
  masqueradeSource(source: MasqueradeSource): void;
  masqueradeChanged(): void;
}

/** What may change while running. */
export interface MasqueradeWords {
  /** IPv4 address or DNS name. */
  readonly address?: string | undefined;
  /** First match wins over `file` and `address`. */
  readonly networks: readonly MasqueradeNetwork[];
}

export interface MasqueradeOptions extends MasqueradeWords {
  /** Followed while running; what it holds wins over `address`. */
  readonly file?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: MasqueradeObserver;
  /** Rejects when the name has no IPv4 address. */
  readonly resolve: (name: string) => Promise<HostAddresses>;
  readonly fileAccess?: AddressFileAccess;
}

interface ClientNetwork {
  readonly clients: NetworkSet;
  readonly address: string;
}

/** Without a time to live, and the bounds of one: a record of a moved balancer must not last an hour. */
const resolveEverySeconds = 30;
const resolveAtLeastSeconds = 5;
const resolveAtMostSeconds = 60;
/** A slow name server must not keep the gateway from listening. */
const startWaitMs = 3_000;

/** Of one name, as long as it is the wanted one. */
interface Resolving {
  isOver: boolean;
  /** Told once: the name is tried again every few seconds. */
  isFailing: boolean;
  timer?: Timer;
}

export class Masquerade {
  readonly #options: MasqueradeOptions;
  #address: string | undefined;
  #networks: readonly ClientNetwork[];
  readonly #file: AddressFile | undefined;
  /** What the file says; it goes before the configured word. */
  #fromFile: string | undefined;
  /** What PASV tells now. */
  #known: string | undefined;
  #source: MasqueradeSource = 'none';
  #isStarted = false;
  /** Ends the resolving of a name that is no longer the wanted one. */
  #resolving: Resolving | undefined;

  constructor(options: MasqueradeOptions) {
    this.#options = options;
    this.#address = options.address;
    this.#networks = clientNetworks(options.networks);
    if (options.file === undefined) return;
    this.#file = new AddressFile({
      path: options.file,
      clock: options.clock,
      log: options.log,
      onChange: (address) => {
        this.#fromFile = address;
        if (this.#isStarted) void this.#follow();
      },
      ...(options.fileAccess && { access: options.fileAccess }),
    });
  }

  /** Reads the file and resolves a DNS name for the first time, for a few seconds at most; never rejects. */
  async start(): Promise<void> {
    const { clock } = this.#options;
    this.#tellSource('none');
    await Promise.race([this.#startFollowing(), sleep(clock, startWaitMs)]);
  }

  async #startFollowing(): Promise<void> {
    await this.#file?.start();
    this.#isStarted = true;
    await this.#follow();
  }

  /** New words, from the next PASV on; a new DNS name as soon as it is resolved. */
  change({ address, networks }: MasqueradeWords): void {
    this.#networks = clientNetworks(networks);
    const isSameAddress = address === this.#address;
    this.#address = address;
    if (!this.#isStarted) return;
    if (isSameAddress) this.#tellSource(this.#source === 'network' ? 'none' : this.#source);
    else void this.#follow();
  }

  /**
   * @param peer the client's address. @param local the address of ours it reached.
   * @returns undefined when no IPv4 address is known for this client.
   */
  addressFor(peer: string, local: string): string | undefined {
    const rule = this.#networks.find(({ clients }) => clients.contains(peer));
    if (rule) return rule.address;
    if (this.#address !== undefined || this.#file) return this.#known;
    return isIPv4(local) ? local : undefined;
  }

  /** For `/statusz`. */
  get status(): { readonly address: string | undefined; readonly source: MasqueradeSource } {
    return { address: this.#known, source: this.#source };
  }

  close(): void {
    this.#file?.close();
    this.#stopResolving();
  }

  /** Turns to what is wanted now: an address counts at once, a name as soon as it is resolved. */
  async #follow(): Promise<void> {
    this.#stopResolving();
    const wanted = this.#fromFile ?? this.#address;
    if (wanted === undefined) return this.#announce(undefined, 'none');
    if (isIPv4(wanted)) {
      return this.#announce(wanted, this.#fromFile === undefined ? 'config' : 'file');
    }
    const resolving: Resolving = { isOver: false, isFailing: false };
    this.#resolving = resolving;
    await this.#resolve(wanted, resolving);
  }

  #stopResolving(): void {
    if (!this.#resolving) return;
    this.#resolving.isOver = true;
    this.#resolving.timer?.cancel();
    this.#resolving = undefined;
  }

  async #resolve(name: string, resolving: Resolving): Promise<void> {
    const { clock, log, resolve } = this.#options;
    let seconds = resolveEverySeconds;
    try {
      const { addresses, ttlSeconds = resolveEverySeconds } = await resolve(name);
      if (resolving.isOver) return;
      resolving.isFailing = false;
      seconds = Math.min(Math.max(ttlSeconds, resolveAtLeastSeconds), resolveAtMostSeconds);
      // Several addresses: stay with the one clients already know while it is still listed.
      const kept = addresses.find((address) => address === this.#known);
      this.#announce(kept ?? [...addresses].sort()[0] ?? this.#known, 'dns');
    } catch (error) {
      if (resolving.isOver) return;
      seconds = resolveAtLeastSeconds;
      const level = resolving.isFailing ? 'debug' : 'warn';
      resolving.isFailing = true;
      log[level]({ name, reason: describeError(error) }, 'masquerade address not resolved');
    }
    resolving.timer = clock.setTimer(seconds * 1000, () => void this.#resolve(name, resolving));
  }

  #announce(address: string | undefined, source: MasqueradeSource): void {
    const { log, observer } = this.#options;
    this.#tellSource(source);
    if (address === this.#known) return;
    const before = this.#known;
    this.#known = address;
    if (before !== undefined) observer.masqueradeChanged();
    if (address === undefined) log.warn({ before }, 'masquerade address lost');
    else log.info({ address, source, before }, 'masquerade address known');
  }

  #tellSource(source: MasqueradeSource): void {
    const hasRules = this.#networks.length > 0;
    this.#source = source === 'none' && hasRules ? 'network' : source;
    this.#options.observer.masqueradeSource(this.#source);
  }
}

function clientNetworks(words: readonly MasqueradeNetwork[]): readonly ClientNetwork[] {
  return words.map(({ clients, address }) => ({ clients: new NetworkSet([clients]), address }));
}
