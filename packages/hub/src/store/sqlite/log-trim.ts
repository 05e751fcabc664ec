import type { Retention } from '../../log/log.js';
import { IDEMPOTENT_MS } from './log-tables.js';
import type { Database, Statement } from './sqlite-driver.js';
import { countToTrim, type OldEntry } from './trim-decision.js';

// One round takes some 10 ms, during which appends wait. Bodies count too: to free one, SQLite reads its pages.
const TRIM_ROWS = 1_000;
const TRIM_BYTES = 16 * 1024 * 1024;

/** Removes from the log what retention no longer keeps; runs in the store's thread, inside the transaction of the caller. */
export class LogTrim {
  readonly #totals: Statement;
  readonly #takeFromTotals: Statement;
  readonly #oldest: Statement;
  readonly #markTrimmed: Statement;
  readonly #removeThrough: Statement;
  readonly #noteTrimmed: Statement;
  readonly #oldestIds: Statement;
  readonly #forgetIds: Statement;

  constructor(database: Database) {
    this.#totals = database.prepare('SELECT entries, bytes FROM log');
    this.#takeFromTotals = database.prepare('UPDATE log SET entries = entries - ?, bytes = bytes - ?');
    this.#oldest = database.prepare(
      'SELECT position, published_at AS publishedAt, length(body) AS bytes FROM entry ORDER BY position LIMIT ?',
    );
    this.#markTrimmed = database.prepare(`
      UPDATE topic SET trimmed = removed.position
      FROM (SELECT topic, max(position) AS position FROM entry WHERE position <= ? GROUP BY topic) AS removed
      WHERE topic.number = removed.topic`);
    this.#removeThrough = database.prepare('DELETE FROM entry WHERE position <= ?');
    this.#noteTrimmed = database.prepare('UPDATE log SET trimmed = ?, trimmed_until = max(trimmed_until, ?)');
    this.#oldestIds = database.prepare('SELECT rowid, published_at FROM recent_id ORDER BY rowid LIMIT ?');
    this.#forgetIds = database.prepare('DELETE FROM recent_id WHERE rowid <= ?');
  }

  /** Removes a bounded number of entries; `more` when another round is wanted. */
  round(retention: Retention, now: number): { readonly removed: number; readonly more: boolean } {
    const totals = this.#totals.get() as { entries: number; bytes: number };
    const { oldest, full } = oneRound(this.#oldest.all(TRIM_ROWS) as OldEntry[]);
    const removed = countToTrim(oldest, totals, retention, now);
    const last = oldest[removed - 1];
    if (last !== undefined) {
      this.#markTrimmed.run(last.position);
      this.#removeThrough.run(last.position);
      const gone = oldest.slice(0, removed);
      this.#noteTrimmed.run(last.position, Math.max(...gone.map(({ publishedAt }) => publishedAt)));
      this.#takeFromTotals.run(
        removed,
        gone.reduce((sum, entry) => sum + entry.bytes, 0),
      );
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
