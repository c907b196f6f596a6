/**
 * SIGTERM, SIGINT and their meaning: the first asks to stop in order, a second one of SIGINT ends at
 * once, because a person who presses Ctrl-C twice means it.
 */
import type { EventEmitter } from 'node:events';
import type { Clock } from '#gateway/kit/clock.ts';

export type StopRequest =
  /** An orchestrator asks: sessions may finish within drain_seconds. */
  | 'terminate'
  /** A person at a terminal: running transfers get a few seconds. */
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

/** @param onInsist called at a second Ctrl-C. @param source the process, except in tests. */
export function watchStopSignals(
  clock: Clock,
  onInsist: () => void,
  source: EventEmitter = process,
): StopSignals {
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
  source.on('SIGTERM', onTerminate);
  source.on('SIGINT', onInterrupt);
  return {
    stopped,
    dispose() {
      source.off('SIGTERM', onTerminate);
      source.off('SIGINT', onInterrupt);
    },
  };
}
