/**
 * One upload from the data connection into an `Upload`: reads, back-pressure, stall timer, the evidence
 * that the client really finished, and the account's policy for cuts.
 *
 * It must never report `stored` unless the data ended without any sign of a cut and the upload was
 * verified. It never closes the data socket: a refusal has to be written to the control connection
 * before the client sees its data connection die.
 */
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '#gateway/kit/clock.ts';
import { TransferError } from '#gateway/transfer/errors.ts';
import type { Pace } from '#gateway/transfer/pace.ts';
import { cutOf, TransferCut } from './cut.ts';
import type { DataConnection, DataReading } from './data-connection.ts';
import { Pump, type UploadSpace } from './pump.ts';

/** The part of a transfer's `Upload` that receiving needs; see gateway/transfer/upload.ts. */
export interface UploadTarget<Stored> extends UploadSpace {
  readonly receivedBytes: number;
  finish(options: { mayCommit: () => boolean }): Promise<Stored>;
  commitPartial(): Promise<Stored | undefined>;
  discard(reason: string): Promise<void>;
}

export interface ReceiveOptions<Stored> {
  /** Accepted and paused. */
  readonly connection: DataConnection;
  readonly reading: DataReading;
  readonly upload: UploadTarget<Stored>;
  /** Aborted with a TransferCut as reason: ABOR, control lost, drain. */
  readonly cut: AbortSignal;
  readonly clock: Clock;
  readonly stallTimeoutMs: number;
  /** Default: as fast as it comes. */
  readonly pace?: Pick<Pace, 'stepBytes' | 'spend' | 'wait'>;
  /** From ALLO; fewer bytes are a cut. */
  readonly expectedBytes?: number;
  readonly policy: 'discard' | 'complete';
  /** `required`: TLS that ends without close_notify is a cut, unless ALLO announced exactly these bytes. */
  readonly closeNotify: 'required' | 'optional';
  readonly isControlAlive: () => boolean;
  /** Told when all evidence is good and nothing but the commit is outstanding. */
  readonly onCommitting?: () => void;
  /** Told as bytes arrive, for metrics. */
  readonly onBytes?: (bytes: number) => void;
}

export type ReceiveOutcome<Stored> =
  | { readonly kind: 'stored'; readonly object: Stored }
  /** `object` is what the policy `complete` made of the bytes received, when it made anything. */
  | { readonly kind: 'cut'; readonly cut: TransferCut; readonly object: Stored | undefined }
  /** Our or COS's side failed, or a limit refused it: nothing is stored, whatever the policy. */
  | { readonly kind: 'failed'; readonly error: unknown };

export async function receive<Stored>(
  options: ReceiveOptions<Stored>,
): Promise<ReceiveOutcome<Stored>> {
  const pump = new Pump(options.upload, options);
  const watch = watchDataSocket(options.connection.socket);
  try {
    await pump.run();
    await options.connection.answerEnd();
    await checkEvidence(options, watch);
    return await commit(options, watch);
  } catch (error) {
    const cut = error instanceof TransferCut ? error : undefined;
    return cut ? await settleCut(options, cut) : await settleFailure(options, watch, error);
  } finally {
    watch.stop();
  }
}

/**
 * The evidence is asked once more when nothing but the commit is outstanding. By the policy `complete` a
 * late cut still stores what was received, but as a cut: its client is never told 226 alone.
 */
async function commit<Stored>(
  options: ReceiveOptions<Stored>,
  watch: { broken(): boolean },
): Promise<ReceiveOutcome<Stored>> {
  let cut: TransferCut | undefined;
  const object = await options.upload.finish({
    mayCommit: () => {
      cut = findCut(options, watch);
      if (!cut) options.onCommitting?.();
      return cut === undefined || options.policy === 'complete';
    },
  });
  return cut ? { kind: 'cut', cut, object } : { kind: 'stored', object };
}

/** RST can arrive after FIN; the window between the last byte and the commit must not miss it. */
function watchDataSocket(socket: Socket): { broken(): boolean; stop(): void } {
  let broken = false;
  const onError = () => {
    broken = true;
  };
  socket.on('error', onError);
  return { broken: () => broken, stop: () => socket.off('error', onError) };
}

/**
 * A killed client closes data and control together, but the two ends of file are two events. Two turns
 * of the event loop let the second one arrive, and cost a healthy upload nothing it could measure.
 */
async function checkEvidence<Stored>(
  options: ReceiveOptions<Stored>,
  watch: { broken(): boolean },
): Promise<void> {
  await turn();
  await turn();
  const cut = findCut(options, watch);
  if (cut) throw cut;
}

function findCut<Stored>(
  options: ReceiveOptions<Stored>,
  watch: { broken(): boolean },
): TransferCut | undefined {
  const { cut, expectedBytes, upload } = options;
  if (cut.aborted) return cutOf(cut);
  if (watch.broken()) return new TransferCut('data-reset');
  if (!options.isControlAlive()) return new TransferCut('control-lost');
  if (isEndUnproven(options)) return new TransferCut('no-close-notify');
  if (expectedBytes !== undefined && upload.receivedBytes < expectedBytes) {
    return new TransferCut('allo-short');
  }
  return undefined;
}

/** Anybody on the way can end TCP; that a file ended there, only TLS or the announced size can say. */
function isEndUnproven<Stored>(options: ReceiveOptions<Stored>): boolean {
  const { connection, closeNotify, expectedBytes, upload } = options;
  if (closeNotify === 'optional' || connection.closeNotify !== 'missing') return false;
  return upload.receivedBytes !== expectedBytes;
}

async function settleCut<Stored>(
  options: ReceiveOptions<Stored>,
  cut: TransferCut,
): Promise<ReceiveOutcome<Stored>> {
  if (options.policy === 'discard') {
    await options.upload.discard(cut.reason);
    return { kind: 'cut', cut, object: undefined };
  }
  try {
    return { kind: 'cut', cut, object: await options.upload.commitPartial() };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

/** A refused commit is the cut that refused it; anything else is a failure and discards. */
async function settleFailure<Stored>(
  options: ReceiveOptions<Stored>,
  watch: { broken(): boolean },
  error: unknown,
): Promise<ReceiveOutcome<Stored>> {
  await options.upload.discard('failed');
  const isRefused = error instanceof TransferError && error.kind === 'refused';
  const cut = isRefused ? findCut(options, watch) : undefined;
  return cut ? { kind: 'cut', cut, object: undefined } : { kind: 'failed', error };
}
