import { chmodSync, closeSync, openSync } from 'node:fs';
import { WebSubError } from '@websub/shared';
import type { SubscriptionStore } from '../subscription/store.js';
import type { SubscriptionRecord } from '../subscription/subscription.js';
import { fromJson, toJson } from './json.js';
import { openSqlite, type SqliteDatabase, type SqliteStatement } from './sqlite-driver.js';

/** A store in one SQLite file, which several processes on one machine may share. */
export interface SqliteStore extends SubscriptionStore, Disposable {
  /** Closes the file. What was written is safe without it. */
  close(): void;
}

/**
 * Keeps subscriptions in the SQLite file at `path`, made when it is not there and readable by its owner only, since it
 * holds the secrets. `:memory:` keeps nothing. Throws `store_failed` when the file cannot be opened,
 * `invalid_configuration` when no file is named.
 */
export function sqliteStore(path: string): SqliteStore {
  // SQLite takes it for a file of its own that is gone with the process: an unset variable would cost all subscriptions.
  if (path === '')
    throw new WebSubError(
      'invalid_configuration',
      'the path of the store is empty: name a file, or :memory:',
    );
  if (path !== ':memory:') makePrivate(path);
  return new SqliteFileStore(openSqlite(path));
}

/** The files that SQLite puts beside it take over its permissions. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  } catch {
    // Opening it as a database fails next, and says what to do.
  }
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS subscription (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    due_at INTEGER,
    held_by TEXT,
    held_until INTEGER NOT NULL DEFAULT 0,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS subscription_due ON subscription (due_at) WHERE due_at IS NOT NULL;
`;

class SqliteFileStore implements SqliteStore {
  readonly #database: SqliteDatabase;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(database: SqliteDatabase) {
    this.#database = database;
    database.exec(SCHEMA);
  }

  get(id: string): Promise<SubscriptionRecord | undefined> {
    return this.#run('SELECT record FROM subscription WHERE id = ?', (sql) => {
      const row = sql.get(id);
      return row === undefined ? undefined : fromJson(String(row['record']));
    });
  }

  put(subscription: SubscriptionRecord, expectedVersion: number | undefined): Promise<boolean> {
    const { id, version, dueAt } = subscription;
    const values = [version, dueAt?.getTime() ?? null, toJson(subscription)] as const;
    return expectedVersion === undefined
      ? this.#run(
          'INSERT INTO subscription (version, due_at, record, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
          (sql) => Number(sql.run(...values, id).changes) === 1,
        )
      : this.#run(
          `UPDATE subscription SET version = ?, due_at = ?, record = ?, held_by = NULL, held_until = 0
           WHERE id = ? AND version = ?`,
          (sql) => Number(sql.run(...values, id, expectedVersion).changes) === 1,
        );
  }

  delete(id: string): Promise<void> {
    return this.#run('DELETE FROM subscription WHERE id = ?', (sql) => void sql.run(id));
  }

  async *list(): AsyncIterable<SubscriptionRecord> {
    const rows = await this.#run('SELECT record FROM subscription ORDER BY rowid', (sql) => sql.all());
    for (const row of rows) yield fromJson(String(row['record']));
  }

  claimDue(before: Date, owner: string, holdMs: number): Promise<readonly SubscriptionRecord[]> {
    const now = before.getTime();
    return this.#run(
      `UPDATE subscription SET held_by = ?, held_until = ?
       WHERE due_at <= ? AND (held_until <= ? OR held_by = ?) RETURNING record`,
      (sql) => sql.all(owner, now + holdMs, now, now, owner).map((row) => fromJson(String(row['record']))),
    );
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A fault of the database becomes a rejection, as the port says, and not an exception at the call. */
  #run<T>(sql: string, use: (statement: SqliteStatement) => T): Promise<T> {
    return new Promise((resolve) => resolve(use(this.#prepare(sql))));
  }

  #prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
