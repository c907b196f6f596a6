/**
 * SIGTERM, SIGINT and their meaning: the first asks to stop in order, a second one of SIGINT ends at
 * once, because a person who presses Ctrl-C twice means it.
 */

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

/** @param onInsist called at a second SIGINT. */
export function watchStopSignals(onInsist: () => void): StopSignals {
  let resolveStopped: (request: StopRequest) => void = () => undefined;
  const stopped = new Promise<StopRequest>((resolve) => {
    resolveStopped = resolve;
  });
  let interrupts = 0;
  const onTerminate = () => resolveStopped('terminate');
  const onInterrupt = () => {
    interrupts += 1;
    if (interrupts > 1) onInsist();
    else resolveStopped('interrupt');
  };
  process.on('SIGTERM', onTerminate);
  process.on('SIGINT', onInterrupt);
  return {
    stopped,
    dispose() {
      process.off('SIGTERM', onTerminate);
      process.off('SIGINT', onInterrupt);
    },
  };
}
