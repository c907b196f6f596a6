/**
 * Waits for something to become true, with a deadline, instead of sleeping and hoping.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** @throws when `holds` is still false after `deadlineMs`; names what was waited for. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = 5_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`);
    await pause(5);
  }
}
