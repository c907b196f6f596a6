/** The directory that `--data-dir` names, for the demo and for `cosd`. */
import { mkdirSync } from 'node:fs';
import { describeError } from '#gateway/kit/errors.ts';
import { RunError } from './errors.ts';

/** Makes it when it is missing. @returns it. @throws RunError data-unwritable. */
export function makeDataDirectory(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true });
    return directory;
  } catch (cause) {
    throw new RunError('data-unwritable', `no directory for objects: ${describeError(cause)}`, {
      cause,
      hint: 'Choose another place with --data-dir DIR.',
    });
  }
}
