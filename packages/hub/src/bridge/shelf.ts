import type { Entry } from '../log/log.js';

/**
 * What was made of entries, once for all who want it: the newest, bounded by their bytes, the first made going first. To
 * make something again costs time and nothing else.
 */
export class Shelf<Value> {
  readonly #mostBytes: number;
  readonly #make: (entry: Entry) => Value;
  readonly #sizeOf: (entry: Entry, value: Value) => number;
  readonly #made = new Map<Entry, { readonly value: Value; readonly bytes: number }>();
  #bytes = 0;

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
    const known = this.#made.get(entry);
    if (known !== undefined) return known.value;
    const value = this.#make(entry);
    const bytes = this.#sizeOf(entry, value);
    if (bytes > this.#mostBytes) return value;
    this.#made.set(entry, { value, bytes });
    this.#bytes += bytes;
    // Ends when nothing is left, if not before.
    for (const [oldest, made] of this.#made) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#made.delete(oldest);
      this.#bytes -= made.bytes;
    }
    return value;
  }
}
