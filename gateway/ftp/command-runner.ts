/**
 * Runs one thing after the other, each to its end before the next begins, and lets other sessions have
 * their turn in between. It must never run two at once.
 */
import { setImmediate as turn } from 'node:timers/promises';

export interface CommandRunnerOptions<Line> {
  /** The next one, or undefined: nothing waits, or nothing more is to be run. */
  readonly next: () => Line | undefined;
  readonly execute: (line: Line) => Promise<void> | void;
  /** Between two: resolves when the next one may run. */
  readonly untilReady: () => Promise<void>;
  /** `execute` threw; nothing runs until the next `schedule`. */
  readonly onFault: (error: unknown) => void;
  /** Nothing is left to run. */
  readonly onIdle: () => void;
}

/** Commands run without giving other sessions a turn. */
const commandsPerTurnMax = 32;

export class CommandRunner<Line> {
  readonly #options: CommandRunnerOptions<Line>;
  #isRunning = false;
  #isExecuting = false;
  #isScheduled = false;

  constructor(options: CommandRunnerOptions<Line>) {
    this.#options = options;
  }

  /** Whether something runs now. */
  get isExecuting(): boolean {
    return this.#isExecuting;
  }

  /** As `isExecuting`, and between two and while waiting to be ready as well. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** In a later microtask, so that AUTH does not run before the lines pipelined behind it were seen. */
  schedule(): void {
    if (this.#isRunning || this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    const { next, untilReady, onFault, onIdle } = this.#options;
    this.#isRunning = true;
    try {
      for (let count = 1; ; count++) {
        const line = next();
        if (line === undefined) break;
        await this.#execute(line);
        await untilReady();
        if (count % commandsPerTurnMax === 0) await turn();
      }
    } catch (error) {
      onFault(error);
    }
    this.#isRunning = false;
    onIdle();
  }

  async #execute(line: Line): Promise<void> {
    this.#isExecuting = true;
    try {
      await this.#options.execute(line);
    } finally {
      this.#isExecuting = false;
    }
  }
}
