/**
 * What was asked of the embedded COS: a count for every operation and the last requests with their keys.
 * Tests count COS calls per FTP verb with it. Holds no header and no body.
 */
import { type Operation, operations } from './operation.ts';

export interface JournalEntry {
  readonly requestId: string;
  readonly operation: Operation;
  readonly bucket: string;
  /** Empty for operations on the bucket. */
  readonly key: string;
  /** Undefined: not answered yet, or never. */
  readonly status: number | undefined;
}

/** For whoever answers the request. */
export interface OpenEntry {
  status: number | undefined;
}

export type OperationCounts = Readonly<Record<Operation, number>>;

/** Entries kept; the oldest go. */
export const journalEntriesMax = 1000;

export class Journal {
  #counts = noCounts();
  #entries: { -readonly [Name in keyof JournalEntry]: JournalEntry[Name] }[] = [];
  #oldest = 0;

  /** Counts at once, before the request is answered. */
  begin(request: Omit<JournalEntry, 'status'>): OpenEntry {
    const entry = { ...request, status: undefined };
    this.#counts[request.operation]++;
    if (this.#entries.length < journalEntriesMax) this.#entries.push(entry);
    else {
      this.#entries[this.#oldest] = entry;
      this.#oldest = (this.#oldest + 1) % journalEntriesMax;
    }
    return entry;
  }

  /** Since the start or the last reset; every operation has a number. */
  counts(): OperationCounts {
    return { ...this.#counts };
  }

  /** Oldest first. */
  entries(): readonly JournalEntry[] {
    return [...this.#entries.slice(this.#oldest), ...this.#entries.slice(0, this.#oldest)];
  }

  reset(): void {
    this.#counts = noCounts();
    this.#entries = [];
    this.#oldest = 0;
  }
}

function noCounts(): Record<Operation, number> {
  return Object.fromEntries(operations.map((name) => [name, 0])) as Record<Operation, number>;
}
