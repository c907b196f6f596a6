/**
 * Why a transfer ended without the client having finished it. A cut is not an error of ours or of COS:
 * the account's `incomplete_uploads` policy decides what becomes of the bytes that arrived.
 */

export type CutReason =
  /** The client sent ABOR (RFC 959 section 4.1.3). */
  | 'abor'
  /** The data connection was reset or broke. */
  | 'data-reset'
  /** The TLS data connection ended without close_notify (RFC 8446 section 6.1). */
  | 'no-close-notify'
  /** The control connection closed or was reset while the transfer ran. */
  | 'control-lost'
  /** No byte moved for the stall timeout. */
  | 'stalled'
  /** Fewer bytes arrived than ALLO announced. */
  | 'allo-short'
  /** The gateway is stopping and its drain deadline passed. */
  | 'drain';

/** Also the reason of the AbortSignal that stops a transfer. */
export class TransferCut extends Error {
  override readonly name = 'TransferCut';
  readonly reason: CutReason;

  constructor(reason: CutReason) {
    super(cutSentences[reason]);
    this.reason = reason;
  }
}

/** Why an aborted signal stopped a transfer; a reason that is no cut is the process ending. */
export function cutOf({ reason }: AbortSignal): TransferCut {
  return reason instanceof TransferCut ? reason : new TransferCut('drain');
}

/** What the client reads after the code; ours, never a library's text. */
export const cutSentences = {
  abor: 'Transfer aborted',
  'data-reset': 'Data connection broken',
  'no-close-notify': 'Data connection closed without TLS close_notify',
  'control-lost': 'Control connection lost',
  stalled: 'Data connection stalled',
  'allo-short': 'Fewer bytes arrived than ALLO announced',
  drain: 'Server is stopping',
} as const satisfies Record<CutReason, string>;
