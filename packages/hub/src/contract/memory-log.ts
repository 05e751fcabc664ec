import {
  BEFORE_ALL,
  type Appended,
  type Entry,
  type Behind,
  type Log,
  type LogContents,
  type LogRead,
  type LogSize,
  type NewEntry,
  type Position,
  type ReadLimit,
  type Retention,
  type Whereabouts,
} from '../log/log.js';

const DAY_MS = 24 * 3_600_000;

/** A log that keeps nothing on disk: for tests, and as the plainest statement of what a log does. */
export class MemoryLog implements Log {
  readonly epoch = 'memory';
  /** How often it was read, for those who promise to read less. */
  reads = 0;
  readonly #listeners = new Set<(entries: readonly Entry[]) => void>();
  readonly #newest = new Map<string, Position>();
  readonly #trimmed = new Map<string, Position>();
  readonly #ids = new Map<string, { readonly position: Position; readonly publishedAt: number }>();
  #entries: Entry[] = [];
  #head: Position = BEFORE_ALL;
  #earliest: Position = BEFORE_ALL;
  #trimmedUntil = -Infinity;

  head(): Position {
    return this.#head;
  }

  async append(entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    // Nothing is durable in the turn of the call.
    await Promise.resolve();
    const fresh: Entry[] = [];
    const appended = entries.map((entry) => this.#append(entry, fresh));
    if (fresh.length > 0) for (const listener of this.#listeners) listener(fresh);
    return appended;
  }

  #append({ idempotent, ...entry }: NewEntry, fresh: Entry[]): Appended {
    const key = JSON.stringify([entry.topic, entry.id]);
    const first = idempotent ? this.#ids.get(key) : undefined;
    if (first !== undefined && entry.publishedAt - first.publishedAt < DAY_MS) {
      return { position: first.position, id: entry.id, fresh: false };
    }
    // A log may count as it likes; only its readers may not.
    const position = (this.#head + 1) as Position;
    const body = Uint8Array.from(entry.content.body);
    const stored: Entry = { ...entry, content: { ...entry.content, body }, position, corrupt: false };
    if (!entry.passing) {
      this.#entries.push(stored);
      this.#newest.set(entry.topic, position);
    }
    if (idempotent) this.#ids.set(key, { position, publishedAt: entry.publishedAt });
    this.#head = position;
    fresh.push(stored);
    return { position, id: entry.id, fresh: true };
  }

  async read(topics: readonly string[], after: Position, limit: ReadLimit): Promise<LogRead> {
    this.reads += 1;
    await Promise.resolve();
    const trimmed = topics.map((topic) => this.#trimmed.get(topic) ?? BEFORE_ALL);
    const resume = trimmed.reduce((newest, position) => (position > newest ? position : newest), after);
    if (resume > after) return { kind: 'gap', resume };
    const found: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#entries) {
      if (entry.position <= after || !topics.includes(entry.topic)) continue;
      // A copy, as from a disk.
      found.push({ ...entry, content: { ...entry.content, body: Uint8Array.from(entry.content.body) } });
      bytes += entry.content.body.byteLength;
      if (found.length >= limit.entries || bytes >= limit.bytes) break;
    }
    return found.length > 0 ? { kind: 'entries', entries: found } : { kind: 'caught-up' };
  }

  async find(topic: string, position: Position): Promise<Entry | undefined> {
    await Promise.resolve();
    return this.#entries.find((entry) => entry.topic === topic && entry.position === position);
  }

  async contentsAfter(after: Position, limit: number): Promise<LogContents> {
    await Promise.resolve();
    if (this.#earliest > after) return { kind: 'gap', resume: this.#earliest };
    const entries = this.#entries.filter(({ position }) => position > after).slice(0, limit);
    return entries.length > 0
      ? { kind: 'entries', entries: entries.map(whereaboutsOf) }
      : { kind: 'caught-up' };
  }

  async contentsThrough(through: Position, limit: number): Promise<readonly Whereabouts[]> {
    await Promise.resolve();
    const entries = this.#entries.filter(({ position }) => position <= through);
    return entries.toReversed().slice(0, limit).map(whereaboutsOf);
  }

  async named(id: string, limit: number): Promise<readonly Whereabouts[]> {
    await Promise.resolve();
    const entries = this.#entries.filter((entry) => entry.id === id);
    return entries.toReversed().slice(0, limit).map(whereaboutsOf);
  }

  async earliest(): Promise<Position> {
    await Promise.resolve();
    return this.#earliest;
  }

  async last(topics: readonly string[], count: number): Promise<Position> {
    await Promise.resolve();
    const entries = this.#entries.filter(({ topic }) => topics.includes(topic));
    return entries.at(-count - 1)?.position ?? this.#earliest;
  }

  async since(time: number): Promise<Position> {
    await Promise.resolve();
    const older = this.#entries.filter(({ publishedAt }) => publishedAt < time);
    const latest = Math.max(...older.map(({ publishedAt }) => publishedAt));
    const found = older.findLast(({ publishedAt }) => publishedAt === latest);
    if (found !== undefined) return found.position;
    return this.#trimmedUntil >= time ? BEFORE_ALL : this.#earliest;
  }

  async sinceEventTime(topic: string, time: number): Promise<Position> {
    await Promise.resolve();
    const ofTopic = this.#entries.filter((entry) => entry.topic === topic);
    const first = ofTopic.findIndex(({ eventTime }) => eventTime !== undefined && eventTime >= time);
    if (first < 0) return this.#head;
    return ofTopic[first - 1]?.position ?? this.#trimmed.get(topic) ?? BEFORE_ALL;
  }

  async before(topic: string, time: number): Promise<Position> {
    await Promise.resolve();
    const older = this.#entries.findLast((entry) => entry.topic === topic && entry.publishedAt < time);
    return older?.position ?? this.#trimmed.get(topic) ?? BEFORE_ALL;
  }

  async behind(topic: string, after: Position, most: number): Promise<Behind> {
    await Promise.resolve();
    const later = this.#entries.filter((entry) => entry.topic === topic && entry.position > after);
    const counted = later.slice(0, most);
    const bytes = counted.reduce((sum, { content }) => sum + content.body.byteLength, 0);
    return { entries: counted.length, bytes, since: later[0]?.publishedAt ?? null };
  }

  async newest(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    await Promise.resolve();
    return new Map([...this.#newest].filter(([topic]) => topics.includes(topic)));
  }

  async size(): Promise<LogSize> {
    await Promise.resolve();
    const bytes = this.#entries.reduce((sum, { content }) => sum + content.body.byteLength, 0);
    return { entries: this.#entries.length, bytes };
  }

  wake(listener: (entries: readonly Entry[]) => void): () => void {
    const own = (entries: readonly Entry[]): void => listener(entries);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  async trim({ ageMs, count, bytes }: Retention, now: number): Promise<number> {
    await Promise.resolve();
    let { bytes: size } = await this.size();
    let removed = 0;
    for (const { topic, position, publishedAt, content } of this.#entries) {
      if (publishedAt >= now - ageMs && this.#entries.length - removed <= count && size <= bytes) break;
      this.#trimmed.set(topic, position);
      this.#earliest = position;
      this.#trimmedUntil = Math.max(this.#trimmedUntil, publishedAt);
      size -= content.body.byteLength;
      removed += 1;
    }
    this.#entries = this.#entries.slice(removed);
    return removed;
  }
}

function whereaboutsOf({ topic, position }: Entry): Whereabouts {
  return { topic, position };
}
