/** Tells what is worth knowing about a configuration, and not again with each reload. */
import { formatProblem, type Notice } from '#gateway/config/problem.ts';
import type { Log } from '#gateway/kit/log.ts';

export class NoticeTeller {
  readonly #log: Log;
  /** Of the configuration told last. */
  #told: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param notices all of the configuration; what was among those of the one before is not repeated. */
  tell(notices: readonly Notice[]): void {
    const told = new Set<string>();
    for (const notice of notices) {
      const text = formatProblem(notice);
      told.add(text);
      if (!this.#told.has(text)) this.#log[notice.level]({ notice: text }, 'configuration notice');
    }
    this.#told = told;
  }
}
