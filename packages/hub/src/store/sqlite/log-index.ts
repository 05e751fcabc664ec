import { BEFORE_ALL, type Behind, type LogContents, type Position, type Whereabouts } from '../../log/log.js';
import type { Database, Statement } from './sqlite-driver.js';
import type { TopicNumbers } from './topic-numbers.js';

/** Where entries of the log lie and how many they are, without the entries; runs in the store's thread. */
export class LogIndex {
  readonly #topics: TopicNumbers;
  readonly #trimming: Statement;
  readonly #after: Statement;
  readonly #through: Statement;
  readonly #named: Statement;
  readonly #newestOf: Statement;
  readonly #before: Statement;
  readonly #firstByEventTime: Statement;
  readonly #precedes: Statement;
  readonly #lastBefore: Statement;
  readonly #countAfter: Statement;
  readonly #firstAfter: Statement;
  readonly #trimmedOf: Statement;
  readonly #head: Statement;

  constructor(database: Database, topics: TopicNumbers) {
    this.#topics = topics;
    this.#trimming = database.prepare('SELECT trimmed AS position, trimmed_until AS until FROM log');
    const whereabouts = 'SELECT url AS topic, position FROM entry JOIN topic ON topic.number = entry.topic';
    this.#after = database.prepare(`${whereabouts} WHERE position > ? ORDER BY position LIMIT ?`);
    this.#through = database.prepare(`${whereabouts} WHERE position <= ? ORDER BY position DESC LIMIT ?`);
    this.#named = database.prepare(`${whereabouts} WHERE id = ? ORDER BY position DESC LIMIT ?`);
    this.#newestOf = database.prepare(
      'SELECT position FROM entry WHERE topic = ? ORDER BY position DESC LIMIT ?',
    );
    this.#before = database.prepare(
      'SELECT position FROM entry WHERE published_at < ? ORDER BY published_at DESC, position DESC LIMIT 1',
    );
    this.#firstByEventTime = database.prepare(
      'SELECT min(position) AS position FROM entry WHERE topic = ? AND event_time >= ?',
    );
    this.#precedes = database.prepare(`
      SELECT coalesce(
        (SELECT position FROM entry WHERE topic = ?1 AND position < ?2 ORDER BY position DESC LIMIT 1),
        (SELECT trimmed FROM topic WHERE number = ?1)) AS position`);
    this.#lastBefore = database.prepare(
      'SELECT position FROM entry WHERE topic = ? AND published_at < ? ORDER BY position DESC LIMIT 1',
    );
    this.#countAfter = database.prepare(
      // Of a body as a blob its length is known without reading it.
      `SELECT count(*) AS entries, coalesce(sum(bytes), 0) AS bytes FROM
         (SELECT length(body) AS bytes FROM entry WHERE topic = ? AND position > ? LIMIT ?)`,
    );
    this.#firstAfter = database.prepare(
      'SELECT published_at AS since FROM entry WHERE topic = ? AND position > ? ORDER BY position LIMIT 1',
    );
    this.#trimmedOf = database.prepare('SELECT trimmed AS position FROM topic WHERE number = ?');
    this.#head = database.prepare(`SELECT seq AS position FROM sqlite_sequence WHERE name = 'entry'`);
  }

  contentsAfter(after: Position, limit: number): LogContents {
    const resume = this.earliest();
    if (resume > after) return { kind: 'gap', resume };
    const entries = this.#after.all(after, limit) as Whereabouts[];
    return entries.length > 0 ? { kind: 'entries', entries } : { kind: 'caught-up' };
  }

  contentsThrough(position: Position, limit: number): readonly Whereabouts[] {
    return this.#through.all(position, limit) as Whereabouts[];
  }

  named(id: string, limit: number): readonly Whereabouts[] {
    return this.#named.all(id, limit) as Whereabouts[];
  }

  earliest(): Position {
    return (this.#trimming.get() as { position: Position }).position;
  }

  last(topics: readonly string[], count: number): Position {
    const newest = this.#topics
      .find(topics)
      .flatMap((topic) => this.#newestOf.all(topic, count + 1) as { position: Position }[])
      .map(({ position }) => position)
      .sort((a, b) => b - a);
    // What is left of all topics follows the newest entry that was removed of any.
    return newest[count] ?? this.earliest();
  }

  since(time: number): Position {
    const older = this.#before.get(time) as { position: Position } | undefined;
    if (older !== undefined) return older.position;
    const { position, until } = this.#trimming.get() as { position: Position; until: number };
    return until >= time ? BEFORE_ALL : position;
  }

  sinceEventTime(url: string, time: number): Position {
    const [topic] = this.#topics.find([url]);
    const first =
      topic === undefined
        ? null
        : (this.#firstByEventTime.get(topic, time) as { position: Position | null }).position;
    if (topic === undefined || first === null)
      return (this.#head.get() as { position: Position } | undefined)?.position ?? BEFORE_ALL;
    return (this.#precedes.get(topic, first) as { position: Position }).position;
  }

  before(url: string, time: number): Position {
    const [topic] = this.#topics.find([url]);
    if (topic === undefined) return BEFORE_ALL;
    const older = this.#lastBefore.get(topic, time) as { position: Position } | undefined;
    return older?.position ?? this.#trimmed(topic);
  }

  behind(url: string, after: Position, most: number): Behind {
    const [topic] = this.#topics.find([url]);
    if (topic === undefined) return { entries: 0, bytes: 0, since: null };
    const counted = this.#countAfter.get(topic, after, most) as { entries: number; bytes: number };
    const first = this.#firstAfter.get(topic, after) as { since: number } | undefined;
    return { ...counted, since: first?.since ?? null };
  }

  newest(topics: readonly string[]): ReadonlyMap<string, Position> {
    const newest = new Map<string, Position>();
    for (const url of topics) {
      const [topic] = this.#topics.find([url]);
      if (topic === undefined) continue;
      const last = this.#newestOf.get(topic, 1) as { position: Position } | undefined;
      const position = last?.position ?? this.#trimmed(topic);
      if (position > BEFORE_ALL) newest.set(url, position);
    }
    return newest;
  }

  /** The newest of the topic's entries that retention removed. */
  #trimmed(topic: number): Position {
    return (this.#trimmedOf.get(topic) as { position: Position }).position;
  }
}
