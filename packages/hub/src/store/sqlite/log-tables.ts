import { createHash } from 'node:crypto';
import {
  BEFORE_ALL,
  type Appended,
  type Entry,
  type Behind,
  type LogRead,
  type LogSize,
  type NewEntry,
  type Position,
  type ReadLimit,
  type Retention,
} from '../../log/log.js';
import type { Database, Statement } from './sqlite-driver.js';
import type { TopicNumbers } from './topic-numbers.js';
import { countToTrim, type OldEntry } from './trim-decision.js';

const IDEMPOTENT_MS = 24 * 3600_000;
// One round of trimming takes some 10 ms, during which appends wait. Bodies count too: to free one, SQLite reads its pages.
const TRIM_ROWS = 1_000;
const TRIM_BYTES = 16 * 1024 * 1024;
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
  readonly #newestOf: Statement;
  readonly #entryAt: Statement;
  readonly #topicAt: Statement;
  readonly #lastBefore: Statement;
  readonly #countAfter: Statement;
  readonly #firstAfter: Statement;
  readonly #allAfter: Statement;
  readonly #identity: Statement;
  readonly #head: Statement;
  readonly #oldest: Statement;
  readonly #markTrimmed: Statement;
  readonly #removeThrough: Statement;
  readonly #removeAt: Statement;
  readonly #noteTrimmed: Statement;
  readonly #oldestIds: Statement;
  readonly #forgetIds: Statement;

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
    this.#newestOf = database.prepare('SELECT max(position) AS position FROM entry WHERE topic = ?');
    this.#entryAt = database.prepare(`
      SELECT coalesce(url, '') AS url, id, type, subject, content_type, headers, published_at, digest, body, event_time
      FROM entry LEFT JOIN topic ON topic.number = entry.topic WHERE position = ?`);
    this.#topicAt = database.prepare(
      'SELECT 1 FROM entry LEFT JOIN topic ON topic.number = entry.topic WHERE position = ? AND url = ?',
    );
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
    this.#allAfter = database.prepare(
      'SELECT position FROM entry NOT INDEXED WHERE position > ? ORDER BY position LIMIT ?',
    );
    this.#identity = database.prepare('SELECT epoch, entries, bytes FROM log');
    this.#head = database.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'entry'`);
    this.#oldest = database.prepare(
      'SELECT position, published_at AS publishedAt, length(body) AS bytes FROM entry ORDER BY position LIMIT ?',
    );
    this.#markTrimmed = database.prepare(`
      UPDATE topic SET trimmed = removed.position
      FROM (SELECT topic, max(position) AS position FROM entry WHERE position <= ? GROUP BY topic) AS removed
      WHERE topic.number = removed.topic`);
    this.#removeThrough = database.prepare('DELETE FROM entry WHERE position <= ?');
    this.#removeAt = database.prepare('DELETE FROM entry WHERE position = ?');
    this.#noteTrimmed = database.prepare('UPDATE log SET trimmed = ?, trimmed_until = max(trimmed_until, ?)');
    this.#oldestIds = database.prepare('SELECT rowid, published_at FROM recent_id ORDER BY rowid LIMIT ?');
    this.#forgetIds = database.prepare('DELETE FROM recent_id WHERE rowid <= ?');
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

  before(url: string, time: number): Position {
    const [topic] = this.#topics.find([url]);
    if (topic === undefined) return BEFORE_ALL;
    const older = this.#lastBefore.get(topic, time) as { position: Position } | undefined;
    return older?.position ?? (this.#trimmedOf.get(topic) as { trimmed: Position }).trimmed;
  }

  lag(url: string, after: Position, most: number): Behind {
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
      const { position } = this.#newestOf.get(topic) as { position: Position | null };
      const { trimmed } = this.#trimmedOf.get(topic) as { trimmed: Position };
      if ((position ?? trimmed) > 0) newest.set(url, position ?? trimmed);
    }
    return newest;
  }

  size(): LogSize {
    const { entries, bytes } = this.#identity.get() as { entries: number; bytes: number };
    return { entries, bytes };
  }

  /** Removes a bounded number of entries; `more` when another round is wanted. */
  trim(retention: Retention, now: number): { readonly removed: number; readonly more: boolean } {
    const totals = this.#identity.get() as { entries: number; bytes: number };
    const { oldest, full } = oneRound(this.#oldest.all(TRIM_ROWS) as OldEntry[]);
    const removed = countToTrim(oldest, totals, retention, now);
    const last = oldest[removed - 1];
    if (last !== undefined) {
      this.#markTrimmed.run(last.position);
      this.#removeThrough.run(last.position);
      const gone = oldest.slice(0, removed);
      this.#noteTrimmed.run(last.position, Math.max(...gone.map(({ publishedAt }) => publishedAt)));
      this.#addToTotals.run(-removed, -gone.reduce((sum, entry) => sum + entry.bytes, 0));
    }
    const moreIds = this.#trimIds(now);
    return { removed, more: (full && removed === oldest.length) || moreIds };
  }

  #trimIds(now: number): boolean {
    const rows = this.#oldestIds.all(TRIM_ROWS) as { rowid: number; published_at: number }[];
    const kept = rows.findIndex((row) => row.published_at > now - IDEMPOTENT_MS);
    const last = rows.at(kept < 0 ? -1 : kept - 1);
    if (kept === 0 || last === undefined) return false;
    this.#forgetIds.run(last.rowid);
    return kept < 0 && rows.length === TRIM_ROWS;
  }
}

/** The first of these entries, as many as one round may remove; not `full` when there are no others in the log. */
function oneRound(entries: readonly OldEntry[]): {
  readonly oldest: readonly OldEntry[];
  readonly full: boolean;
} {
  let bytes = 0;
  const last = entries.findIndex((entry) => (bytes += entry.bytes) >= TRIM_BYTES);
  if (last >= 0) return { oldest: entries.slice(0, last + 1), full: true };
  return { oldest: entries, full: entries.length === TRIM_ROWS };
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
