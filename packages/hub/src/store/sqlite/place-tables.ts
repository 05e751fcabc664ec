import type { Place } from '../../subscription/places.js';
import type { PlaceBatch } from './commands.js';
import type { Database, Statement } from './sqlite-driver.js';

/** Places as a table; runs in the store's thread, inside the transaction of the caller. */
export class PlaceTables {
  readonly #save: Statement;
  readonly #after: Statement;

  constructor(database: Database) {
    this.#save = database.prepare(`
      INSERT INTO place (subscription, position, attempts, due_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (subscription) DO UPDATE
      SET position = excluded.position, attempts = excluded.attempts, due_at = excluded.due_at`);
    this.#after = database.prepare(`
      SELECT number, subscription, position, attempts, due_at AS dueAt
      FROM place WHERE number > ? ORDER BY number LIMIT ?`);
  }

  save(places: readonly Place[]): void {
    for (const { subscription, position, attempts, dueAt } of places) {
      this.#save.run(subscription, position, attempts, dueAt);
    }
  }

  after(number: number, limit: number): PlaceBatch {
    const rows = this.#after.all(number, limit) as (Place & { readonly number: number })[];
    const last = rows.at(-1)?.number;
    const places = rows.map(({ subscription, position, attempts, dueAt }) => ({
      subscription,
      position,
      attempts,
      dueAt,
    }));
    return { places, ...(last !== undefined && { last }) };
  }
}
