import type { Entry, Position } from './log.js';

/**
 * Entries that were read from the store for readers further back: a few that were read ahead, bounded by their bytes, and
 * whatever somebody still holds, so that the next reader is given the same object and not a copy of the body.
 */
export class ColdEntries {
  readonly #mostBytes: number;
  readonly #sizeOf: (entry: Entry) => number;
  /** What follows a position of a topic; the least recently read first. */
  readonly #following = new Map<string, Entry>();
  readonly #held = new Map<Position, WeakRef<Entry>>();
  readonly #released = new FinalizationRegistry<Position>((position) => {
    if (this.#held.get(position)?.deref() === undefined) this.#held.delete(position);
  });
  #bytes = 0;

  constructor(mostBytes: number, sizeOf: (entry: Entry) => number) {
    this.#mostBytes = mostBytes;
    this.#sizeOf = sizeOf;
  }

  /** The entry of the topic that follows the position, when it was read ahead. What follows never changes. */
  firstAfter(topic: string, after: Position): Entry | undefined {
    return this.#following.get(keyOf(topic, after));
  }

  /** Remembers consecutive entries of one topic; the first follows `after`. */
  add(topic: string, after: Position, entries: readonly Entry[]): void {
    let before = after;
    for (const entry of entries) {
      this.#remember(keyOf(topic, before), entry);
      before = entry.position;
    }
  }

  /** The object that stands for the entry: the one that somebody holds already, else this one. */
  share(entry: Entry): Entry {
    const held = this.#held.get(entry.position)?.deref();
    if (held !== undefined) return held;
    this.#held.set(entry.position, new WeakRef(entry));
    this.#released.register(entry, entry.position);
    return entry;
  }

  #remember(key: string, entry: Entry): void {
    this.#forget(key);
    this.#following.set(key, entry);
    this.#bytes += this.#sizeOf(entry);
    // Ends when nothing is left, if not before.
    for (const oldest of this.#following.keys()) {
      if (this.#bytes <= this.#mostBytes) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const entry = this.#following.get(key);
    if (entry === undefined) return;
    this.#following.delete(key);
    this.#bytes -= this.#sizeOf(entry);
  }
}

function keyOf(topic: string, after: Position): string {
  return `${after} ${topic}`;
}
