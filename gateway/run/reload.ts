/**
 * Takes a new configuration over while the gateway runs, or keeps the old one and says why. It names users
 * and words and must never log a value; it never throws.
 */
import type { ConfigDiff } from '#gateway/config/diff.ts';
import type { GatewayConfig } from '#gateway/config/model.ts';
import { ConfigError, formatProblem } from '#gateway/config/problem.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { Log } from '#gateway/kit/log.ts';

/** file: it changed · signal: somebody sent SIGHUP. */
export type ReloadCause = 'file' | 'signal';

export interface ReloadsOptions {
  /** Takes over what can change. What it throws leaves everything as it was. */
  readonly apply: (config: GatewayConfig) => ConfigDiff;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: { configReloaded(result: 'ok' | 'failed', unixSeconds: number): void };
}

/** For `/statusz`. */
export interface ReloadStatus {
  /** When the configuration in use was read. */
  readonly loaded_at: string;
  /** Absent: never reloaded. */
  readonly last_reload?: 'ok' | 'failed';
  /** Why the file as it is now is not in use, as `file:line: problem`. */
  readonly problems: readonly string[];
  /** Words of the file whose value waits for a restart. */
  readonly restart_words: readonly string[];
}

export class Reloads {
  readonly #options: ReloadsOptions;
  #status: ReloadStatus;

  constructor(options: ReloadsOptions) {
    this.#options = options;
    this.#status = { loaded_at: this.#now(), problems: [], restart_words: [] };
  }

  get status(): ReloadStatus {
    return this.#status;
  }

  /** @param load may throw ConfigError. */
  reload(load: () => GatewayConfig, cause: ReloadCause): void {
    try {
      this.#succeed(this.#options.apply(load()), cause);
    } catch (error) {
      this.#fail(error, cause);
    }
  }

  #succeed(diff: ConfigDiff, cause: ReloadCause): void {
    const { clock, log, observer } = this.#options;
    const { restartWords } = diff;
    this.#status = {
      loaded_at: this.#now(),
      last_reload: 'ok',
      problems: [],
      restart_words: restartWords,
    };
    observer.configReloaded('ok', clock.now() / 1000);
    log.info({ cause, ...changesOf(diff) }, 'config reloaded');
    if (restartWords.length === 0) return;
    const hint = 'These words take effect after a restart.';
    log.warn({ words: restartWords, hint }, 'config change needs a restart');
  }

  #fail(error: unknown, cause: ReloadCause): void {
    const { clock, log, observer } = this.#options;
    const isBad = error instanceof ConfigError;
    const problems = isBad ? error.problems.map(formatProblem) : [describeError(error)];
    this.#status = { ...this.#status, last_reload: 'failed', problems };
    observer.configReloaded('failed', clock.now() / 1000);
    const hint = 'The configuration before stays in use until the file is mended.';
    log.error({ cause, problems, hint, ...(!isBad && { err: error }) }, 'config not reloaded');
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

/** Only what there is to tell. */
function changesOf(diff: ConfigDiff): Readonly<Record<string, unknown>> {
  const { words, usersAdded, usersRemoved, usersChanged } = diff;
  const changes = {
    words,
    users_added: usersAdded,
    users_removed: usersRemoved,
    users_changed: usersChanged.map((change) => `${change.user}: ${change.words.join(', ')}`),
  };
  return Object.fromEntries(Object.entries(changes).filter(([, names]) => names.length > 0));
}
