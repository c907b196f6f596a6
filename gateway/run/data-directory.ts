/** The directory that `--data-dir` names, for the demo and for `cosd`. */
import { describeError } from '#gateway/kit/errors.ts';
import { makeDirectory } from '#gateway/kit/make-directory.ts';
import { RunError } from './errors.ts';

/** Makes it when it is missing. @returns it. @throws RunError data-unwritable. */
export function makeDataDirectory(directory: string): string {
  try {
    makeDirectory(directory);
    return directory;
  } catch (cause) {
    throw new RunError('data-unwritable', `no directory for objects: ${describeError(cause)}`, {
      cause,
      hint: 'Choose another place with --data-dir DIR.',
    });
  }
}
