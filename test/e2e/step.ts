/**
 * Steps of a suite that build on each other: each says how long it took, and the first that fails ends the
 * run, because what follows would only fail for the same reason.
 */
import { test } from 'node:test';

export interface StepOptions {
  /** A sentence: why this step cannot run here. */
  readonly skip?: string | false;
  /** Default four minutes. */
  readonly timeoutMs?: number;
}

let failed: string | undefined;

export function step(name: string, body: () => Promise<void>, options: StepOptions = {}): void {
  const { skip = false, timeoutMs = 240_000 } = options;
  test(name, { skip, timeout: timeoutMs }, async (context) => {
    if (failed !== undefined) return context.skip(`"${failed}" has failed`);
    failed = name;
    const seconds = stopwatch();
    await body();
    failed = undefined;
    say(`${seconds()} s  ${name}`);
  });
}

/** For whoever reads the run. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A figure below its step. */
export function tell(what: string, figure: string | number): void {
  say(`         ${what}: ${figure}`);
}

/** @returns the seconds since it was made, with one digit after the point. */
export function stopwatch(): () => string {
  const startedMs = performance.now();
  return () => ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
}
