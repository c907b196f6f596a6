/**
 * The way of one request to the bucket and back, in virtual time. The driver's own frame (storage/cos/calls.ts:
 * deadline, signal, retries) is around each attempt; what happens to it is the weather's.
 *
 * As on a real connection, giving up does not call anything back: a request that COS has as a whole is
 * carried out, whoever still waits for its reply.
 */
import type { Clock, Timer } from '#gateway/kit/clock.ts';
import { storeError } from '#gateway/storage/cos/failure.ts';
import type { CosOperation } from '#gateway/storage/cos/operation.ts';
import type { Passage } from './fault.ts';

export interface WireRequest<Content, Reply> {
  readonly operation: CosOperation;
  /** Takes the bytes as they are in this moment. */
  readonly load: () => Content;
  /** What COS does; throws StoreError when it refuses. */
  readonly work: (content: Content) => Reply;
  /** COS will do the work some time, whatever the sender does. */
  readonly onCertain: () => void;
  /** What the sender reads of it. */
  readonly alterReply: (reply: Reply) => Reply;
}

export interface WireOptions {
  readonly clock: Clock;
  readonly passage: Passage;
  /** Each of them ends the wait for the reply; nothing is told then. */
  readonly givenUp: readonly AbortSignal[];
}

/** How long after a request was given up COS may still begin to carry it out. */
const lateWorkMsMax = 1_500;

/** @throws StoreError. Given up, or never answered, it does not settle. */
export function carry<Content, Reply>(
  options: WireOptions,
  request: WireRequest<Content, Reply>,
): Promise<Reply> {
  const { clock, passage, givenUp } = options;
  const { workMs, replyMs, error, isWhole } = passage;
  const beganMs = clock.monotonicMs();
  return new Promise<Reply>((resolve, reject) => {
    let content: { readonly value: Content } | undefined;
    let outcome: (() => void) | undefined;
    let work: Timer | undefined;
    let reply: Timer | undefined;
    const endWait = () => {
      for (const signal of givenUp) signal.removeEventListener('abort', onGivenUp);
      // From now on the sender may do with its bytes what it likes.
      if (work && !outcome) content ??= { value: request.load() };
    };
    const onGivenUp = () => {
      endWait();
      reply?.cancel();
      if (!work || outcome) return;
      work.cancel();
      const restMs = beganMs + (workMs ?? 0) - clock.monotonicMs();
      if (isWhole) clock.setTimer(Math.min(restMs, lateWorkMsMax), doWork);
    };
    const doWork = () => {
      const { value } = content ?? { value: request.load() };
      try {
        const result = request.work(value);
        outcome = () => resolve(request.alterReply(result));
      } catch (refusal) {
        outcome = () => reject(refusal);
      }
    };
    const answer = () => {
      endWait();
      if (error) return reject(storeError(request.operation, error));
      outcome?.();
    };
    for (const signal of givenUp) signal.addEventListener('abort', onGivenUp);
    if (workMs !== undefined) {
      if (isWhole) request.onCertain();
      work = clock.setTimer(workMs, doWork);
    }
    if (replyMs !== undefined) reply = clock.setTimer(replyMs, answer);
  });
}
