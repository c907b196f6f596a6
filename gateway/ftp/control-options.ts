/** What a control channel is given, how far it goes along with a client, and how it ended. No code. */
import type { Socket } from 'node:net';
import type { Clock } from '#gateway/kit/clock.ts';
import type { Command } from './command.ts';
import type { CommandQueueLimits } from './command-queue.ts';

/** How a control connection ended. */
export type ControlEnd =
  /** We said so, by `end` or `destroy`. */
  | 'local'
  /** The client closed its side in order. */
  | 'fin'
  /** The client's side broke: RST or a failed write. */
  | 'reset'
  /** Any other socket or TLS error. */
  | 'error'
  /** The client read none of its replies for `writeTimeoutMs`. */
  | 'not-reading'
  /** A command handler threw. */
  | 'fault';

export interface ControlLimits extends CommandQueueLimits {
  /** Unsent reply bytes above which no command runs and nothing is read. Default 65536 (64 KiB). */
  readonly unsentBytesMax: number;
  /** How long the client may read nothing while replies wait for it. Default 60 s. */
  readonly writeTimeoutMs: number;
  /** Bytes of one line that is too long before the connection is closed. Default 1048576 (1 MiB). */
  readonly skippedBytesMax: number;
  /** How long after `end` the client may take to close its side. Default 5 s. */
  readonly lingerTimeoutMs: number;
}

export const defaultControlLimits: ControlLimits = {
  lineBytesMax: 8192,
  waitingCommandsMax: 256,
  waitingBytesMax: 64 * 1024,
  unsentBytesMax: 64 * 1024,
  writeTimeoutMs: 60_000,
  skippedBytesMax: 1024 * 1024,
  lingerTimeoutMs: 5_000,
};

export interface ControlOptions {
  /** Paused, with nobody else reading from it. */
  readonly socket: Socket;
  readonly clock: Clock;
  /** Runs one command; the next one waits for it. What it throws ends the connection with 421. */
  readonly onCommand: (command: Command) => Promise<void> | void;
  /**
   * An urgent verb came while a command runs, and nothing is queued before it (ABOR: whatever is queued).
   * Answer and return true, or return false to leave it in the queue: so is QUIT remembered. Return true
   * only during a transfer: an early answer to a command pipelined behind any other one would be taken
   * for that one's.
   */
  readonly onUrgent?: (command: Command) => boolean;
  /** A reply is written, also one of the channel's own: for metrics. */
  readonly onReply?: (code: number) => void;
  /** The client is gone or the connection ended: once, at once, also while a command runs. */
  readonly onGone?: (end: ControlEnd) => void;
  /** What a handler threw. */
  readonly onFault?: (error: unknown) => void;
  readonly limits?: Partial<ControlLimits>;
}
