/**
 * Replies whose status is out before the work is over (Complete, copies): COS says 200, drips white space
 * while it works, and ends with the result or an Error (COS pages 436/7742 and 436/10881). What is done
 * within a second is answered like anything else, with its true status.
 */
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import { finishHeaders, losesReply, type ReplyContext, sendDocument } from './document-reply.ts';
import { errorElement } from './error-reply.ts';
import { asCosError } from './errors.ts';
import type { Reply } from './exchange.ts';
import { spoilDocument } from './spoil.ts';

type SlowReply = Extract<Reply, { kind: 'slow' }>;

/** From when on white space is sent, and how often more follows. */
const dripAfterMs = 1000;
const dripEveryMs = 1000;

/** Rejects with what the work rejects with, as long as nothing was sent. */
export async function sendSlowly(reply: SlowReply, context: ReplyContext): Promise<void> {
  const { acts, clock } = context;
  const isSkipped = acts['error-in-200'] !== undefined && acts['error-in-200'].work !== 'done';
  const work = isSkipped ? Promise.resolve('') : reply.work();
  try {
    const isQuick = !acts.drip && (await isSettledWithin(work, dripAfterMs, clock));
    if (isQuick) sendResult(reply, resultOf(await work, context), context);
    else await drip(reply, work, context);
  } finally {
    // Also when the client is gone: what the work uses may not be released under it.
    await settled(work);
    await reply.release();
  }
}

function sendResult(reply: SlowReply, xml: string, context: ReplyContext): void {
  if (!losesReply(context)) sendDocument({ status: 200, headers: reply.headers, xml }, context);
}

/** What the script makes of the result. */
function resultOf(xml: string, context: ReplyContext): string {
  const failure = context.acts['error-in-200'];
  if (!failure) return spoilDocument(xml, context.acts);
  const { code, message = 'We encountered an internal error. Please try again.' } = failure;
  return errorElement({ code, message }, context);
}

/** The status is out: a failure from here on is an Error document behind it. */
async function drip(reply: SlowReply, work: Promise<string>, context: ReplyContext): Promise<void> {
  const { outgoing, clock, acts, closing } = context;
  outgoing.writeHead(200, {
    ...finishHeaders(reply.headers, context),
    'Content-Type': 'application/xml',
    'Transfer-Encoding': 'chunked',
  });
  const untilMs = clock.monotonicMs() + (acts.drip?.dripMs ?? 0);
  for (;;) {
    outgoing.write(' ');
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs > 0) await sleep(clock, Math.min(dripEveryMs, leftMs), closing);
    else if (await isSettledWithin(work, dripEveryMs, clock)) break;
    if (outgoing.destroyed) return;
  }
  const result = await work.then(
    (xml) => resultOf(xml, context),
    (error: unknown) => failureOf(error, context),
  );
  if (!losesReply(context)) outgoing.end(result);
}

function failureOf(error: unknown, context: ReplyContext): string {
  const { kind, message } = asCosError(error);
  return errorElement({ code: kind, message }, context);
}

async function isSettledWithin(
  work: Promise<unknown>,
  delayMs: number,
  clock: Clock,
): Promise<boolean> {
  const waiting = new AbortController();
  const late = sleep(clock, delayMs, waiting.signal).then(
    () => false,
    () => true,
  );
  const isSettled = await Promise.race([settled(work), late]);
  waiting.abort();
  return isSettled;
}

/** Its outcome is somebody else's. */
function settled(work: Promise<unknown>): Promise<true> {
  return work.then(
    () => true,
    () => true,
  );
}
