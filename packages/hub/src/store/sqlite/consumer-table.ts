import type { ConsumerRow, StoredConsumer, StoredPage } from './commands.js';
import type { Database, Statement } from './sqlite-driver.js';

/** Named consumers as a table; runs in the store's thread, inside the transaction of the caller. */
export class ConsumerTable {
  readonly #save: Statement;
  readonly #remove: Statement;
  readonly #after: Statement;

  constructor(database: Database) {
    this.#save = database.prepare(`
      INSERT INTO consumer (id, record, place, checksum) VALUES (?1, ?2, ?3, checksum(json_array(?1, ?2, ?3)))
      ON CONFLICT (id) DO UPDATE SET record = excluded.record, place = excluded.place, checksum = excluded.checksum`);
    this.#remove = database.prepare('DELETE FROM consumer WHERE id = ?');
    this.#after = database.prepare(`
      SELECT id, record, place, checksum(json_array(id, record, place)) = checksum AS sound
      FROM consumer WHERE id > ? ORDER BY id LIMIT ?`);
  }

  save(rows: readonly ConsumerRow[]): void {
    for (const { id, record, place } of rows) this.#save.run(id, record, place);
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#remove.run(id);
  }

  after({ after = '', limit }: StoredPage): readonly StoredConsumer[] {
    return this.#after.all(after, limit) as StoredConsumer[];
  }
}
