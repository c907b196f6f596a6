/**
 * One STOR or APPE from 150 to its reply, as ftp-srv/file-upload.ts makes it, with the product's own
 * receiving, evidence and choice of reply; and what a witness of both ends knows about it.
 */
import { Breaker } from '#gateway/ftp/breaker.ts';
import { type CutReason, TransferCut } from '#gateway/ftp/cut.ts';
import { type ReceiveOutcome, receive, type UploadTarget } from '#gateway/ftp/receive.ts';
import type { Reply } from '#gateway/ftp/replies.ts';
import { endByError, replyForEnd, type TransferEnd } from '#gateway/ftp-srv/transfer-end.ts';
import { MiB } from '#gateway/kit/bytes.ts';
import { sleep } from '#gateway/kit/clock.ts';
import { type ObjectStore, StoreError } from '#gateway/storage/object-store.ts';
import type { UploadBase } from '#gateway/transfer/continuation.ts';
import { partPlan } from '#gateway/transfer/plan.ts';
import { type StoredObject, Upload } from '#gateway/transfer/upload.ts';
import { type Body, join, slice } from './body.ts';
import { ClientData } from './client-data.ts';
import type { Gateway, World } from './gateway.ts';
import type { UploadScript } from './scenario.ts';
import { stuffBody } from './stuff.ts';

/** Where a known bug can be put in again. */
export interface Seams {
  readonly store?: (store: ObjectStore) => ObjectStore;
  readonly target?: (upload: UploadTarget<StoredObject>) => UploadTarget<StoredObject>;
}

const stallTimeoutMs = 120_000;

export class UploadSession {
  readonly script: UploadScript;
  readonly gateway: Gateway;
  readonly startedMs: number;
  readonly replies: Reply[] = [];
  repliedMs = Infinity;
  /** The evidence spoke against it when the commit was begun. */
  wasCommittedAgainstEvidence = false;
  readonly #world: World;
  readonly #seams: Seams;
  readonly #data: ClientData;
  readonly #cut = new AbortController();
  #isControlAlive = true;
  #hasCommitted = false;
  #base: { readonly body: Body; readonly base: UploadBase } | undefined;
  #upload: Upload | undefined;

  constructor(world: World, gateway: Gateway, script: UploadScript, seams: Seams) {
    this.#world = world;
    this.#seams = seams;
    this.#data = new ClientData(world.clock, script.reading);
    this.script = script;
    this.gateway = gateway;
    this.startedMs = world.clock.monotonicMs();
  }

  /** What 226 promises; undefined when the client did not end its data. */
  get whole(): Body | undefined {
    return this.#data.hasEnded ? this.#bodyOf(this.#data.sentBytes) : undefined;
  }

  /** What a cut leaves with the policy `complete`. */
  get partial(): Body | undefined {
    const received = this.#upload?.receivedBytes ?? 0;
    return this.script.policy === 'complete' && received > 0 ? this.#bodyOf(received) : undefined;
  }

  cut(reason: CutReason): void {
    if (reason === 'control-lost') this.#isControlAlive = false;
    this.#cut.abort(new TransferCut(reason));
  }

  /** To be asked in the moment in which a request goes out that replaces the object: the first one counts. */
  noteCommit(): void {
    if (this.#hasCommitted) return;
    this.#hasCommitted = true;
    const { announcedBytes } = this.script;
    const isShort = (this.#upload?.receivedBytes ?? 0) < (announcedBytes ?? 0);
    const isCut = this.#cut.signal.aborted || !this.#isControlAlive || this.#data.isBroken;
    if (isCut || isShort) this.wasCommittedAgainstEvidence = true;
  }

  /** Resolves with its reply; never when the gateway is killed. */
  async run(store: ObjectStore): Promise<void> {
    const end = await this.#transfer(store).catch((error: unknown) =>
      endByError(this.#cut.signal, error),
    );
    const extent = { direction: 'upload', bytes: this.#upload?.receivedBytes ?? 0 } as const;
    this.replies.push(replyForEnd(end, extent));
    this.repliedMs = this.#world.clock.monotonicMs();
  }

  async #transfer(store: ObjectStore): Promise<TransferEnd> {
    const { continues } = this.script;
    if (continues !== undefined) await this.#lookAtBase(store, continues);
    const upload = this.#open(store);
    try {
      using breaker = new Breaker(this.#cut.signal);
      await breaker.unless(upload.ready());
    } catch (error) {
      await upload.discard('no data connection');
      throw error;
    }
    void this.#play();
    const outcome = await this.#receive(upload);
    return outcome.kind === 'stored'
      ? {
          kind: 'completed',
          text: `${outcome.object.sizeBytes} bytes stored`,
          stored: outcome.object,
        }
      : outcome;
  }

  async #lookAtBase(store: ObjectStore, share: number): Promise<void> {
    const { key } = this.script;
    const source = await store.head(key).catch((error: unknown) => {
      if (error instanceof StoreError && error.kind === 'missing') return undefined; // a new file
      throw error;
    });
    const keptBytes = Math.floor((source?.sizeBytes ?? 0) * share);
    const { body } = this.#world.cos.versions(key).find(({ etag }) => etag === source?.etag) ?? {};
    if (source && body && keptBytes > 0) this.#base = { base: { source, keptBytes }, body };
  }

  #open(store: ObjectStore): Upload {
    const { gateway, script } = this;
    const { pool, clock } = gateway;
    const { limitBytes, announcedBytes, partsInFlight, key } = script;
    this.#upload = new Upload({
      store,
      key,
      ...(this.#base && { base: this.#base.base }),
      pool,
      plan: partPlan({ minPartBytes: MiB, memoryBytes: pool.limitBytes, limitBytes }),
      limitBytes,
      attributes: {},
      ...(announcedBytes !== undefined && { expectedBytes: announcedBytes }),
      partsInFlight,
      clock,
      log: this.#world.log,
      random: this.#world.random,
    });
    return this.#upload;
  }

  #receive(upload: Upload): Promise<ReceiveOutcome<StoredObject>> {
    const { announcedBytes, policy } = this.script;
    return receive({
      connection: this.#data,
      reading: this.script.reading,
      upload: this.#seams.target?.(upload) ?? upload,
      cut: this.#cut.signal,
      clock: this.gateway.clock,
      stallTimeoutMs,
      ...(announcedBytes !== undefined && { expectedBytes: announcedBytes }),
      policy,
      closeNotify: 'required',
      isControlAlive: () => this.#isControlAlive,
    });
  }

  async #play(): Promise<void> {
    const { data, event } = this.script;
    await this.#data.play(data);
    if (event?.when !== 'after the data') return;
    await sleep(this.#world.clock, event.delayMs);
    this.cut(event.reason);
  }

  #bodyOf(bytes: number): Body {
    const data = stuffBody({ ...this.script.data.stuff, sizeBytes: bytes });
    if (!this.#base) return data;
    return join([slice(this.#base.body, 0, this.#base.base.keptBytes), data]);
  }
}
