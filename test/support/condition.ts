/**
 * Waits for something to become true, with a deadline, instead of sleeping and hoping.
 */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * @param deadlineMs a net for what never comes true, far above what a machine with much other work needs;
 * a test of how long something takes has a clock of its own.
 * @throws when `holds` is still false then; names what was waited for.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`);
    await pause(5);
  }
}
