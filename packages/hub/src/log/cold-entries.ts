import { EntryQueue } from './entry-queue.js';
import type { Entry, Position } from './log.js';

/** Consecutive entries of one topic that were read ahead. */
export interface Range {
  readonly topic: string;
  /** The first follows this position. */
  readonly after: Position;
  /** The position of the last. */
  readonly through: Position;
  readonly entries: EntryQueue;
}

/** To have an entry with less of a body twice costs less than to remember who holds it. */
const SHARED_BYTES = 4 * 1024;

/**
 * Entries that were read from the store for readers further back: a few that were read ahead, bounded by their bytes, and
 * whatever of size somebody still holds, so that the next reader is given the same object and not a copy of the body.
 */
export class ColdEntries {
  readonly #mostBytes: number;
  readonly #sizeOf: (entry: Entry) => number;
  /** With what their entries take; the least recently read first. */
  readonly #ranges = new Map<Range, number>();
  /** The same by topic, in log order. None lies within another, so of those that begin before a position the last reaches furthest. */
  readonly #byTopic = new Map<string, readonly Range[]>();
  readonly #held = new Map<Position, WeakRef<Entry>>();
  readonly #released = new FinalizationRegistry<Position>((position) => {
    if (this.#held.get(position)?.deref() === undefined) this.#held.delete(position);
  });
  #bytes = 0;

  constructor(mostBytes: number, sizeOf: (entry: Entry) => number) {
    this.#mostBytes = mostBytes;
    this.#sizeOf = sizeOf;
  }

  /** What was read ahead and has the entry of the topic that follows the position. What follows never changes. */
  following(topic: string, after: Position): Range | undefined {
    const ranges = this.#byTopic.get(topic) ?? [];
    const range = ranges[countBegun(ranges, after) - 1];
    return range !== undefined && after < range.through ? range : undefined;
  }

  /** Remembers consecutive entries of one topic, the first of which follows `after`: as many of them as there is room for. */
  add(topic: string, after: Position, entries: readonly Entry[]): Range | undefined {
    const last = entries.at(-1);
    if (last === undefined) return undefined;
    const bytes = entries.reduce((sum, entry) => sum + this.#sizeOf(entry), 0);
    // A read ends with what is large.
    if (bytes > this.#mostBytes) return this.add(topic, after, entries.slice(0, -1));
    const known = this.#byTopic.get(topic) ?? [];
    const around = known[countBegun(known, after) - 1];
    if (around !== undefined && around.through >= last.position) return around;
    for (const each of known) if (each.after >= after && each.through <= last.position) this.#remove(each);
    const range = { topic, after, through: last.position, entries: new EntryQueue(entries) };
    this.#insert(range);
    this.#ranges.set(range, bytes);
    this.#bytes += bytes;
    // Ends with this range at the latest, for which alone there is room.
    for (const oldest of this.#ranges.keys()) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#remove(oldest);
    }
    return range;
  }

  /** Forgets what was read ahead. */
  clear(): void {
    this.#ranges.clear();
    this.#byTopic.clear();
    this.#bytes = 0;
  }

  /** The object that stands for the entry: the one that somebody holds already, else this one. */
  share(entry: Entry): Entry {
    if (entry.content.body.byteLength < SHARED_BYTES) return entry;
    const held = this.#held.get(entry.position)?.deref();
    if (held !== undefined) return held;
    this.#held.set(entry.position, new WeakRef(entry));
    this.#released.register(entry, entry.position);
    return entry;
  }

  #insert(range: Range): void {
    const ranges = this.#byTopic.get(range.topic) ?? [];
    this.#byTopic.set(range.topic, ranges.toSpliced(countBegun(ranges, range.after), 0, range));
  }

  #remove(range: Range): void {
    this.#bytes -= this.#ranges.get(range) ?? 0;
    this.#ranges.delete(range);
    const left = (this.#byTopic.get(range.topic) ?? []).filter((other) => other !== range);
    if (left.length > 0) this.#byTopic.set(range.topic, left);
    else this.#byTopic.delete(range.topic);
  }
}

/** How many of the ranges, which are in log order, begin at the position or before it. */
function countBegun(ranges: readonly Range[], position: Position): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]!.after <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
