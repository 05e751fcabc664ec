import { EntryQueue } from './entry-queue.js';
import { sizeOf } from './entry-size.js';
import type { Entry, Position } from './log.js';

/** The entries of one topic. Every entry of the topic that follows `completeSince` is among them. */
interface TopicTail {
  readonly entries: EntryQueue;
  completeSince: Position;
}

/** Topics without an entry in memory of which it is known since when they are quiet (LAW 8). */
const MOST_QUIET_TOPICS = 100_000;

/**
 * The newest entries of a log, as many as fit into some memory, of all topics together and of each.
 *
 * They are everything after `#floor`. What lies before is known for some topics only: where their last entry before it is,
 * so that a reader of a quiet topic need not ask the store whether it missed something.
 */
export class NewestEntries {
  readonly #mostBytes: number;
  readonly #all = new EntryQueue();
  readonly #topics = new Map<string, TopicTail>();
  /** Since when topics without an entry here have had none, the longest known first. */
  readonly #quiet = new Map<string, Position>();
  #bytes = 0;
  #floor: Position;
  #newest: Position;

  /** Begins without any, behind the head of the log. */
  constructor(mostBytes: number, head: Position) {
    this.#mostBytes = mostBytes;
    this.#floor = this.#newest = head;
  }

  /** Everything that follows this position is here. */
  get floor(): Position {
    return this.#floor;
  }

  /** The position of the newest; of the head that it began with, while there is none. */
  get newest(): Position {
    return this.#newest;
  }

  get oldest(): Entry | undefined {
    return this.#all.first;
  }

  at(position: Position): Entry | undefined {
    return this.#all.at(position);
  }

  /** At most `limit` entries of whatever topic that follow the position. */
  after(position: Position, limit: number): readonly Entry[] {
    return this.#all.after(position, limit);
  }

  /** At most `limit` entries of the topic that follow the position. */
  afterOf(topic: string, position: Position, limit: number): readonly Entry[] {
    return this.#topics.get(topic)?.entries.after(position, limit) ?? [];
  }

  firstAfterOf(topic: string, position: Position): Entry | undefined {
    return this.#topics.get(topic)?.entries.firstAfter(position);
  }

  lastOf(topic: string): Entry | undefined {
    return this.#topics.get(topic)?.entries.last;
  }

  /** Every entry of the topic that follows this position is here. */
  completeSince(topic: string): Position {
    return this.#topics.get(topic)?.completeSince ?? this.#quiet.get(topic) ?? this.#floor;
  }

  /** Takes the next of the log; the oldest make room for it. The newest stays, however large. */
  add(entry: Entry): void {
    if (entry.position <= this.#newest) return;
    let tail = this.#topics.get(entry.topic);
    if (tail === undefined) {
      tail = { entries: new EntryQueue(), completeSince: this.completeSince(entry.topic) };
      this.#topics.set(entry.topic, tail);
      this.#quiet.delete(entry.topic);
    }
    tail.entries.push(entry);
    this.#all.push(entry);
    this.#newest = entry.position;
    this.#bytes += sizeOf(entry);
    while (this.#bytes > this.#mostBytes && this.#all.size > 1) this.dropOldest();
  }

  dropOldest(): void {
    const entry = this.#all.first;
    if (entry === undefined) return;
    // Whatever is in the queue is in the tail of its topic too, and the oldest of all is the oldest there.
    const tail = this.#topics.get(entry.topic)!;
    this.#all.shift();
    tail.entries.shift();
    this.#bytes -= sizeOf(entry);
    this.#floor = tail.completeSince = entry.position;
    if (tail.entries.size > 0) return;
    this.#topics.delete(entry.topic);
    this.#rememberQuiet(entry.topic, entry.position);
  }

  /** The store has said that nothing of the topic lies between the position and what is here. */
  learn(topic: string, position: Position): void {
    if (position >= this.completeSince(topic)) return;
    const tail = this.#topics.get(topic);
    if (tail !== undefined) tail.completeSince = position;
    else this.#rememberQuiet(topic, position);
  }

  #rememberQuiet(topic: string, since: Position): void {
    this.#quiet.set(topic, since);
    if (this.#quiet.size <= MOST_QUIET_TOPICS) return;
    // Forgetting costs a look into the store, nothing else.
    for (const oldest of this.#quiet.keys()) {
      this.#quiet.delete(oldest);
      return;
    }
  }
}
