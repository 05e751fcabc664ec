import { ColdEntries, type Range } from './cold-entries.js';
import { EntryQueue } from './entry-queue.js';
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
import { ReadAhead } from './read-ahead.js';

export interface HotTailOptions {
  /** Memory for the newest entries, in bytes. Default 32 MiB. The newest entry is always kept. */
  readonly hotBytes?: number;
  /** Memory for entries read ahead for readers further back, in bytes. Default 16 MiB. */
  readonly coldBytes?: number;
}

/** One topic in memory. Every entry of the topic that follows `completeSince` is among its entries. */
interface TopicTail {
  readonly entries: EntryQueue;
  completeSince: Position;
}

const MIB = 1024 * 1024;
/** What an entry takes besides its body and its headers, with what is made of it to deliver it (measured: 0.6 to 1 KB). */
const ENTRY_BYTES = 1024;
const HEADER_BYTES = 64;
/** Topics without an entry in memory of which it is known since when they are quiet (LAW 8). */
const MOST_QUIET_TOPICS = 100_000;

/**
 * A log whose newest entries are in memory, the same objects for all readers: ten thousand readers at the head read an
 * entry once. Whatever it answers from memory is exactly what the log would answer, except that it may still give an entry
 * that retention is removing at this moment.
 *
 * Memory holds everything after `#floor`. What lies before is known for some topics only: where their last entry before
 * it is (`completeSince`), so that a reader of a quiet topic need not ask the store whether it missed something.
 */
export class HotTail implements Log {
  readonly epoch: string;
  readonly #log: Log;
  readonly #hotBytes: number;
  readonly #cold: ColdEntries;
  readonly #all = new EntryQueue();
  readonly #topics = new Map<string, TopicTail>();
  readonly #quiet = new Map<string, Position>();
  readonly #ahead: ReadAhead;
  readonly #reads = new Map<string, Promise<Entry | 'caught-up' | { readonly gap: Position }>>();
  readonly #listeners = new Set<(entries: readonly Entry[]) => void>();
  #bytes = 0;
  #floor: Position;
  #newest: Position;

  constructor(log: Log, { hotBytes = 32 * MIB, coldBytes = 16 * MIB }: HotTailOptions = {}) {
    this.epoch = log.epoch;
    this.#log = log;
    this.#hotBytes = hotBytes;
    this.#cold = new ColdEntries(coldBytes, sizeOf);
    this.#ahead = new ReadAhead(coldBytes, ENTRY_BYTES);
    // In one turn, so that no entry falls between what is in the store only and what is told.
    this.#floor = this.#newest = log.head();
    log.wake((entries) => this.#onFresh(entries));
  }

  head(): Position {
    return this.#log.head();
  }

  append(entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    return this.#log.append(entries);
  }

  async find(topic: string, position: Position): Promise<Entry | undefined> {
    const hot = this.#all.at(position);
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
    return this.#isBehind() ? undefined : this.#topics.get(topic)?.entries.last;
  }

  /** What follows the position, without waiting; `cold` when only the store can tell: {@link fetch} it. */
  next(topic: string, after: Position): Entry | 'caught-up' | 'cold' {
    if (after < this.#completeSince(topic)) return this.#following(topic, after)?.firstAfter(after) ?? 'cold';
    const entry = this.#topics.get(topic)?.entries.firstAfter(after);
    return entry ?? (this.#isBehind() ? 'cold' : 'caught-up');
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
        if (this.#all.at(first!.position) !== undefined) this.#learn(topic, after);
        return first!;
      }
      if (this.#floor <= head) this.#learn(topic, after);
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
    if (through >= this.#completeSince(topic) || this.#cold.following(topic, through) !== undefined) return;
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
    if (topics.some((topic) => after < this.#completeSince(topic))) {
      const ahead = topics.length === 1 ? this.#following(topics[0]!, after) : undefined;
      return ahead && { kind: 'entries', entries: cut(ahead.after(after, most), most, limit.bytes) };
    }
    const found = [...new Set(topics)].flatMap(
      (topic) => this.#topics.get(topic)?.entries.after(after, most) ?? [],
    );
    if (found.length === 0) return this.#isBehind() ? undefined : { kind: 'caught-up' };
    if (topics.length > 1) found.sort((a, b) => a.position - b.position);
    return { kind: 'entries', entries: cut(found, most, limit.bytes) };
  }

  /** As {@link contentsAfter}, without waiting; `undefined` when only the store can tell. */
  peekContents(after: Position, limit: number): LogContents | undefined {
    if (after < this.#floor) return undefined;
    const entries = this.#all.after(after, limit);
    if (entries.length > 0) return { kind: 'entries', entries };
    return this.#isBehind() ? undefined : { kind: 'caught-up' };
  }

  #onFresh(entries: readonly Entry[]): void {
    for (const entry of entries) this.#add(entry);
    for (const listener of this.#listeners) listener(entries);
  }

  #add(entry: Entry): void {
    if (entry.position <= this.#newest) return;
    let tail = this.#topics.get(entry.topic);
    if (tail === undefined) {
      tail = { entries: new EntryQueue(), completeSince: this.#completeSince(entry.topic) };
      this.#topics.set(entry.topic, tail);
      this.#quiet.delete(entry.topic);
    }
    tail.entries.push(entry);
    this.#all.push(entry);
    this.#newest = entry.position;
    this.#bytes += sizeOf(entry);
    while (this.#bytes > this.#hotBytes && this.#all.size > 1) this.#dropOldest(this.#all.first!);
  }

  #dropOldest(entry: Entry): void {
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

  /** Retention has removed a beginning of the log: what of it is in memory must go too, or a late reader is told of no gap. */
  async #dropTrimmed(): Promise<void> {
    // Each round drops entries, or it is the last.
    for (let oldest = this.#all.first; oldest !== undefined; oldest = this.#all.first) {
      if (oldest.passing) {
        this.#dropOldest(oldest);
        continue;
      }
      const read = await this.#log.read([oldest.topic], this.#floor, { entries: 1, bytes: 0 });
      if (read.kind !== 'gap') return;
      while (this.#all.first !== undefined && this.#all.first.position <= read.resume) {
        this.#dropOldest(this.#all.first);
      }
    }
  }

  #share(entry: Entry): Entry {
    return this.#all.at(entry.position) ?? this.#cold.share(entry);
  }

  #completeSince(topic: string): Position {
    return this.#topics.get(topic)?.completeSince ?? this.#quiet.get(topic) ?? this.#floor;
  }

  /** The store has said that nothing of the topic lies between the position and what is in memory. */
  #learn(topic: string, position: Position): void {
    if (position >= this.#completeSince(topic)) return;
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

  /** The log has entries that it has not told of yet. */
  #isBehind(): boolean {
    return this.#log.head() > this.#newest;
  }
}

function placeOf(topic: string, after: Position): string {
  return `${after} ${topic}`;
}

function sizeOf({ content, headers }: Entry): number {
  let bytes = ENTRY_BYTES + content.body.byteLength;
  for (const name in headers) bytes += HEADER_BYTES + name.length + headers[name]!.length;
  return bytes;
}

/** At most that many entries, up to the one with which their bodies reach the bytes. */
function cut(entries: readonly Entry[], most: number, bytes: number): readonly Entry[] {
  let sum = 0;
  const last = entries.findIndex((entry) => (sum += entry.content.body.byteLength) >= bytes);
  return entries.slice(0, last < 0 ? most : Math.min(last + 1, most));
}
