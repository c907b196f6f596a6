/** A log whose lines a test can look at. */
import type { Log, LogFields } from '#gateway/kit/log.ts';

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

export interface RecordingLog extends Log {
  readonly lines: readonly LoggedLine[];
  /** Messages of that level, in order. */
  messages(level: LoggedLine['level']): readonly string[];
}

export function recordingLog(): RecordingLog {
  const lines: LoggedLine[] = [];
  const logTo = (shared: LogFields): Log => {
    const at = (level: LoggedLine['level']) => (fields: LogFields, message: string) => {
      lines.push({ level, message, fields: { ...shared, ...fields } });
    };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => logTo({ ...shared, ...fields }),
    };
  };
  return {
    ...logTo({}),
    lines,
    messages: (level) => lines.filter((line) => line.level === level).map(({ message }) => message),
  };
}
