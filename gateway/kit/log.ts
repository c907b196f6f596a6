/**
 * The log every room takes as a parameter; `observe` provides the real one. Messages are constant and
 * lower-case, variable parts are fields. Never a password, a key or a signed URL among them.
 */

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A log whose lines all carry `fields` as well. */
  child(fields: LogFields): Log;
}

/** Drops everything: for tests and for rooms used without a log. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};
