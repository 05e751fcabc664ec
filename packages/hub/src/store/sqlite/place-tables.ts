import type { Failure, Place } from '../../subscription/places.js';
import type { PlaceBatch } from './commands.js';
import type { Database, Statement } from './sqlite-driver.js';

type PlaceRow = Omit<Place, 'failure'> & { readonly number: number; readonly failure: string | null };

/** Places as a table; runs in the store's thread, inside the transaction of the caller. */
export class PlaceTables {
  readonly #save: Statement;
  readonly #after: Statement;

  constructor(database: Database) {
    this.#save = database.prepare(`
      INSERT INTO place (subscription, position, attempts, due_at, failure) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (subscription) DO UPDATE SET position = excluded.position,
        attempts = excluded.attempts, due_at = excluded.due_at, failure = excluded.failure`);
    this.#after = database.prepare(`
      SELECT number, subscription, position, attempts, due_at AS dueAt, failure
      FROM place WHERE number > ? ORDER BY number LIMIT ?`);
  }

  save(places: readonly Place[]): void {
    for (const { subscription, position, attempts, dueAt, failure } of places) {
      this.#save.run(
        subscription,
        position,
        attempts,
        dueAt,
        failure === null ? null : JSON.stringify(failure),
      );
    }
  }

  after(number: number, limit: number): PlaceBatch {
    const rows = this.#after.all(number, limit) as PlaceRow[];
    const last = rows.at(-1)?.number;
    const places = rows.map(({ subscription, position, attempts, dueAt, failure }) => ({
      subscription,
      position,
      attempts,
      dueAt,
      failure: failure === null ? null : (JSON.parse(failure) as Failure),
    }));
    return { places, ...(last !== undefined && { last }) };
  }
}
