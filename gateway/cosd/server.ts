/**
 * The HTTP side of the embedded COS: one request from its head to its answer. Knows sockets and the order
 * of the checks; what an operation does is in the handlers.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Clock, sleep } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { Log } from '#gateway/kit/log.ts';
import { type BucketHost, parseHost, parseTarget, type Target } from './address.ts';
import type { Bucket } from './bucket.ts';
import type { ReplyContext } from './document-reply.ts';
import { sendError } from './error-reply.ts';
import { asCosError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { type Faults, noFaults } from './faults.ts';
import { handlers } from './handlers.ts';
import { type ChecksumLevel, Disconnected } from './intake.ts';
import { interrupterOf, neverInterrupt } from './interruption.ts';
import type { Journal, OpenEntry } from './journal.ts';
import { type Operation, operationOf } from './operation.ts';
import { sendReply } from './reply.ts';
import { createRequestIds } from './request-ids.ts';
import { failsAfterBody, failsAtOnce } from './scripted-reply.ts';
import { checkSignature, type SecretLookup } from './signature.ts';

export interface ServerParts {
  /** @throws CosError NoSuchBucket. */
  readonly bucketNamed: (name: string, region?: string) => Bucket;
  readonly secretOf: SecretLookup;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly checksums: ChecksumLevel;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends scripted delays when the server closes. */
  readonly closing: AbortSignal;
}

/** All headers of one request; metadata is at most 4 KiB of them. */
const headerBytesMax = 32 * 1024;
/** A connection on which nothing moves is closed; COS answers RequestTimeout, then closes. */
const idleMsMax = 120_000;
const keepAliveMs = 60_000;

export interface CosServer {
  readonly http: Server;
  /** Resolves when no request is being worked on; after its connection broke, work still cleans up. */
  readonly settled: () => Promise<void>;
}

export function createCosServer(parts: ServerParts): CosServer {
  const nextRequestId = createRequestIds(parts.clock);
  const active = new Set<Promise<void>>();
  const http = createServer(
    {
      maxHeaderSize: headerBytesMax,
      noDelay: true,
      keepAliveTimeout: keepAliveMs,
      // A body of 5 GiB may take hours; a silent one is caught by the idle timeout.
      requestTimeout: 0,
    },
    (incoming, outgoing) => {
      const requestId = nextRequestId();
      const work = serve(incoming, outgoing, requestId, parts).catch((error: unknown) => {
        parts.log.error({ requestId, error: describeError(error) }, 'reply failed');
        outgoing.destroy();
      });
      active.add(work);
      void work.then(() => active.delete(work));
    },
  );
  http.timeout = idleMsMax;
  const settled = async () => {
    await Promise.all(active);
  };
  return { http, settled };
}

/** What the head of a request says. */
interface Head extends Target, BucketHost {
  readonly operation: Operation;
}

/** @throws CosError. */
function readHead(incoming: IncomingMessage): Head {
  const { headers, method = '' } = incoming;
  const target = parseTarget(incoming.url ?? '/');
  const host = parseHost(headers.host ?? '');
  const isCopy = headers['x-cos-copy-source'] !== undefined;
  return { ...host, ...target, operation: operationOf({ ...target, method, isCopy }) };
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requestId: string,
  parts: ServerParts,
): Promise<void> {
  // A client that goes while it is being answered is no failure of ours.
  outgoing.on('error', () => outgoing.destroy());
  const { clock, closing, faults, journal, log } = parts;
  const isHead = incoming.method === 'HEAD';
  const resource = () => `${incoming.headers.host ?? ''}${incoming.url ?? ''}`;
  const faultless = { acts: noFaults, interrupt: neverInterrupt };
  const facts = { outgoing, requestId, clock, closing, isHead, resource };
  let context: ReplyContext = { ...facts, ...faultless };
  let entry: OpenEntry | undefined;
  try {
    const head = readHead(incoming);
    const { operation, bucket, key } = head;
    entry = journal.begin({ requestId, operation, bucket, key });
    const acts = faults.decide(operation, key);
    if (acts !== noFaults) {
      context = { ...facts, acts, interrupt: interrupterOf(incoming.socket, acts, clock) };
    }
    await answer(incoming, head, context, parts);
  } catch (error) {
    refuse(error, context, log);
  }
  if (entry && outgoing.headersSent) entry.status = outgoing.statusCode;
}

async function answer(
  incoming: IncomingMessage,
  head: Head,
  context: ReplyContext,
  parts: ServerParts,
): Promise<void> {
  const { acts } = context;
  if (acts.delay) await sleep(parts.clock, acts.delay.delayMs, parts.closing);
  if (failsAtOnce(context)) return;
  const request = { method: incoming.method ?? '', ...head, headers: incoming.headers };
  checkSignature(request, parts.secretOf, parts.clock.now());
  const exchange: Exchange = {
    ...head,
    requestId: context.requestId,
    bucket: parts.bucketNamed(head.bucket, head.region),
    host: incoming.headers.host ?? '',
    headers: incoming.headers,
    incoming,
    intake: { checksums: parts.checksums, acts, interrupt: context.interrupt },
    acts,
    now: () => parts.clock.now(),
    bucketNamed: (name) => parts.bucketNamed(name),
  };
  if (await failsAfterBody(incoming, context)) return;
  await sendReply(await handlers[head.operation](exchange), context);
}

function refuse(error: unknown, context: ReplyContext, log: Log): void {
  const { outgoing, requestId, closing } = context;
  if (error instanceof Disconnected || outgoing.destroyed) return;
  const refusal = asCosError(error);
  if (closing.aborted || outgoing.headersSent) outgoing.destroy();
  else sendError(refusal, context);
  const isOurs = refusal !== error && !closing.aborted;
  if (isOurs) log.error({ requestId, error: describeError(error) }, 'request failed');
}
