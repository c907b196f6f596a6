/**
 * The operator's log: one JSON object a line on standard output, of the same shape as the gateway's:
 * `{"level":"info","time":"…",…fields,"msg":"constant message"}`. A few lines a minute, so writing is
 * plain; never Secret contents among the fields, because the operator has none.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import { KindError } from '#gateway/kit/errors.ts';
import type { Log, LogFields } from '#gateway/kit/log.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof levels)[number];

export interface LogLinesOptions {
  /** The least level that is written. */
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Takes one line with its end. */
  readonly write: (line: string) => void;
}

export function createLogLines({ level: least, clock, write }: LogLinesOptions): Log {
  const isWritten = (level: LogLevel) => levels.indexOf(level) >= levels.indexOf(least);
  const logWith = (shared: LogFields): Log => {
    const at = (level: LogLevel) => (fields: LogFields, message: string) => {
      if (!isWritten(level)) return;
      const time = new Date(clock.now()).toISOString();
      const all = { level, time, ...shared, ...fields, msg: message };
      write(`${JSON.stringify(all, plainErrors)}\n`);
    };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => logWith({ ...shared, ...fields }),
    };
  };
  return logWith({});
}

/** JSON knows no Error; a stack is kept only for errors that nobody expected. */
function plainErrors(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  if (value instanceof KindError) {
    const { kind, message, hint, cause } = value;
    return { kind, message, ...(hint !== undefined && { hint }), ...(cause ? { cause } : {}) };
  }
  const { name, message, stack, cause } = value;
  return { name, message, stack, ...(cause ? { cause } : {}) };
}
