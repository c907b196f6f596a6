/** Replies that are a document or nothing, and what every reply carries. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '#gateway/kit/clock.ts';
import type { ReplyHeaders } from './exchange.ts';
import { type FaultActs, noFaults } from './faults.ts';
import type { Interrupt } from './interruption.ts';
import { interruptionAt, spoilHeaders } from './spoil.ts';

export interface ReplyContext {
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  readonly acts: FaultActs;
  readonly interrupt: Interrupt;
  readonly clock: Clock;
  /** The server closes: nothing is waited for any more. */
  readonly closing: AbortSignal;
  /** What COS calls the resource in an error document. */
  readonly resource: () => string;
  /** Replies to HEAD have no document. */
  readonly isHead: boolean;
}

const serverName = 'tencent-cos';

export interface DocumentReply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly xml?: string;
}

export function sendDocument({ status, headers, xml }: DocumentReply, context: ReplyContext): void {
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
export function finishHeaders(sent: ReplyHeaders, context: ReplyContext): ReplyHeaders {
  const { requestId, acts } = context;
  const headers = { ...sent, 'x-cos-request-id': requestId, Server: serverName };
  return acts === noFaults ? headers : spoilHeaders(headers, acts);
}

/** Whether the script loses the reply, now that the work is done. */
export function losesReply({ acts, interrupt }: ReplyContext): boolean {
  const breaking = interruptionAt(acts, 'reply');
  if (breaking) interrupt(breaking.how);
  return breaking !== undefined;
}
