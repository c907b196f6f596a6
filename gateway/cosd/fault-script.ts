/**
 * What can be made to go wrong, as data: a list of rules, written in JSON by users who rehearse a failure
 * and by tests. A rule says which requests it is for and what happens to them. No chance is involved:
 * the same script and the same requests give the same failures.
 */
import type { Operation } from './operation.ts';

export type FaultAct =
  /** Nothing happens for this long, then everything goes on. */
  | { readonly do: 'delay'; readonly delayMs: number }
  /**
   * An error reply instead of the work. `before-body` (default): as soon as the head of the request is
   * there; `after-body`: when all of it was received.
   */
  | {
      readonly do: 'error';
      readonly status: number;
      readonly code: string;
      readonly message?: string;
      readonly when?: 'before-body' | 'after-body';
    }
  /** The connection is reset (RST). */
  | { readonly do: 'reset'; readonly at: FaultPoint; readonly afterBytes?: number }
  /** Nothing more is read or sent until the client goes or the limit resets the connection. */
  | {
      readonly do: 'hang';
      readonly at: FaultPoint;
      readonly afterBytes?: number;
      /** Default 10 minutes. */
      readonly limitMs?: number;
    }
  /**
   * The connection ends in order (FIN) after exactly so many bytes of the object. A reset at `download`
   * may take bytes back that were on their way.
   */
  | { readonly do: 'cut'; readonly afterBytes: number }
  /** One bit of the request body turns before anything looks at it. Default byte 0. */
  | { readonly do: 'flip-in'; readonly atByte?: number }
  /** One bit of the object turns on its way out; counted in the bytes sent. Default byte 0. */
  | { readonly do: 'flip-out'; readonly atByte?: number }
  /** The reply's CRC-64, or ETag, is one that does not fit; or the CRC-64 is missing. */
  | { readonly do: 'wrong-crc' }
  | { readonly do: 'omit-crc' }
  | { readonly do: 'wrong-etag' }
  /** Complete and copies: status 200 with an Error document. The work is not done unless asked. */
  | {
      readonly do: 'error-in-200';
      readonly code: string;
      readonly message?: string;
      readonly work?: 'skipped' | 'done';
    }
  /** Complete and copies: 200 at once, then white space for this long, then the result. */
  | { readonly do: 'drip'; readonly dripMs: number }
  /** This reply, word for word, instead of the work: what a broken proxy in between would send. */
  | {
      readonly do: 'answer';
      readonly status: number;
      readonly body: string;
      readonly contentType?: string;
    };

/**
 * `request`: the head was read, nothing else. `upload`: inside the request body, after `afterBytes` of it.
 * `reply`: the work is done, nothing was answered (a lost reply). `download`: inside the object's bytes,
 * after `afterBytes` of them.
 */
export type FaultPoint = 'request' | 'upload' | 'reply' | 'download';

export interface FaultRule {
  /** Default: any. */
  readonly operation?: Operation;
  /** Default: any. `*` stands for any characters, also none and slashes. */
  readonly key?: string;
  /** The first matching request it is applied to, counted from 1. Default 1. */
  readonly nth?: number;
  /** How many matching requests in a row. Default 1. */
  readonly times?: number | 'always';
  readonly act: FaultAct;
}

export type FaultScript = readonly FaultRule[];
