/**
 * What can happen to one request between the gateway and COS, as times and outcomes. Pure: a seeded draw.
 *
 * Real ways to fail, by COS's documentation and its SDKs: a request that never arrives, or only half; a
 * reply that is lost after the work was done, or that comes while COS is still at work; errors, also those
 * inside a 200 (COS page 436/7742), with the work done or not; bytes that are damaged on their way.
 */

import type { CosOperation } from '#gateway/storage/cos/operation.ts';
import type { StoreErrorKind } from '#gateway/storage/object-store.ts';
import type { SeededRandom } from '#test/support/random.ts';

/** One request's way. Times from its beginning. */
export interface Passage {
  /** Name of what is wrong; undefined when nothing is. */
  readonly fault: string | undefined;
  /** When COS carries it out; undefined: it never does. */
  readonly workMs: number | undefined;
  /** When the reply is there, or the error instead of it; undefined: never. */
  readonly replyMs: number | undefined;
  readonly error?: StoreErrorKind;
  readonly crc?: 'wrong' | 'absent';
  readonly isDamaged?: boolean;
  /** Whether COS has all of it, and does it, when the gateway stops waiting before `workMs`. */
  readonly isWhole: boolean;
}

type Draw = (random: SeededRandom, way: { workMs: number; replyMs: number }) => Partial<Passage>;

/** Longer than any retry, shorter than the wait for the abort of an unanswered Complete. */
const atWorkMsMax = 540_000;

const faults = {
  slow: (random) => after(random.between(1_000, 60_000)),
  unreachable: (_, { workMs }) => ({ replyMs: workMs, error: 'network', workMs: undefined }),
  'cut in the request': (random, { workMs }) => ({
    workMs: undefined,
    replyMs: workMs + random.between(1, 500),
    error: 'network',
  }),
  'reply lost': () => ({ error: 'network' }),
  'never answered': (random) => ({
    replyMs: undefined,
    ...(random.next() < 0.5 && { workMs: undefined }),
  }),
  'internal error': () => ({ workMs: undefined, error: 'unavailable' }),
  'internal error after the work': () => ({ error: 'unavailable' }),
  throttled: () => ({ workMs: undefined, error: 'throttled' }),
  denied: () => ({ workMs: undefined, error: 'denied' }),
  'token expired': () => ({ workMs: undefined, error: 'credentials' }),
  'wrong crc told': () => ({ crc: 'wrong' }),
  'no crc told': () => ({ crc: 'absent' }),
  'damaged on its way': () => ({ isDamaged: true }),
  'refused as damaged': () => ({ workMs: undefined, error: 'corrupt' }),
  'connection lost, still at work': (random, { replyMs }) => ({
    workMs: replyMs + random.between(1, random.next() < 0.5 ? 30_000 : atWorkMsMax),
    error: 'network',
    isWhole: true,
  }),
  'begun late': (random, { replyMs }) => ({
    workMs: replyMs + random.between(1, 40_000),
    error: 'network',
    isWhole: true,
  }),
  'long work': (random) => after(random.between(20_000, 300_000)),
} satisfies Record<string, Draw>;

type AnyFault = keyof typeof faults;

function after(workMs: number): Partial<Passage> {
  return { workMs, replyMs: workMs + 5 };
}

const anywhere: readonly AnyFault[] = [
  'slow',
  'unreachable',
  'cut in the request',
  'reply lost',
  'never answered',
  'internal error',
  'throttled',
  'denied',
  'token expired',
];
const written: readonly AnyFault[] = [
  ...anywhere,
  'internal error after the work',
  'wrong crc told',
  'no crc told',
];

const faultsOf: Readonly<Record<CosOperation, readonly AnyFault[]>> = {
  HeadBucket: [],
  GetBucket: anywhere,
  HeadObject: anywhere,
  GetObject: anywhere,
  PutObject: [...written, 'refused as damaged'],
  PutObjectCopy: [...written, 'damaged on its way', 'connection lost, still at work'],
  DeleteObject: [...anywhere, 'internal error after the work'],
  InitiateMultipartUpload: [...anywhere, 'begun late'],
  UploadPart: [...written, 'damaged on its way'],
  UploadPartCopy: [...written, 'damaged on its way', 'connection lost, still at work'],
  CompleteMultipartUpload: [
    ...written,
    'damaged on its way',
    'connection lost, still at work',
    'connection lost, still at work',
    'long work',
  ],
  AbortMultipartUpload: [...anywhere, 'internal error after the work'],
  ListMultipartUploads: anywhere,
};

export const focusable: readonly CosOperation[] = [
  'HeadObject',
  'PutObject',
  'PutObjectCopy',
  'DeleteObject',
  'InitiateMultipartUpload',
  'UploadPart',
  'UploadPartCopy',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
];

export interface WeatherOptions {
  /** Share of requests in trouble. */
  readonly trouble: number;
  /** One operation that fares worse. */
  readonly focus?: { readonly operation: CosOperation; readonly trouble: number } | undefined;
}

export class Weather {
  readonly #random: SeededRandom;
  readonly #options: WeatherOptions;
  #isFair = false;

  constructor(random: SeededRandom, options: WeatherOptions) {
    this.#random = random;
    this.#options = options;
  }

  /** No trouble from now on. */
  clear(): void {
    this.#isFair = true;
  }

  /** @param isMarker a key that may not write markers is a matter of its rights, not of a moment. */
  draw(operation: CosOperation, isMarker: boolean): Passage {
    const random = this.#random;
    const workMs = random.between(1, 40);
    const way = { workMs, replyMs: workMs + random.between(1, 20) };
    const { trouble, focus } = this.#options;
    const risk = focus?.operation === operation ? focus.trouble : trouble;
    const possible = faultsOf[operation].filter((name) => !isMarker || name !== 'denied');
    const isHit = random.next() < risk && !this.#isFair;
    const fault = isHit ? possible[random.between(0, possible.length - 1)] : undefined;
    const isWhole = random.next() < 0.5;
    if (!fault) return { fault, ...way, isWhole };
    const draw: Draw = faults[fault];
    return { fault, ...way, isWhole, ...draw(random, way) };
  }
}
