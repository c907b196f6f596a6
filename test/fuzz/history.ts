/** The last things one client said, heard and did: what a report of a violation shows. */

const entriesMax = 60;

export class History {
  readonly #entries: string[] = [];

  note(entry: string): void {
    this.#entries.push(entry);
    if (this.#entries.length > entriesMax) this.#entries.shift();
  }

  /** Oldest first. */
  get text(): string {
    return this.#entries.join('\n');
  }
}
