/**
 * Replies as they stand on the wire, and the one table from what went wrong to what a client reads.
 *
 * A reply is always one well-formed unit: nothing a name, a header or a library put into a text can end
 * a line or look like another reply. Texts are ours; a store failure carries the COS error code and
 * request id behind them, never COS's own message, a key of the bucket or a path of the server.
 */
import { AuthError, type AuthErrorKind } from '#gateway/auth/errors.ts';
import { KeyError, type KeyErrorKind } from '#gateway/storage/keys.ts';
import { StoreError, type StoreErrorKind } from '#gateway/storage/object-store.ts';
import { TransferError, type TransferErrorKind } from '#gateway/transfer/errors.ts';
import { FtpError, type FtpErrorKind } from './errors.ts';

export interface Reply {
  /** Three digits (RFC 959 section 4.2). */
  readonly code: number;
  readonly text: string;
}

/** Longest text of one reply line; a quoted path of 850 bytes fits with room. */
export const replyTextMax = 4096;

/**
 * `code` and one or more texts with their CR LF. Several texts become one multi-line reply
 * (RFC 959 section 4.2): every line between the first and the last begins with a space, so that none of
 * them can be taken for the end.
 */
export function formatReply(code: number, texts: readonly string[]): string {
  const last = texts.length - 1;
  if (last <= 0) return `${code} ${neutralise(texts[0] ?? '')}\r\n`;
  const lines = texts.map((text, index) => {
    const line = neutralise(text);
    if (index === 0) return `${code}-${line}`;
    if (index === last) return `${code} ${line}`;
    return line.startsWith(' ') ? line : ` ${line}`;
  });
  return `${lines.join('\r\n')}\r\n`;
}

/** One line of a multi-line reply whose end is not known yet: progress while COS finishes. */
export function formatReplyBegin(code: number, text: string): string {
  return `${code}-${neutralise(text)}\r\n`;
}

/** A path between quotes, quotes inside doubled (RFC 959 appendix II). */
export function quotePath(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}

/** Control characters become `?`; a text too long is cut, never inside a character. */
function neutralise(text: string): string {
  const safe = text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?').toWellFormed();
  return safe.length <= replyTextMax ? safe : `${safe.slice(0, replyTextMax - 1).toWellFormed()}…`;
}

/** What a client reads when an operation threw. Anything not thrown on purpose is 451. */
export function replyForError(error: unknown): Reply {
  if (error instanceof StoreError) return withReference(storeReplies[error.kind], error);
  if (error instanceof TransferError) return transferReply(error);
  if (error instanceof KeyError) return keyReplies[error.kind];
  if (error instanceof FtpError) return ftpReplies[error.kind];
  if (error instanceof AuthError) return authReplies[error.kind];
  return { code: 451, text: 'Internal error' };
}

/**
 * 550 and 553 are final and make a client give the file up; 45x make it try again. So what only an
 * operator can repair (keys, bucket) and what passes by itself are 45x, and what the client must
 * change is 55x. Codes of COS behind each kind: COS page 7730.
 */
const storeReplies = {
  missing: { code: 550, text: 'No such file or directory' },
  'bucket-missing': { code: 451, text: 'The bucket of this account does not exist' },
  'upload-missing': { code: 451, text: 'The store lost the upload' },
  denied: { code: 550, text: 'The store does not permit this' },
  credentials: { code: 451, text: 'The store refused the credentials of this account' },
  archived: { code: 550, text: 'The file is archived and must be restored first' },
  changed: { code: 451, text: 'The file was replaced meanwhile' },
  exists: { code: 550, text: 'The store does not permit replacing this' },
  'invalid-name': { code: 553, text: 'The store does not accept this name' },
  'invalid-range': { code: 554, text: 'The restart offset lies outside the file' },
  'too-large': { code: 552, text: 'The store does not accept a file of this size' },
  corrupt: { code: 451, text: 'The bytes were damaged on the way to or from the store' },
  throttled: { code: 450, text: 'The store is busy, try again' },
  unavailable: { code: 451, text: 'The store failed' },
  network: { code: 451, text: 'The store cannot be reached' },
  timeout: { code: 451, text: 'The store did not answer in time' },
  aborted: { code: 426, text: 'Stopped' },
  rejected: { code: 451, text: 'The store did not accept the request' },
} as const satisfies Record<StoreErrorKind, Reply>;

const keyReplies = {
  'is-root': { code: 553, text: 'This is a directory' },
  reserved: { code: 553, text: 'This name is reserved' },
  'invalid-name': { code: 553, text: 'The name holds characters that cannot be stored' },
  'too-long': { code: 553, text: 'The path is too long: 850 bytes with the prefix of the account' },
} as const satisfies Record<KeyErrorKind, Reply>;

const ftpReplies = {
  'no-port': { code: 425, text: 'No passive port is free, try again' },
  'no-data-connection': { code: 425, text: 'No data connection was opened' },
  'not-connected': { code: 425, text: 'Your address and port cannot be reached: try EPSV or PASV' },
  'reservation-gone': { code: 425, text: 'The passive port was given up: send PASV or EPSV again' },
  // RFC 4217 section 10: 522, not to be tried again as it is
  'tls-failed': { code: 522, text: 'The TLS handshake of the data connection failed' },
  'tls-timeout': { code: 425, text: 'The TLS handshake of the data connection did not finish' },
  'tls-not-resumed': {
    code: 522,
    text: 'The data connection must resume the TLS session of the control connection',
  },
  // RFC 3659 section 7.2.1
  'not-a-directory': { code: 501, text: 'Not a directory' },
  'not-a-file': { code: 550, text: 'This is a directory' },
  closed: { code: 421, text: 'The server is stopping' },
} as const satisfies Record<FtpErrorKind, Reply>;

const transferReplies = {
  'too-large': { code: 552, text: 'IOError: the file is too large' },
  refused: { code: 426, text: 'The upload was stopped before it was stored' },
  'no-memory': { code: 450, text: 'No memory for transfers is free, try again' },
  corrupt: { code: 451, text: 'The checksum of the file and of the store differ' },
  aborted: { code: 426, text: 'Stopped' },
  unsettled: { code: 450, text: 'Files keep arriving in the directory' },
  'target-taken': { code: 553, text: 'A file of this name is there already' },
  'source-kept': { code: 451, text: 'The copy was made, but the old name could not be removed' },
} as const satisfies Record<TransferErrorKind, Reply>;

const authReplies = {
  busy: { code: 530, text: 'Too many logins at once, try again' },
} as const satisfies Record<AuthErrorKind, Reply>;

/**
 * Too large: the original tool's word, because scripts look for it; the sentence behind it names the
 * limit. A name that is taken: the sentence that says which. Anything else with a store failure underneath carries that one's reference.
 */
function transferReply(error: TransferError): Reply {
  const reply = transferReplies[error.kind];
  if (error.kind === 'too-large') return { ...reply, text: `IOError: ${error.message}` };
  if (error.kind === 'target-taken') return { ...reply, text: error.message };
  return error.cause instanceof StoreError ? withReference(reply, error.cause) : reply;
}

/** `[SlowDown, request NjQz…]`: what a support ticket to the cloud needs. */
function withReference(reply: Reply, error: StoreError): Reply {
  const parts = [
    ...(isToken(error.code) ? [error.code] : []),
    ...(isToken(error.requestId) ? [`request ${error.requestId}`] : []),
  ];
  return parts.length === 0
    ? reply
    : { code: reply.code, text: `${reply.text} [${parts.join(', ')}]` };
}

/** Both come from the network: nothing but plain tokens is passed on. */
function isToken(text: string | undefined): text is string {
  return text !== undefined && /^[\w.=+/-]{1,128}$/.test(text);
}
