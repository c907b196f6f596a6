/** One request as the handlers see it, and the answers they can give. Nothing here touches a socket. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Bucket, OpenObject } from './bucket.ts';
import type { FaultActs } from './faults.ts';
import type { IntakeOptions } from './intake.ts';
import type { Operation } from './operation.ts';

export interface Exchange {
  readonly operation: Operation;
  readonly requestId: string;
  readonly bucket: Bucket;
  /** As sent, for Location. */
  readonly host: string;
  /** Empty: the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
  readonly incoming: IncomingMessage;
  readonly intake: IntakeOptions;
  readonly acts: FaultActs;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Where a copy comes from. @throws CosError NoSuchBucket. */
  readonly bucketNamed: (name: string) => Bucket;
}

export type ReplyHeaders = Record<string, string | number>;

export type Reply =
  /** An XML document, or nothing when `xml` is absent. */
  | {
      readonly kind: 'document';
      readonly status: number;
      readonly headers: ReplyHeaders;
      readonly xml?: string;
    }
  /** Bytes of an object; the server closes it. */
  | {
      readonly kind: 'object';
      readonly status: number;
      readonly headers: ReplyHeaders;
      readonly object: OpenObject;
      readonly offsetBytes: number;
      readonly lengthBytes: number;
    }
  /** 200 before the work is over (Complete, copies): white space while it lasts, then the document. */
  | {
      readonly kind: 'slow';
      readonly headers: ReplyHeaders;
      /** Resolves to the document without prolog, because white space may stand in front. */
      readonly work: () => Promise<string>;
      /** Called once when the work is over or was never begun. */
      readonly release: () => Promise<void>;
    };

export type Handler = (exchange: Exchange) => Promise<Reply>;

export function documentReply(xml: string, headers: ReplyHeaders = {}): Reply {
  return { kind: 'document', status: 200, headers, xml };
}

export function emptyReply(status: number, headers: ReplyHeaders = {}): Reply {
  return { kind: 'document', status, headers };
}
