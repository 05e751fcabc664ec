import type { DamagedRow, QuarantineSource } from './commands.js';
import type { Database, Statement } from './sqlite-driver.js';

/** What finds a row of each table, what names it to people, and the row as JSON; damaged text may be no text. */
const ROWS: Readonly<
  Record<QuarantineSource, { readonly id: string; readonly key: string; readonly row: string }>
> = {
  topic_record: { id: 'url', key: 'url', row: `json_object('version', version, 'record', hex(record))` },
  subscription: {
    id: 'number',
    key: 'id',
    row: `json_object('topic', (SELECT url FROM topic WHERE number = topic), 'callback', callback,
      'version', version, 'lease', hex(lease), 'pending', hex(pending))`,
  },
  credential: { id: 'id', key: 'id', row: `json_object('record', hex(record))` },
  revocation: {
    id: 'number',
    key: `kind || ' ' || value`,
    row: `json_object('kind', hex(kind), 'value', hex(value), 'at', at)`,
  },
  consumer: {
    id: 'id',
    key: 'id',
    row: `json_object('record', hex(record), 'place', hex(place))`,
  },
  place: {
    id: 'number',
    key: 'subscription',
    row: `json_object('position', position, 'attempts', attempts, 'due_at', due_at, 'beyond', hex(beyond))`,
  },
};

/** Rows that are not as they were written, put aside so that a hub can start without them. */
export class QuarantineTable {
  readonly #database: Database;
  readonly #copy: Readonly<Record<QuarantineSource, Statement>>;
  readonly #remove: Readonly<Record<QuarantineSource, Statement>>;

  constructor(database: Database) {
    this.#database = database;
    const each = (sql: (source: QuarantineSource) => string): Record<QuarantineSource, Statement> => ({
      topic_record: database.prepare(sql('topic_record')),
      subscription: database.prepare(sql('subscription')),
      place: database.prepare(sql('place')),
      credential: database.prepare(sql('credential')),
      revocation: database.prepare(sql('revocation')),
      consumer: database.prepare(sql('consumer')),
    });
    this.#copy = each(
      (source) => `
      INSERT INTO quarantine (source, key, row, at)
      SELECT '${source}', ${ROWS[source].key}, ${ROWS[source].row}, unixepoch('subsec') * 1000
      FROM ${source} WHERE ${ROWS[source].id} = ?`,
    );
    this.#remove = each((source) => `DELETE FROM ${source} WHERE ${ROWS[source].id} = ?`);
  }

  add(source: QuarantineSource, rows: readonly DamagedRow[]): void {
    // The row is damaged on the disk, but its entries in indexes are not: SQLite would refuse to remove what does not match.
    // It only does when told so twice; drivers differ in whether they are defensive by default.
    this.#database.enableDefensive?.(false);
    this.#database.exec('PRAGMA writable_schema = ON');
    for (const { row } of rows) {
      this.#copy[source].run(row);
      this.#remove[source].run(row);
    }
    this.#database.exec('PRAGMA writable_schema = OFF');
    this.#database.enableDefensive?.(true);
    // What is left of them there would keep the same subscription from being made anew.
    this.#database.exec(`REINDEX ${source}`);
  }
}
