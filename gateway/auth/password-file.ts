/**
 * A password kept in a file of its own, as a mounted Kubernetes Secret is: read at login, and again
 * only when the file changed. Whatever hinders reading means that this user cannot log in, never that a
 * former password goes on working.
 */

import { open, stat } from 'node:fs/promises';
import { describeError } from '#gateway/kit/errors.ts';
import { type Log, silentLog } from '#gateway/kit/log.ts';

const fileBytesMax = 4096;

interface Content {
  /** Changes when the file does, also when a symbolic link on its way is turned. */
  readonly version: string;
  readonly text: string | undefined;
}

export class PasswordFile {
  readonly #path: string;
  readonly #log: Log;
  #content: Content | undefined;
  #failure: string | undefined;

  constructor(path: string, log: Log = silentLog) {
    this.#path = path;
    this.#log = log;
  }

  /** The file's text without its last line end; undefined when there is no usable one. */
  async read(): Promise<string | undefined> {
    try {
      const version = await this.#version();
      if (this.#content?.version !== version) {
        this.#content = { version, text: await this.#load() };
      }
      this.#tell(this.#content.text === undefined ? 'empty, too long or not one line' : undefined);
      return this.#content.text;
    } catch (error) {
      this.#content = undefined;
      this.#tell(describeError(error));
      return undefined;
    }
  }

  async #version(): Promise<string> {
    const { ino, size, mtimeNs, ctimeNs } = await stat(this.#path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(' ');
  }

  async #load(): Promise<string | undefined> {
    await using file = await open(this.#path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(fileBytesMax + 1));
    if (bytesRead > fileBytesMax) return undefined;
    const text = buffer.toString('utf8', 0, bytesRead).replace(/\r?\n$/, '');
    return text === '' || /[\0\r\n]/.test(text) ? undefined : text;
  }

  /** Once per change of mind: a client that tries every second must not fill the log. */
  #tell(failure: string | undefined): void {
    if (failure !== undefined && failure !== this.#failure) {
      this.#log.warn({ path: this.#path, reason: failure }, 'password file cannot be used');
    }
    this.#failure = failure;
  }
}
