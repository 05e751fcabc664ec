import { sizeOf } from '../log/entry-size.js';
import type { Entry } from '../log/log.js';

/**
 * What was made of entries, once for all who want it: the newest half of its bytes at least, and never more than all of
 * them, with those of the entries, which stay in memory for it, unless the newest alone takes more. To make something again
 * costs time and nothing else.
 *
 * It is cleared by halves, as to take entries from a large `Map` one by one costs more than to make what is kept there: each
 * look for the first passes all those that were taken since the table was last built.
 */
export class Shelf<Value> {
  readonly #mostBytes: number;
  readonly #make: (entry: Entry) => Value;
  readonly #bytesOf: (value: Value, entry: Entry) => number;
  #newer = new Map<Entry, Value>();
  #newerBytes = 0;
  #older = new Map<Entry, Value>();
  #olderBytes = 0;

  /** `bytesOf` answers what was made takes besides its entry. */
  constructor(
    mostBytes: number,
    make: (entry: Entry) => Value,
    bytesOf: (value: Value, entry: Entry) => number,
  ) {
    this.#mostBytes = mostBytes;
    this.#make = make;
    this.#bytesOf = bytesOf;
  }

  of(entry: Entry): Value {
    const known = this.#newer.get(entry) ?? this.#older.get(entry);
    if (known !== undefined) return known;
    const value = this.#make(entry);
    this.#add(entry, value, sizeOf(entry) + this.#bytesOf(value, entry));
    return value;
  }

  #add(entry: Entry, value: Value, bytes: number): void {
    if (this.#newerBytes + bytes > this.#mostBytes / 2) {
      this.#older = this.#newer;
      this.#olderBytes = this.#newerBytes;
      this.#newer = new Map();
      this.#newerBytes = 0;
    }
    // Something large leaves no room for others.
    if (this.#olderBytes + bytes > this.#mostBytes) {
      this.#older = new Map();
      this.#olderBytes = 0;
    }
    this.#newer.set(entry, value);
    this.#newerBytes += bytes;
  }
}
