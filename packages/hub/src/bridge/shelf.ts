import type { Entry } from '../log/log.js';

/**
 * What was made of entries, once for all who want it: the newest half of its bytes at least, and never more than all of
 * them. To make something again costs time and nothing else.
 *
 * It is cleared by halves, as to take entries from a large `Map` one by one costs more than to make what is kept there: each
 * look for the first passes all those that were taken since the table was last built.
 */
export class Shelf<Value> {
  readonly #mostBytes: number;
  readonly #make: (entry: Entry) => Value;
  readonly #sizeOf: (entry: Entry, value: Value) => number;
  #newer = new Map<Entry, Value>();
  #newerBytes = 0;
  #older = new Map<Entry, Value>();
  #olderBytes = 0;

  constructor(
    mostBytes: number,
    make: (entry: Entry) => Value,
    sizeOf: (entry: Entry, value: Value) => number,
  ) {
    this.#mostBytes = mostBytes;
    this.#make = make;
    this.#sizeOf = sizeOf;
  }

  of(entry: Entry): Value {
    const known = this.#newer.get(entry) ?? this.#older.get(entry);
    if (known !== undefined) return known;
    const value = this.#make(entry);
    const bytes = this.#sizeOf(entry, value);
    if (bytes <= this.#mostBytes) this.#add(entry, value, bytes);
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
