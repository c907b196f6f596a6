/**
 * A final reply that begins before its end is certain: `226-` or `250-` lines every 20 s while the last
 * step takes long, because many clients give up after 60 s of silence.
 *
 * What was begun cannot be taken back. When the step fails after the first line, the last one must not
 * follow: the control connection is closed instead, and the client knows that it does not know. So it
 * must be begun only when nothing but that step is outstanding.
 */
import { formatReplyBegin, type Reply } from '#gateway/ftp/replies.ts';
import type { Timer } from '#gateway/kit/clock.ts';
import type { Session } from './session.ts';

export interface LongReplyOptions {
  readonly code: number;
  /** One line, asked each time. */
  readonly text: () => string;
}

/** Between two lines, and before the first. */
export const progressEveryMs = 20_000;

export class LongReply {
  readonly #session: Session;
  readonly #options: LongReplyOptions;
  #timer: Timer | undefined;
  #hasBegun = false;

  /** Starts the time. */
  constructor(session: Session, options: LongReplyOptions) {
    this.#session = session;
    this.#options = options;
    this.#arm();
  }

  /** Whether the client has read a line that only a success may follow. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** No more lines; so does the end of the session. Idempotent. */
  stop(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#session.services.clock.setTimer(progressEveryMs, () => {
      if (this.#session.closed.aborted) return;
      const { code, text } = this.#options;
      this.#hasBegun = true;
      void this.#session.control.write(formatReplyBegin(code, text()));
      this.#arm();
    });
  }
}

/** Ends the session without the last line. @param instead what the client would have been told. */
export function breakOff(session: Session, instead: Reply): void {
  session.log.error({ reply: instead.code }, 'failed after its reply had begun: session closed');
  session.control.destroy();
}
