import { ColdEntries, type Range } from './cold-entries.js';
import type { EntryQueue } from './entry-queue.js';
import { ENTRY_BYTES, sizeOf } from './entry-size.js';
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
} from './log.js';
import { NewestEntries } from './newest-entries.js';
import { ReadAhead } from './read-ahead.js';

export interface HotTailOptions {
  /** Memory for the newest entries, in bytes. Default 32 MiB. The newest entry is always kept. */
  readonly hotBytes?: number;
  /** Memory for entries read ahead for readers further back, in bytes. Default 16 MiB. */
  readonly coldBytes?: number;
}

const MIB = 1024 * 1024;

/**
 * A log whose newest entries are in memory, the same objects for all readers: ten thousand readers at the head read an
 * entry once. Whatever it answers from memory is exactly what the log would answer, except that it may still give an entry
 * that retention is removing at this moment.
 */
export class HotTail implements Log {
  readonly epoch: string;
  readonly #log: Log;
  readonly #hot: NewestEntries;
  readonly #cold: ColdEntries;
  readonly #ahead: ReadAhead;
  readonly #reads = new Map<string, Promise<Entry | 'caught-up' | { readonly gap: Position }>>();
  readonly #listeners = new Set<(entries: readonly Entry[]) => void>();

  constructor(log: Log, { hotBytes = 32 * MIB, coldBytes = 16 * MIB }: HotTailOptions = {}) {
    this.epoch = log.epoch;
    this.#log = log;
    this.#cold = new ColdEntries(coldBytes, sizeOf);
    this.#ahead = new ReadAhead(coldBytes, ENTRY_BYTES);
    // In one turn, so that no entry falls between what is in the store only and what is told.
    this.#hot = new NewestEntries(hotBytes, log.head());
    log.wake((entries) => this.#onFresh(entries));
  }

  head(): Position {
    return this.#log.head();
  }

  append(entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    return this.#log.append(entries);
  }

  async find(topic: string, position: Position): Promise<Entry | undefined> {
    const hot = this.#hot.at(position);
    if (hot !== undefined) return hot.topic === topic ? hot : undefined;
    return this.#log.find(topic, position);
  }

  async contentsAfter(after: Position, limit: number): Promise<LogContents> {
    return this.peekContents(after, limit) ?? this.#log.contentsAfter(after, limit);
  }

  contentsThrough(position: Position, limit: number): Promise<readonly Whereabouts[]> {
    return this.#log.contentsThrough(position, limit);
  }

  named(id: string, limit: number): Promise<readonly Whereabouts[]> {
    return this.#log.named(id, limit);
  }

  earliest(): Promise<Position> {
    return this.#log.earliest();
  }

  last(topics: readonly string[], count: number): Promise<Position> {
    return this.#log.last(topics, count);
  }

  since(time: number): Promise<Position> {
    return this.#log.since(time);
  }

  sinceEventTime(topic: string, time: number): Promise<Position> {
    return this.#log.sinceEventTime(topic, time);
  }

  before(topic: string, time: number): Promise<Position> {
    return this.#log.before(topic, time);
  }

  behind(topic: string, after: Position, most: number): Promise<Behind> {
    return this.#log.behind(topic, after, most);
  }

  newest(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    return this.#log.newest(topics);
  }

  size(): Promise<LogSize> {
    return this.#log.size();
  }

  /** As the log's; the entries are in memory before anybody is told. */
  wake(listener: (entries: readonly Entry[]) => void): () => void {
    const own = (entries: readonly Entry[]): void => listener(entries);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** The topic's newest entry, when it is in memory. */
  newestOf(topic: string): Entry | undefined {
    return this.#isBehind() ? undefined : this.#hot.lastOf(topic);
  }

  /** What follows the position, without waiting; `cold` when only the store can tell: {@link fetch} it. */
  next(topic: string, after: Position): Entry | 'caught-up' | 'cold' {
    if (after < this.#hot.completeSince(topic))
      return this.#following(topic, after)?.firstAfter(after) ?? 'cold';
    return this.#hot.firstAfterOf(topic, after) ?? (this.#isBehind() ? 'cold' : 'caught-up');
  }

  /**
   * What follows the position, from the store: an entry, or the position to go on after when retention was faster. All
   * who ask for the same place meanwhile share one read, and all who hold an entry share the object. Rejects as
   * {@link read}.
   */
  fetch(topic: string, after: Position): Promise<Entry | 'caught-up' | { readonly gap: Position }> {
    const key = placeOf(topic, after);
    let read = this.#reads.get(key);
    if (read === undefined) {
      read = this.#fetch(topic, after).finally(() => this.#reads.delete(key));
      this.#reads.set(key, read);
    }
    return read;
  }

  async #fetch(topic: string, after: Position): Promise<Entry | 'caught-up' | { readonly gap: Position }> {
    // Another round only when so much was published during the read that memory has lost the beginning of it.
    for (;;) {
      const head = this.#log.head();
      const limit = this.#ahead.limitAfter(after);
      const read = await this.#log.read([topic], after, limit);
      if (read.kind === 'gap') return { gap: read.resume };
      if (read.kind === 'entries') {
        const entries = read.entries.map((entry) => this.#share(entry));
        const range = this.#cold.add(topic, after, entries);
        if (range !== undefined) this.#ahead.note(range, limit);
        const [first] = entries;
        if (this.#hot.at(first!.position) !== undefined) this.#hot.learn(topic, after);
        return first!;
      }
      if (this.#hot.floor <= head) this.#hot.learn(topic, after);
      // The answer may be older than what was published meanwhile.
      const next = this.next(topic, after);
      if (next !== 'cold') return next;
    }
  }

  /** What was read ahead of the position. Who is far back has the next range read while this one is taken. */
  #following(topic: string, after: Position): EntryQueue | undefined {
    const range = this.#cold.following(topic, after);
    if (range === undefined) return undefined;
    if (this.#ahead.touch(range)) this.#readOn(range);
    return range.entries;
  }

  #readOn({ topic, through }: Range): void {
    if (through >= this.#hot.completeSince(topic) || this.#cold.following(topic, through) !== undefined)
      return;
    // Whoever comes there asks again, and is told.
    this.fetch(topic, through).catch(() => undefined);
  }

  async read(topics: readonly string[], after: Position, limit: ReadLimit): Promise<LogRead> {
    const hot = this.peek(topics, after, limit);
    if (hot !== undefined) return hot;
    const read = await this.#log.read(topics, after, limit);
    if (read.kind !== 'entries') return read;
    return { kind: 'entries', entries: read.entries.map((entry) => this.#share(entry)) };
  }

  async trim(retention: Retention, now: number): Promise<number> {
    const removed = await this.#log.trim(retention, now);
    if (removed > 0) await this.#dropTrimmed();
    return removed;
  }

  /** As {@link read}, without waiting; `undefined` when only the store can tell. */
  peek(topics: readonly string[], after: Position, limit: ReadLimit): LogRead | undefined {
    const most = Math.max(1, limit.entries);
    if (topics.some((topic) => after < this.#hot.completeSince(topic))) {
      const ahead = topics.length === 1 ? this.#following(topics[0]!, after) : undefined;
      return ahead && { kind: 'entries', entries: cut(ahead.after(after, most), most, limit.bytes) };
    }
    const found = [...new Set(topics)].flatMap((topic) => this.#hot.afterOf(topic, after, most));
    if (found.length === 0) return this.#isBehind() ? undefined : { kind: 'caught-up' };
    if (topics.length > 1) found.sort((a, b) => a.position - b.position);
    return { kind: 'entries', entries: cut(found, most, limit.bytes) };
  }

  /** As {@link contentsAfter}, without waiting; `undefined` when only the store can tell. */
  peekContents(after: Position, limit: number): LogContents | undefined {
    if (after < this.#hot.floor) return undefined;
    const entries = this.#hot.after(after, limit);
    if (entries.length > 0) return { kind: 'entries', entries };
    return this.#isBehind() ? undefined : { kind: 'caught-up' };
  }

  #onFresh(entries: readonly Entry[]): void {
    for (const entry of entries) this.#hot.add(entry);
    for (const listener of this.#listeners) listener(entries);
  }

  /** Retention has removed a beginning of the log: what of it is in memory must go too, or a late reader is told of no gap. */
  async #dropTrimmed(): Promise<void> {
    this.#cold.clear();
    // Each round drops entries, or it is the last.
    for (let oldest = this.#hot.oldest; oldest !== undefined; oldest = this.#hot.oldest) {
      if (oldest.passing) {
        this.#hot.dropOldest();
        continue;
      }
      const read = await this.#log.read([oldest.topic], this.#hot.floor, { entries: 1, bytes: 0 });
      if (read.kind !== 'gap') return;
      while (this.#hot.oldest !== undefined && this.#hot.oldest.position <= read.resume)
        this.#hot.dropOldest();
    }
  }

  #share(entry: Entry): Entry {
    return this.#hot.at(entry.position) ?? this.#cold.share(entry);
  }

  /** The log has entries that it has not told of yet. */
  #isBehind(): boolean {
    return this.#log.head() > this.#hot.newest;
  }
}

function placeOf(topic: string, after: Position): string {
  return `${after} ${topic}`;
}

/** At most that many entries, up to the one with which their bodies reach the bytes. */
function cut(entries: readonly Entry[], most: number, bytes: number): readonly Entry[] {
  let sum = 0;
  const last = entries.findIndex((entry) => (sum += entry.content.body.byteLength) >= bytes);
  return entries.slice(0, last < 0 ? most : Math.min(last + 1, most));
}
