/** What happens in one run, drawn from its seed alone. Pure. */
import type { CutReason } from '#gateway/ftp/cut.ts';
import type { DataReading } from '#gateway/ftp/data-connection.ts';
import { KiB, MiB } from '#gateway/kit/bytes.ts';
import { starterBytes } from '#gateway/transfer/starters.ts';
import { type SeededRandom, seededRandom } from '#test/support/random.ts';
import type { ClientScript, DataEnd } from './client-data.ts';
import { focusable, type WeatherOptions } from './fault.ts';
import { drawStuff, type Stuff } from './stuff.ts';

export interface UploadScript {
  readonly kind: 'upload';
  readonly name: string;
  /** Which of the gateways it talks to. */
  readonly gateway: number;
  readonly key: string;
  readonly startMs: number;
  readonly policy: 'discard' | 'complete';
  readonly limitBytes: number;
  readonly announcedBytes?: number;
  /** APPE or REST: the share of the object that is kept. */
  readonly continues?: number;
  readonly partsInFlight: number;
  readonly reading: DataReading;
  readonly data: ClientScript;
  readonly event?: CutEvent;
}

/** ABOR or the end of the control connection. */
export interface CutEvent {
  readonly reason: CutReason;
  readonly when: 'after the start' | 'after the data';
  readonly delayMs: number;
}

export interface RenameScript {
  readonly kind: 'rename';
  readonly name: string;
  readonly gateway: number;
  readonly sourceKey: string;
  readonly key: string;
  readonly startMs: number;
}

export type SessionScript = UploadScript | RenameScript;

export interface Scenario {
  readonly seed: number;
  readonly memoryBytes: number;
  /** Whether memory is overwritten when it is given back: a late reader is caught, at the price of time. */
  readonly poisonReleased: boolean;
  readonly sessions: readonly SessionScript[];
  /** Objects at the beginning, and whether COS knows their checksum. */
  readonly objects: readonly {
    readonly key: string;
    readonly stuff: Stuff;
    readonly hasCrc: boolean;
  }[];
  readonly weather: WeatherOptions;
  /** Gateway 0 is told to stop, or dies. */
  readonly drainAtMs: number | undefined;
  readonly killAtMs: number | undefined;
  readonly janitorAtMs: number;
}

const keys = ['jail/a', 'jail/b', 'jail/dir/c'] as const;

export function drawScenario(seed: number): Scenario {
  const random = seededRandom(seed);
  const count = random.between(1, 4);
  const isShared = random.next() < 0.5;
  const sessions = Array.from({ length: count }, (_, index) => {
    const key = isShared ? keys[0] : (keys[index % keys.length] ?? keys[0]);
    return random.next() < 0.12 ? drawRename(random, index, key) : drawUpload(random, index, key);
  });
  const sources = sessions.flatMap((script) =>
    script.kind === 'rename' ? [script.sourceKey] : [],
  );
  return {
    seed,
    memoryBytes: random.between(1, 8) * MiB,
    poisonReleased: random.next() < 0.25,
    sessions,
    objects: [...keys, ...sources].map((key) => ({
      key,
      stuff: drawStuff(random, drawSize(random)),
      hasCrc: random.next() < 0.9,
    })),
    weather: drawWeather(random),
    drainAtMs: random.next() < 0.06 ? random.between(0, 3_000) : undefined,
    killAtMs: random.next() < 0.08 ? random.between(0, 5_000) : undefined,
    janitorAtMs: random.between(0, 20_000),
  };
}

function drawWeather(random: SeededRandom): WeatherOptions {
  const trouble = random.next() < 0.2 ? 0 : random.next() * 0.3;
  const operation = focusable[random.between(0, focusable.length - 1)];
  const isFocused = random.next() < 0.5 && operation;
  return {
    trouble,
    focus: isFocused ? { operation, trouble: 0.3 + random.next() * 0.6 } : undefined,
  };
}

/** Around every size at which something changes: starter, part 1, the second part. */
function drawSize(random: SeededRandom): number {
  const border = [0, starterBytes, MiB, MiB + 1, 3 * MiB][random.between(0, 4)] ?? 0;
  const kind = random.next();
  if (kind < 0.25) return Math.max(0, border + random.between(-1, 1));
  if (kind < 0.5) return random.between(0, 20 * KiB);
  return random.between(MiB, kind < 0.9 ? 2 * MiB : 4 * MiB);
}

function drawUpload(random: SeededRandom, index: number, key: string): UploadScript {
  const stuff = drawStuff(random, drawSize(random));
  const end = drawEnd(random);
  const cutAt =
    end.data === 'fin' && !end.isShort ? stuff.sizeBytes : random.between(0, stuff.sizeBytes);
  const chunkBytes =
    stuff.sizeBytes < 5_000 ? random.between(1, 5_000) : random.between(16, 256) * KiB;
  const pausesMsMax = random.next() < 0.3 ? random.between(1, 400) : 0;
  const isTooLong = random.next() < 0.04;
  const announces = end.isShort || random.next() < 0.15;
  return {
    kind: 'upload',
    name: `session ${index + 1}`,
    gateway: random.next() < 0.3 ? 1 : 0,
    key,
    startMs: random.next() < 0.5 ? 0 : random.between(0, 2_000),
    policy: random.next() < 0.5 ? 'complete' : 'discard',
    limitBytes: isTooLong ? Math.max(1, stuff.sizeBytes - random.between(1, 100)) : 64 * MiB,
    ...(announces && { announcedBytes: stuff.sizeBytes }),
    ...(random.next() < 0.2 && { continues: random.next() < 0.5 ? 1 : random.next() }),
    partsInFlight: random.between(1, 4),
    reading: random.next() < 0.5 ? 'direct' : 'copied',
    data: {
      stuff: { ...stuff, sizeBytes: cutAt },
      chunkBytes,
      pauseMs: () => (pausesMsMax > 0 ? random.between(0, pausesMsMax) : 0),
      end: end.data,
      resetAfterMs: random.between(0, 300),
    },
    ...(end.event && { event: end.event }),
  };
}

interface DrawnEnd {
  readonly data: DataEnd;
  readonly isShort: boolean;
  readonly event?: CutEvent;
}

function drawEnd(random: SeededRandom): DrawnEnd {
  const cut = (reason: CutReason, when: CutEvent['when'], delayMs: number) => ({
    reason,
    when,
    delayMs,
  });
  const kind = random.next();
  if (kind < 0.5) return { data: 'fin', isShort: false };
  if (kind < 0.58) return { data: 'reset', isShort: false };
  if (kind < 0.65) return { data: 'fin, then reset', isShort: false };
  if (kind < 0.7) return { data: 'silence', isShort: false };
  if (kind < 0.76) return { data: 'fin', isShort: true };
  // A killed client: FIN in the middle of the file, and the control connection a moment later.
  if (kind < 0.84) {
    return {
      data: 'fin',
      isShort: random.next() < 0.5,
      event: cut('control-lost', 'after the data', random.between(0, 60)),
    };
  }
  const when = random.next() < 0.5 ? 'after the start' : 'after the data';
  const reason = kind < 0.94 ? 'abor' : 'control-lost';
  return { data: 'fin', isShort: false, event: cut(reason, when, random.between(0, 1_500)) };
}

function drawRename(random: SeededRandom, index: number, key: string): RenameScript {
  return {
    kind: 'rename',
    name: `session ${index + 1}`,
    gateway: random.next() < 0.3 ? 1 : 0,
    sourceKey: `jail/moved-${index + 1}`,
    key,
    startMs: random.between(0, 1_000),
  };
}
