/**
 * The gateway's log: pino JSON lines on stdout, and the same lines as `cos_v5.log` in a directory.
 *
 * A line is `{"level":"info","time":"2026-03-01T12:00:00.000Z",…fields,"msg":"constant message"}`. No
 * secret may be among the fields; what slips through is taken out by its name (log-fields.ts). Logging
 * never throws, never waits for a disk or a reader of stdout, and never refuses to start.
 */
import { type Logger, pino } from 'pino';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Log } from '#gateway/kit/log.ts';
import type { StackPolicy } from './error-fields.ts';
import { logFields } from './log-fields.ts';
import { LogFile } from './log-file.ts';
import type { LogRotation } from './log-rotation.ts';
import { StandardOutput } from './log-stdout.ts';
import { textLine } from './log-text.ts';

/** The config's words for `log.level`, from the most to the least talkative. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  /** `debug` adds detail; at every other level the log is complete, which is `info`. */
  readonly level: LogLevel;
  /** Least level of the lines on stdout; `listening` is told at any. Default: all of them. */
  readonly stdoutLevel?: LogLevel;
  /** Where `cos_v5.log` stands, relative to the working directory. Absent: stdout only. */
  readonly directory?: string;
  /** Default daily. */
  readonly rotate?: LogRotation;
  /** Rotated files kept; 0 keeps all. Default 14. */
  readonly keep?: number;
  /** `text` for a person at a terminal. Default json. */
  readonly stdout?: 'json' | 'text';
  /** File descriptor of stdout. Default 1. */
  readonly stdoutDescriptor?: number;
  readonly clock: Clock;
}

export interface LogHandle {
  readonly log: Log;
  /** Absolute path of `cos_v5.log`, when a directory was given. */
  readonly filePath: string | undefined;
  /** Lines lost because the disk or the reader of stdout did not keep up. */
  lostLines(): number;
  /** From the next line on, for all children too; on standard output as well when it has a level of its own. */
  setLevel(level: LogLevel): void;
  /** Writes what is buffered, synchronously. Happens by itself when the process exits. */
  flushSync(): void;
  /** Waits, at most 4 s, until everything is written. Lines logged later reach only stdout. */
  close(): Promise<void>;
}

const fileOutageMessage = 'log file not writable';

/** Readiness is a contract with whoever starts the gateway; a lost log has nowhere else to be told. */
const alwaysOnStdout: ReadonlySet<string> = new Set(['listening', fileOutageMessage]);

/** pino's numbers. */
const ranks = {
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
} as const satisfies Record<LogLevel, number>;

export function createLog(options: LogOptions): LogHandle {
  const out = new StandardOutput(options.stdoutDescriptor ?? 1, options.clock);
  const sinks: Sinks = { out, file: undefined };
  const talk: Talk = { level: options.level, stdoutLevel: options.stdoutLevel ?? 'debug' };
  const log = wrap(createLogger(options, talk, sinks), talk);
  sinks.file = openFile(options, log);

  const flushSync = () => {
    out.flushSync();
    sinks.file?.flushSync();
  };
  process.on('exit', flushSync);
  return {
    log,
    filePath: sinks.file?.path,
    lostLines: () => out.lostLines + (sinks.file?.lostLines ?? 0),
    setLevel(level) {
      talk.level = level;
      if (options.stdoutLevel !== undefined) talk.stdoutLevel = level;
    },
    flushSync,
    async close() {
      await Promise.all([sinks.file?.close(), out.close()]);
      process.off('exit', flushSync);
    },
  };
}

interface Sinks {
  readonly out: StandardOutput;
  file: LogFile | undefined;
}

/** How talkative the log is now. */
interface Talk {
  level: LogLevel;
  stdoutLevel: LogLevel;
}

/** pino's own level is fixed for each child when it is made, so it lets everything through. */
function createLogger(options: LogOptions, talk: Talk, sinks: Sinks): Logger {
  return pino(
    {
      level: 'debug',
      base: null,
      timestamp: () => `,"time":"${new Date(options.clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (fields: unknown) => fields }, // ours are plain already
    },
    splitLines(options, talk, sinks),
  );
}

/** pino leaves the level and message of the line beside it for a destination with this symbol. */
function splitLines(options: LogOptions, talk: Talk, sinks: Sinks) {
  const format = options.stdout === 'text' ? textLine : (line: string) => line;
  return {
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    lastMsg: '',
    write(line: string) {
      const isTold = this.lastLevel >= ranks[talk.stdoutLevel] || alwaysOnStdout.has(this.lastMsg);
      if (isTold) sinks.out.write(format(line));
      sinks.file?.write(line);
    },
  };
}

/** The directory's troubles are told on stdout, and in the file itself when it works again. */
function openFile(options: LogOptions, log: Log): LogFile | undefined {
  const { directory, clock, rotate = 'daily', keep = 14 } = options;
  if (directory === undefined) return undefined;
  const file: LogFile = new LogFile({
    directory,
    rotate,
    keep,
    clock,
    onOutage: (err) => log.warn({ path: file.path, err }, fileOutageMessage),
    onRecovery: (lostLines) => log.warn({ path: file.path, lostLines }, 'log file writable again'),
  });
  file.open();
  return file;
}

function wrap(logger: Logger, talk: Talk): Log {
  const stacks = (): StackPolicy => (talk.level === 'debug' ? 'always' : 'unexpected');
  return {
    debug(fields, message) {
      if (talk.level === 'debug') logger.debug(logFields(fields, stacks()), message);
    },
    info: (fields, message) => logger.info(logFields(fields, stacks()), message),
    warn: (fields, message) => logger.warn(logFields(fields, stacks()), message),
    error: (fields, message) => logger.error(logFields(fields, stacks()), message),
    child: (fields) => wrap(logger.child(logFields(fields, stacks())), talk),
  };
}
