/**
 * One row of the command table: everything the server knows of a verb. The rows become ftp-srv registry
 * entries, FEAT, HELP and the compliance page, so a verb is described in exactly one place.
 */
import type { Session } from '../session.ts';

export interface CommandEntry {
  /** The verb and its aliases (`MKD`, `XMKD`). */
  readonly verbs: readonly [string, ...string[]];
  /** What HELP shows, without the verb; empty when it takes no argument. */
  readonly syntax: string;
  readonly description: string;
  /** RFC or Internet-Draft, and section; `convention` for what no document defines. */
  readonly source: string;
  /** A missing required argument is answered 501 before `run` is called. */
  readonly argument: 'none' | 'optional' | 'required';
  readonly login: 'required' | 'not-required';
  /** The line FEAT shows (RFC 2389 section 3.2); undefined: none as the server is configured. */
  readonly feature?: string | ((session: Session) => string | undefined);
  /** What HELP of this command adds, one line each. */
  readonly details?: (session: Session) => readonly string[];
  /** Whether it is of any use as the server is configured; what is not, HELP does not list. Default: yes. */
  readonly isAvailable?: (session: Session) => boolean;
  /** `refused`: known, answered 502 with a reason, and left out of what HELP lists. */
  readonly standing?: 'refused';
  /**
   * Whether REST, ALLO and RNFR given before still hold afterwards. Clients set them in any order with
   * PASV and TYPE, but an unrelated command must not leave them for a later transfer.
   */
  readonly transferParameters: 'kept' | 'forgotten';
  /** Replies for itself; whatever it throws becomes a reply by the table in ftp/replies.ts. */
  run(session: Session, argument: string): Promise<void>;
}
