/** From a configuration file's name and bytes to the text that the readers take. */

import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { formatBytes, MiB } from '#gateway/kit/bytes.ts';
import { systemCode } from '#gateway/kit/errors.ts';
import { ConfigError } from './problem.ts';

/** `vsftpd`: the original tool's INI. `yaml`: ours, JSON too. */
export type ConfigFormat = 'vsftpd' | 'yaml';

export interface ConfigText {
  readonly format: ConfigFormat;
  /** How problems name the text: the file as the user gave it. */
  readonly name: string;
  readonly text: string;
  /** Where the file stands: what relative paths in YAML are relative to. */
  readonly directory: string;
}

export const configFileBytesMax: number = 8 * MiB;

const formats: Readonly<Record<string, ConfigFormat>> = {
  '.conf': 'vsftpd',
  '.ini': 'vsftpd',
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.json': 'yaml',
};

/**
 * @param file as the user gave it, against `cwd`.
 * @throws ConfigError `unreadable` when its name or its bytes are not those of a configuration.
 */
export function configTextOf(file: string, bytes: Uint8Array, cwd: string): ConfigText {
  const path = resolve(cwd, file);
  return {
    format: formatOf(file),
    name: file,
    text: decode(bytes, file),
    directory: dirname(path),
  };
}

/** Blocks. @throws ConfigError `unreadable` when it is missing, no file or too large. */
export function readConfigFile(file: string, cwd: string): Buffer {
  formatOf(file); // a name that says nothing is told before what the file lacks
  try {
    const path = resolve(cwd, file);
    const { size } = statSync(path);
    if (size <= configFileBytesMax) return readFileSync(path);
  } catch (error) {
    const code = systemCode(error) ?? '';
    const reason = Object.hasOwn(readFailures, code) ? readFailures[code] : undefined;
    throw unreadable(file, reason ?? `cannot be read (${code})`, undefined, error);
  }
  throw unreadable(file, `is larger than ${formatBytes(configFileBytesMax)}`);
}

function formatOf(file: string): ConfigFormat {
  const extension = extname(basename(file)).toLowerCase();
  const format = Object.hasOwn(formats, extension) ? formats[extension] : undefined;
  if (format !== undefined) return format;
  const known = 'name it *.conf (the original tool’s INI) or *.yaml, *.yml, *.json (ours)';
  throw unreadable(file, 'the name does not say what kind of configuration this is', known);
}

const readFailures: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory',
  ENOTDIR: 'there is no such directory',
};

/** UTF-8 with or without byte-order mark. Bytes that are no UTF-8 become U+FFFD; see check.ts. */
function decode(bytes: Uint8Array, file: string): string {
  const isUtf16 =
    (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) throw unreadable(file, 'is UTF-16', 'save it as UTF-8');
  return new TextDecoder('utf-8').decode(bytes);
}

function unreadable(place: string, message: string, hint?: string, cause?: unknown): ConfigError {
  const problem = hint === undefined ? { place, message } : { place, message, hint };
  const error = new ConfigError('unreadable', [problem]);
  if (cause !== undefined) error.cause = cause;
  return error;
}
