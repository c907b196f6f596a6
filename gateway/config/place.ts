/**
 * Where the program runs, as far as defaults differ: on a machine, or in a container, where other
 * containers read the admin port, where log lines are collected from standard output and where the root
 * may be read-only. Any word in the file, the environment or the arguments goes before.
 */
import type { Problem } from './problem.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Set in the image; no word of the configuration. */
export const defaultsVariable = 'COSFTP_DEFAULTS';

export type Place = 'machine' | 'container';

export interface PlaceDefaults {
  readonly adminAddress: string;
  /** Absent: no log file. */
  readonly logDirectory?: string;
}

export const placeDefaults: Readonly<Record<Place, PlaceDefaults>> = {
  machine: { adminAddress: '127.0.0.1', logDirectory: 'log' },
  container: { adminAddress: '::' },
};

export function placeOf(env: Environment): Place {
  return env[defaultsVariable] === 'container' ? 'container' : 'machine';
}

export function placeProblems(env: Environment): readonly Problem[] {
  const text = env[defaultsVariable] ?? '';
  if (text === '' || text === 'container') return [];
  const message = 'has no such set of defaults';
  return [{ place: defaultsVariable, message, hint: 'container, or leave it out' }];
}
