/**
 * SIGTERM, SIGINT, SIGHUP and their meaning. The first of SIGTERM and SIGINT asks to stop in order; a
 * second one of SIGINT ends at once, because a person who presses Ctrl-C twice means it. SIGHUP asks a
 * service to read its configuration again, and tells a program at a terminal that it was closed.
 */
import type { EventEmitter } from 'node:events';
import type { Clock } from '#gateway/kit/clock.ts';

export type StopRequest =
  /** An orchestrator asks: sessions may finish within drain_seconds. */
  | 'terminate'
  /** A person at a terminal, or the terminal is gone: running transfers get a few seconds. */
  | 'interrupt';

export interface StopSignals {
  /** Resolves with the first request. */
  readonly stopped: Promise<StopRequest>;
  /** Forgets the listeners. */
  dispose(): void;
}

/**
 * One Ctrl-C is two signals under `npm start`: the terminal tells the whole process group, and npm
 * passes its own on to its child. Nobody presses twice on purpose within this time.
 */
const samePressMs = 1_000;

export interface StopSignalOptions {
  readonly clock: Clock;
  /** A second Ctrl-C. */
  readonly onInsist: () => void;
  /** SIGHUP: true when it was dealt with. Otherwise, and by default, it is a request to stop. */
  readonly onHangup?: () => boolean;
  /** The process, except in tests. */
  readonly source?: EventEmitter;
}

export function watchStopSignals(options: StopSignalOptions): StopSignals {
  const { clock, onInsist, onHangup, source = process } = options;
  let resolveStopped: (request: StopRequest) => void = () => undefined;
  const stopped = new Promise<StopRequest>((resolve) => {
    resolveStopped = resolve;
  });
  let firstInterruptMs: number | undefined;
  const onTerminate = () => resolveStopped('terminate');
  const onInterrupt = () => {
    firstInterruptMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - firstInterruptMs >= samePressMs) onInsist();
    else resolveStopped('interrupt');
  };
  const hangUp = () => {
    if (!onHangup?.()) resolveStopped('interrupt');
  };
  source.on('SIGTERM', onTerminate);
  source.on('SIGINT', onInterrupt);
  source.on('SIGHUP', hangUp);
  return {
    stopped,
    dispose() {
      source.off('SIGTERM', onTerminate);
      source.off('SIGINT', onInterrupt);
      source.off('SIGHUP', hangUp);
    },
  };
}
