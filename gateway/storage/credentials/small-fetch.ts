/**
 * One request to a metadata or token service, with a deadline and a bound on the answer. Answers are
 * secrets: no error ever quotes one.
 */
import type { Clock } from '#gateway/kit/clock.ts';
import { StoreError } from '../object-store.ts';

const answerBytesMax = 64 * 1024;
/** Metadata answers in milliseconds and STS within a second. */
const deadlineMs = 10_000;

export interface SmallRequest {
  /** Named in errors: `the instance metadata`. */
  readonly service: string;
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface SmallAnswer {
  readonly status: number;
  readonly text: string;
}

/** @throws StoreError `credentials` when the service cannot be reached or says too much. */
export async function smallFetch(clock: Clock, request: SmallRequest): Promise<SmallAnswer> {
  const { service, url, method = 'GET', headers = {}, body } = request;
  const stop = new AbortController();
  const timer = clock.setTimer(deadlineMs, () => stop.abort(new Error('no answer in time')));
  try {
    const answer = await fetch(url, {
      method,
      headers,
      redirect: 'error',
      signal: stop.signal,
      ...(body !== undefined && { body }),
    });
    return { status: answer.status, text: await boundedText(answer) };
  } catch (cause) {
    throw new StoreError('credentials', `${service} cannot be reached`, { cause });
  } finally {
    timer.cancel();
  }
}

async function boundedText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error('answer too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The value at a path of member names, when all of them are there; undefined for anything else. */
export function memberOf(value: unknown, ...names: readonly string[]): unknown {
  let found = value;
  for (const name of names) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name))
      return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** Undefined when the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says what is missing
  }
}
