import { createHash } from 'node:crypto';
import {
  type Appended,
  type Entry,
  type LogRead,
  type LogSize,
  type NewEntry,
  type Position,
  type ReadLimit,
} from '../../log/log.js';
import type { Database, Statement } from './sqlite-driver.js';
import type { TopicNumbers } from './topic-numbers.js';

/** For so long the id of an entry is remembered. */
export const IDEMPOTENT_MS = 24 * 3600_000;
const NO_BODY = new Uint8Array(0);
const LOST = {
  topic: '',
  content: { body: NO_BODY, contentType: '' },
  headers: {},
  publishedAt: 0,
  corrupt: true,
} as const;

/** Some entries, looked at for damage. */
interface Examined {
  readonly count: number;
  readonly damaged: readonly Entry[];
  /** Where to go on; absent at the end. */
  readonly last?: Position;
}

interface EntryRow {
  readonly id: string;
  readonly type: string | null;
  readonly subject: string | null;
  readonly content_type: string;
  readonly headers: string;
  readonly published_at: number;
  readonly digest: Uint8Array;
  readonly body: Uint8Array;
  readonly event_time: number | null;
}

/** The log as tables; runs in the store's thread, inside the transaction of the caller. */
export class LogTables {
  readonly #topics: TopicNumbers;
  readonly #insertEntry: Statement;
  readonly #addToTotals: Statement;
  readonly #findRecentId: Statement;
  readonly #saveRecentId: Statement;
  readonly #trimmedOf: Statement;
  readonly #positionsAfter: Statement;
  readonly #entryAt: Statement;
  readonly #topicAt: Statement;
  readonly #allAfter: Statement;
  readonly #identity: Statement;
  readonly #head: Statement;
  readonly #removeAt: Statement;

  constructor(database: Database, topics: TopicNumbers) {
    this.#topics = topics;
    this.#insertEntry = database.prepare(`
      INSERT INTO entry (topic, id, type, subject, content_type, headers, published_at, digest, body, event_time)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING position`);
    this.#addToTotals = database.prepare('UPDATE log SET entries = entries + ?, bytes = bytes + ?');
    this.#findRecentId = database.prepare(
      'SELECT position, published_at FROM recent_id WHERE topic = ? AND id = ?',
    );
    this.#saveRecentId = database.prepare(
      'INSERT OR REPLACE INTO recent_id (topic, id, position, published_at) VALUES (?, ?, ?, ?)',
    );
    this.#trimmedOf = database.prepare('SELECT trimmed FROM topic WHERE number = ?');
    this.#positionsAfter = database.prepare(
      'SELECT position FROM entry WHERE topic = ? AND position > ? ORDER BY position LIMIT ?',
    );
    this.#entryAt = database.prepare(`
      SELECT coalesce(url, '') AS url, id, type, subject, content_type, headers, published_at, digest, body, event_time
      FROM entry LEFT JOIN topic ON topic.number = entry.topic WHERE position = ?`);
    this.#topicAt = database.prepare(
      'SELECT 1 FROM entry LEFT JOIN topic ON topic.number = entry.topic WHERE position = ? AND url = ?',
    );
    this.#allAfter = database.prepare(
      'SELECT position FROM entry NOT INDEXED WHERE position > ? ORDER BY position LIMIT ?',
    );
    this.#identity = database.prepare('SELECT epoch, entries, bytes FROM log');
    this.#head = database.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'entry'`);
    this.#removeAt = database.prepare('DELETE FROM entry WHERE position = ?');
  }

  identity(): { readonly epoch: string; readonly head: Position } {
    const { epoch } = this.#identity.get() as { epoch: string };
    const { seq } = (this.#head.get() ?? { seq: 0 }) as { seq: Position };
    return { epoch, head: seq };
  }

  append(entries: readonly NewEntry[]): readonly Appended[] {
    return entries.map((entry) => this.#appendOne(entry));
  }

  #appendOne(entry: NewEntry): Appended {
    const topic = this.#topics.numberOf(entry.topic);
    const first = entry.idempotent ? this.#firstWith(topic, entry) : undefined;
    if (first !== undefined) return { position: first, id: entry.id, fresh: false };
    const { id, type = null, subject = null, content, publishedAt, eventTime = null } = entry;
    const headers = JSON.stringify(entry.headers);
    const fields = [entry.topic, id, type, content.contentType, headers, publishedAt];
    const digest = digestOf(fields, [subject, eventTime], content.body);
    const { position } = this.#insertEntry.get(
      topic,
      id,
      type,
      subject,
      content.contentType,
      headers,
      publishedAt,
      digest,
      content.body,
      eventTime,
    ) as { position: Position };
    if (entry.passing) {
      this.#removeAt.run(position);
      return { position, id, fresh: true };
    }
    this.#addToTotals.run(1, content.body.byteLength);
    if (entry.idempotent) this.#saveRecentId.run(topic, id, position, publishedAt);
    return { position, id, fresh: true };
  }

  #firstWith(topic: number, { id, publishedAt }: NewEntry): Position | undefined {
    const first = this.#findRecentId.get(topic, id) as
      { position: Position; published_at: number } | undefined;
    return first !== undefined && publishedAt - first.published_at < IDEMPOTENT_MS
      ? first.position
      : undefined;
  }

  read(topics: readonly string[], after: Position, limit: ReadLimit): LogRead {
    const numbers = this.#topics.find(topics);
    const resume = this.#trimmedAfter(numbers, after);
    if (resume !== undefined) return { kind: 'gap', resume };
    const entries: Entry[] = [];
    let bytes = 0;
    for (const position of this.#nextPositions(numbers, after, Math.max(1, limit.entries))) {
      const entry = this.#read(position);
      entries.push(entry);
      bytes += entry.content.body.byteLength;
      if (bytes >= limit.bytes) break;
    }
    return entries.length > 0 ? { kind: 'entries', entries } : { kind: 'caught-up' };
  }

  /** Entries are removed oldest first over all topics, so what is left of any topic follows this position. */
  #trimmedAfter(topics: readonly number[], after: Position): Position | undefined {
    let newest = after;
    for (const topic of topics) {
      const { trimmed } = this.#trimmedOf.get(topic) as { trimmed: Position };
      if (trimmed > newest) newest = trimmed;
    }
    return newest > after ? newest : undefined;
  }

  /** One look at the index for each topic: a single statement would sort whole rows, bodies included. */
  #nextPositions(topics: readonly number[], after: Position, limit: number): readonly Position[] {
    const found = topics.flatMap((topic) =>
      (this.#positionsAfter.all(topic, after, limit) as { position: Position }[]).map(
        ({ position }) => position,
      ),
    );
    return topics.length > 1 ? found.sort((a, b) => a - b).slice(0, limit) : found;
  }

  #read(position: Position): Entry {
    const row = this.#entryAt.get(position) as (EntryRow & { readonly url: string }) | undefined;
    // An index may be damaged, and name what is not there.
    if (row === undefined) return { ...LOST, id: String(position), position };
    const digest = digestOf(
      [row.url, row.id, row.type, row.content_type, row.headers, row.published_at],
      [row.subject, row.event_time],
      row.body,
    );
    // SQLite has no checksums of pages: a flipped bit in a body passes its own integrity check.
    const corrupt = !digest.equals(row.digest);
    return {
      topic: row.url,
      id: row.id,
      ...(row.type !== null && { type: row.type }),
      ...(row.subject !== null && { subject: row.subject }),
      content: { body: corrupt ? NO_BODY : row.body, contentType: row.content_type },
      headers: corrupt ? {} : (JSON.parse(row.headers) as Record<string, string>),
      publishedAt: row.published_at,
      ...(row.event_time !== null && { eventTime: row.event_time }),
      position,
      corrupt,
    };
  }

  /** Reads up to `limit` entries one by one, whatever their topic, and tells of the damaged ones. */
  examineAfter(after: Position, limit: number): Examined {
    const rows = this.#allAfter.all(after, limit) as { position: Position }[];
    const damaged = rows.flatMap(({ position }) => {
      const entry = this.#read(position);
      return entry.corrupt ? [entry] : [];
    });
    const last = rows.at(-1)?.position;
    return { count: rows.length, damaged, ...(last !== undefined && { last }) };
  }

  find(topic: string, position: Position): Entry | undefined {
    if (this.#topicAt.get(position, topic) === undefined) return undefined;
    return this.#read(position);
  }

  size(): LogSize {
    const { entries, bytes } = this.#identity.get() as { entries: number; bytes: number };
    return { entries, bytes };
  }
}

/**
 * Over everything that is delivered: a changed topic or header is as wrong as a changed body. `later` are fields that entries
 * did not always have: without one they are digested as before there was one.
 */
function digestOf(
  fields: readonly (string | number | null)[],
  later: readonly (string | number | null)[],
  body: Uint8Array,
): Buffer {
  const text = JSON.stringify([...fields, ...later.filter((field) => field !== null)]);
  return createHash('sha256').update(text).update(body).digest();
}
