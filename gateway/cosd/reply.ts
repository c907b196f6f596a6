/**
 * Puts an answer on the wire, and spoils it where the fault script says so. Object bytes go out with
 * Content-Length, never chunked; the only chunked replies are Complete and copies that take long.
 */
import type { ServerResponse } from 'node:http';
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import { asCosError, type CosError } from './errors.ts';
import type { Reply, ReplyHeaders } from './exchange.ts';
import type { FaultAct } from './fault-script.ts';
import { type FaultActs, noFaults } from './faults.ts';
import { flipBit } from './intake.ts';
import type { Interrupt } from './interruption.ts';
import { crcHeader } from './object-headers.ts';
import { xmlDocument, xmlElement } from './xml-writer.ts';

export interface ReplyContext {
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  readonly acts: FaultActs;
  readonly clock: Clock;
  /** What COS calls the resource in an error document. */
  readonly resource: () => string;
  /** Errors of HEAD have no document. */
  readonly isHead: boolean;
  readonly interrupt: Interrupt;
}

const serverName = 'tencent-cos';

/** From when on a slow reply begins with white space, and how often more follows. */
const dripAfterMs = 1000;
const dripEveryMs = 1000;

/**
 * Resolves when the last byte was handed to the socket, or the fault script broke off.
 * Rejects with what `work` of a slow reply rejects with, as long as nothing was sent.
 */
export async function sendReply(reply: Reply, context: ReplyContext): Promise<void> {
  switch (reply.kind) {
    case 'document':
      if (breaksOff(context, 'reply')) return;
      sendDocument(reply.status, reply.headers, reply.xml, context);
      return;
    case 'object':
      await sendObject(reply, context);
      return;
    case 'slow':
      try {
        await sendSlowly(reply, context);
      } finally {
        await reply.release();
      }
      return;
  }
}

/** Whether the script wants the connection gone or silent here; says so to the server. */
function breaksOff({ acts, interrupt }: ReplyContext, point: 'reply'): boolean {
  const act = [acts.reset, acts.hang].find((candidate) => candidate?.at === point);
  if (act) interrupt(act.do);
  return act !== undefined;
}

function sendDocument(
  status: number,
  headers: ReplyHeaders,
  xml: string | undefined,
  context: ReplyContext,
): void {
  const { outgoing } = context;
  const all = finishHeaders(headers, context);
  if (xml !== undefined) {
    all['Content-Type'] = 'application/xml';
    all['Content-Length'] = Buffer.byteLength(xml);
  } else if (status !== 204 && status !== 304) {
    all['Content-Length'] ??= 0;
  }
  outgoing.writeHead(status, all);
  outgoing.end(context.isHead ? undefined : xml);
}

/** What every reply carries, and what the script makes of the rest. */
function finishHeaders(sent: ReplyHeaders, { requestId, acts }: ReplyContext): ReplyHeaders {
  const headers = { ...sent, 'x-cos-request-id': requestId, Server: serverName };
  return acts === noFaults ? headers : spoilHeaders(headers, acts);
}

function spoilHeaders(headers: ReplyHeaders, acts: FaultActs): ReplyHeaders {
  const crc64 = headers[crcHeader];
  if (acts['omit-crc']) delete headers[crcHeader];
  else if (acts['wrong-crc'] && crc64 !== undefined) headers[crcHeader] = wrongCrc(String(crc64));
  if (acts['wrong-etag'] && headers['ETag'] !== undefined) headers['ETag'] = wrongEtag;
  return headers;
}

function wrongCrc(decimal: string): string {
  return (BigInt(decimal) ^ 1n).toString();
}

const wrongEtag = `"${'0'.repeat(32)}"`;

/** The same inside a result document. */
function spoilDocument(xml: string, acts: FaultActs): string {
  let spoilt = xml;
  if (acts['wrong-etag']) {
    spoilt = spoilt.replace(/<ETag>[^<]*<\/ETag>/, xmlElement('ETag', wrongEtag));
  }
  if (acts['omit-crc']) return spoilt.replace(/<CRC64>\d+<\/CRC64>/, '');
  if (!acts['wrong-crc']) return spoilt;
  return spoilt.replace(/<CRC64>(\d+)<\/CRC64>/, (_all, decimal: string) =>
    xmlElement('CRC64', wrongCrc(decimal)),
  );
}

export function sendError(error: CosError, context: ReplyContext): void {
  const { kind, httpStatus, message, headers } = error;
  sendRefusal({ status: httpStatus, code: kind, message, headers }, context);
}

export interface Refusal {
  readonly status: number;
  /** Also codes the embedded COS never uses by itself: a fault script may name any. */
  readonly code: string;
  readonly message: string;
  readonly headers?: ReplyHeaders;
}

export function sendRefusal(refusal: Refusal, context: ReplyContext): void {
  const traceId = traceIdOf(context.requestId);
  const headers = { ...refusal.headers, 'x-cos-trace-id': traceId };
  const xml = context.isHead ? undefined : errorDocument(refusal, context);
  sendDocument(refusal.status, headers, xml, context);
}

/** Without the prolog: it may stand behind white space. */
function errorElement(refusal: Pick<Refusal, 'code' | 'message'>, context: ReplyContext) {
  return [
    ['Code', refusal.code],
    ['Message', refusal.message],
    ['Resource', context.resource()],
    ['RequestId', context.requestId],
    ['TraceId', traceIdOf(context.requestId)],
  ] as const;
}

function errorDocument(refusal: Refusal, context: ReplyContext): string {
  return xmlDocument('Error', errorElement(refusal, context));
}

function traceIdOf(requestId: string): string {
  return Buffer.from(`trace_${requestId}`).toString('base64');
}

/** The scripted reply, word for word. */
export function sendAnswer(
  answer: Extract<FaultAct, { do: 'answer' }>,
  { outgoing, requestId, isHead }: ReplyContext,
): void {
  outgoing.writeHead(answer.status, {
    'Content-Type': answer.contentType ?? 'text/html',
    'Content-Length': Buffer.byteLength(answer.body),
    'x-cos-request-id': requestId,
  });
  outgoing.end(isHead ? undefined : answer.body);
}

async function sendObject(
  reply: Extract<Reply, { kind: 'object' }>,
  context: ReplyContext,
): Promise<void> {
  const { outgoing } = context;
  const { body } = reply.object;
  try {
    if (breaksOff(context, 'reply')) return;
    outgoing.writeHead(reply.status, finishHeaders(reply.headers, context));
    const spoil = faultyDownload(context);
    for await (const chunk of body.read(reply.offsetBytes, reply.lengthBytes)) {
      const sent = spoil ? spoil(chunk) : { chunk, goesOn: true };
      const hasRoom = outgoing.write(sent.chunk);
      if (!sent.goesOn || outgoing.destroyed) return;
      if (!hasRoom) await roomIn(outgoing);
    }
    outgoing.end();
  } finally {
    await body.close();
  }
}

/** Resolves when the socket took what was written, or is gone. */
function roomIn(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off('drain', go).off('close', go);
      resolve();
    };
    outgoing.on('drain', go).on('close', go);
  });
}

interface SpoiltChunk {
  readonly chunk: Uint8Array;
  readonly goesOn: boolean;
}

/** Turns the scripted bit in a copy, and cuts where the script says. */
function faultyDownload({
  acts,
  interrupt,
}: ReplyContext): ((chunk: Uint8Array) => SpoiltChunk) | undefined {
  const flip = acts['flip-out'];
  const stop = acts.cut ?? [acts.reset, acts.hang].find((act) => act?.at === 'download');
  if (!flip && !stop) return undefined;
  let sentBytes = 0;
  return (original) => {
    const chunk = Uint8Array.from(original);
    if (flip) flipBit(chunk, (flip.atByte ?? 0) - sentBytes);
    const leftBytes = (stop?.afterBytes ?? 0) - sentBytes;
    sentBytes += chunk.length;
    if (!stop || leftBytes >= chunk.length) return { chunk, goesOn: true };
    // A turn later, so that what stands before it is written.
    setImmediate(() => interrupt(stop.do));
    return { chunk: chunk.subarray(0, leftBytes), goesOn: false };
  };
}

async function sendSlowly(
  reply: Extract<Reply, { kind: 'slow' }>,
  context: ReplyContext,
): Promise<void> {
  const { acts, clock } = context;
  const failure = acts['error-in-200'];
  const isSkipped = failure !== undefined && failure.work !== 'done';
  const result = isSkipped ? Promise.resolve('') : reply.work();
  const drip = acts.drip;
  if (drip || !(await isSettledWithin(result, dripAfterMs, clock))) {
    await dripUntil(result, drip?.dripMs ?? 0, reply, context);
    return;
  }
  const xml = await result;
  if (breaksOff(context, 'reply')) return;
  const document = failure ? xmlElement('Error', refusalOf(failure, context)) : xml;
  sendDocument(200, reply.headers, spoilDocument(document, acts), context);
}

function refusalOf(failure: { code: string; message?: string }, context: ReplyContext) {
  const message = failure.message ?? 'We encountered an internal error. Please try again.';
  return errorElement({ code: failure.code, message }, context);
}

async function isSettledWithin(
  work: Promise<unknown>,
  delayMs: number,
  clock: Clock,
): Promise<boolean> {
  const over = new AbortController();
  const settled = work.then(
    () => true,
    () => true,
  );
  const late = sleep(clock, delayMs, over.signal).then(
    () => false,
    () => true,
  );
  const isSettled = await Promise.race([settled, late]);
  over.abort();
  return isSettled;
}

/** The status is out: a failure from here on is an Error document behind it. */
async function dripUntil(
  work: Promise<string>,
  dripMs: number,
  reply: Extract<Reply, { kind: 'slow' }>,
  context: ReplyContext,
): Promise<void> {
  const { outgoing, clock, acts } = context;
  outgoing.writeHead(200, {
    ...finishHeaders(reply.headers, context),
    'Content-Type': 'application/xml',
    'Transfer-Encoding': 'chunked',
  });
  const result = work.then(
    (xml) => {
      const failure = acts['error-in-200'];
      return failure ? xmlElement('Error', refusalOf(failure, context)) : spoilDocument(xml, acts);
    },
    (error: unknown) => {
      const { kind, message } = asCosError(error);
      return xmlElement('Error', errorElement({ code: kind, message }, context));
    },
  );
  const untilMs = clock.monotonicMs() + dripMs;
  for (;;) {
    outgoing.write(' ');
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs > 0) await sleep(clock, Math.min(dripEveryMs, leftMs));
    else if (await isSettledWithin(result, dripEveryMs, clock)) break;
    if (outgoing.destroyed) return;
  }
  if (breaksOff(context, 'reply')) return;
  outgoing.end(await result);
}
