import type { Content } from '@websub/shared';
import { sizeOf } from '../../log/entry-size.js';
import type {
  Appended,
  Entry,
  Behind,
  Log,
  LogContents,
  LogRead,
  LogSize,
  NewEntry,
  Position,
  ReadLimit,
  Retention,
  Whereabouts,
} from '../../log/log.js';
import type { StoreThread } from './store-thread.js';

/** Topics asked about in one command, so that a start with a million of them keeps nobody waiting. */
const TOPICS_AT_ONCE = 1_000;

/** The log in SQLite. */
export class SqliteLog implements Log {
  readonly epoch: string;
  readonly #thread: StoreThread;
  readonly #listeners = new Set<(entries: readonly Entry[]) => void>();
  #head: Position;
  #fresh: Entry[] = [];

  constructor(thread: StoreThread) {
    this.#thread = thread;
    this.epoch = thread.identity.epoch;
    this.#head = thread.identity.head;
  }

  head(): Position {
    return this.#head;
  }

  async append(entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    if (entries.length === 0) return [];
    const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
    const appended = await this.#thread.call('append', [entries.map(toSend)], bytes);
    this.#durable(entries, appended);
    return appended;
  }

  /** Runs in the order of the commits, for all calls of a group in one turn: their listeners are woken together. */
  #durable(entries: readonly NewEntry[], appended: readonly Appended[]): void {
    if (this.#fresh.length === 0) queueMicrotask(() => this.#wake());
    for (const [index, { position, fresh }] of appended.entries()) {
      if (!fresh) continue;
      this.#head = position;
      this.#fresh.push(entryOf(entries[index]!, position));
    }
  }

  #wake(): void {
    const entries = this.#fresh;
    this.#fresh = [];
    if (entries.length === 0) return;
    for (const listener of this.#listeners) listener(entries);
  }

  size(): Promise<LogSize> {
    return this.#thread.call('logSize', []);
  }

  wake(listener: (entries: readonly Entry[]) => void): () => void {
    // A listener of its own for each call, so that the same function given twice is ended once at a time.
    const own = (entries: readonly Entry[]): void => listener(entries);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  read(topics: readonly string[], after: Position, limit: ReadLimit): Promise<LogRead> {
    return this.#thread.call('readLog', [topics, after, limit]);
  }

  find(topic: string, position: Position): Promise<Entry | undefined> {
    return this.#thread.call('findEntry', [topic, position]);
  }

  contentsAfter(after: Position, limit: number): Promise<LogContents> {
    return this.#thread.call('contentsAfter', [after, limit]);
  }

  contentsThrough(position: Position, limit: number): Promise<readonly Whereabouts[]> {
    return this.#thread.call('contentsThrough', [position, limit]);
  }

  named(id: string, limit: number): Promise<readonly Whereabouts[]> {
    return this.#thread.call('findNamed', [id, limit]);
  }

  earliest(): Promise<Position> {
    return this.#thread.call('earliest', []);
  }

  last(topics: readonly string[], count: number): Promise<Position> {
    return this.#thread.call('positionOfLast', [topics, count]);
  }

  since(time: number): Promise<Position> {
    return this.#thread.call('positionSince', [time]);
  }

  sinceEventTime(topic: string, time: number): Promise<Position> {
    return this.#thread.call('positionSinceEventTime', [topic, time]);
  }

  before(topic: string, time: number): Promise<Position> {
    return this.#thread.call('positionBefore', [topic, time]);
  }

  behind(topic: string, after: Position, most: number): Promise<Behind> {
    return this.#thread.call('behind', [topic, after, most]);
  }

  async newest(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    const newest = new Map<string, Position>();
    for (let start = 0; start < topics.length; start += TOPICS_AT_ONCE) {
      const part = await this.#thread.call('newest', [topics.slice(start, start + TOPICS_AT_ONCE)]);
      for (const [topic, position] of part) newest.set(topic, position);
    }
    return newest;
  }

  async trim(retention: Retention, now: number): Promise<number> {
    let removed = 0;
    // Each round removes something, and what is appended meanwhile is young: this ends.
    for (;;) {
      const round = await this.#thread.call('trimLog', [retention, now]);
      removed += round.removed;
      if (!round.more) return removed;
    }
  }
}

/**
 * A view sends all of the memory behind it to the thread. Small buffers share a slab of 8 KiB, which is sent once for all of
 * them: that costs less than memory of its own for each, here and there.
 */
function toSend(entry: NewEntry): NewEntry {
  const isShared = entry.content.body.buffer.byteLength <= Buffer.poolSize;
  return isShared ? entry : { ...entry, content: withOwnMemory(entry.content) };
}

/**
 * An entry stays in memory: its body with none of the memory around it, and its members written out, since V8 11 gives each
 * copy by `...` to which more is added a hidden class of its own (270 bytes).
 */
function entryOf(appended: NewEntry, position: Position): Entry {
  const { topic, id, content, headers, publishedAt, type, subject, eventTime, passing } = appended;
  return {
    topic,
    id,
    content: withOwnMemory(content),
    headers,
    publishedAt,
    position,
    corrupt: false,
    ...(type !== undefined && { type }),
    ...(subject !== undefined && { subject }),
    ...(eventTime !== undefined && { eventTime }),
    ...(passing !== undefined && { passing }),
  };
}

function withOwnMemory(content: Content): Content {
  const { body } = content;
  return body.buffer.byteLength === body.byteLength ? content : { ...content, body: new Uint8Array(body) };
}
