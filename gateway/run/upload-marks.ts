/**
 * The gateway's care for uploads it cannot finish itself: who it is in the markers of its uploads, and the
 * janitor that looks for what earlier runs left. Never in the way of a transfer.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import { MarkedStore } from '#gateway/storage/marked-store.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import { type MarkerOwner, markerName } from '#gateway/storage/upload-marker.ts';
import type { JanitorTarget } from '#gateway/transfer/janitor.ts';
import { runJanitor } from '#gateway/transfer/janitor-rounds.ts';

export interface UploadMarksOptions {
  /** Of the instance: one that comes back with the same ends what it left. */
  readonly name?: string | undefined;
  /** With the host name it is the instance that has no name. */
  readonly listenPort: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onAborted: (count: number) => void;
}

export class UploadMarks {
  readonly #options: UploadMarksOptions;
  readonly #owner: MarkerOwner;
  readonly #live = new Set<string>();
  readonly #stop = new AbortController();

  constructor(options: UploadMarksOptions) {
    this.#options = options;
    const instance = markerName(options.name ?? `${hostname()}-${options.listenPort}`);
    this.#owner = { instance, run: randomBytes(4).toString('hex') };
  }

  /** The store for the keys of one jail. @param prefix empty or ending in `/`. */
  mark(store: ObjectStore, prefix: string): MarkedStore {
    const { clock, log } = this.#options;
    return new MarkedStore({ store, prefix, owner: this.#owner, clock, log, live: this.#live });
  }

  /** Looks for unfinished uploads now and from time to time, in the background, until `close`. */
  start(targets: () => readonly JanitorTarget[]): void {
    const { clock, log, onAborted } = this.#options;
    const signal = this.#stop.signal;
    const janitor = {
      owner: this.#owner,
      clock,
      log,
      live: this.#live,
      targets,
      onAborted,
      signal,
    };
    void runJanitor(janitor);
  }

  close(): void {
    this.#stop.abort();
  }
}
