import type { Entry, Position } from './log.js';

// Moving what is left to the front costs its length, so it is done when as much has been taken.
const LEAST_TO_COMPACT = 1_024;

/** Entries in log order: added at the end, taken from the front, found by position. */
export class EntryQueue {
  #entries: (Entry | undefined)[];
  #start = 0;

  constructor(entries: readonly Entry[] = []) {
    this.#entries = [...entries];
  }

  get size(): number {
    return this.#entries.length - this.#start;
  }

  get first(): Entry | undefined {
    return this.#entries[this.#start];
  }

  get last(): Entry | undefined {
    return this.size === 0 ? undefined : this.#entries.at(-1);
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  shift(): void {
    // Its body must not stay in memory until the next compaction.
    this.#entries[this.#start] = undefined;
    this.#start += 1;
    if (this.#start < LEAST_TO_COMPACT || this.#start * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#start = 0;
  }

  firstAfter(position: Position): Entry | undefined {
    return this.#entries[this.#indexAfter(position)];
  }

  /** At most `limit` entries that follow the position. */
  after(position: Position, limit: number): readonly Entry[] {
    const start = this.#indexAfter(position);
    // Only what was taken is undefined, and that lies before the start.
    return this.#entries.slice(start, start + limit) as Entry[];
  }

  at(position: Position): Entry | undefined {
    const before = this.#entries[this.#indexAfter(position) - 1];
    return before?.position === position ? before : undefined;
  }

  #indexAfter(position: Position): number {
    let low = this.#start;
    let high = this.#entries.length;
    // Most readers are at the head.
    if (low < high && this.#entries[high - 1]!.position <= position) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.position > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
