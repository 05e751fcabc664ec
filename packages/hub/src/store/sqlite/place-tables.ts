import type { Failure, Place } from '../../subscription/places.js';
import type { Beyond } from '../../subscription/window.js';
import type { DamagedRow, Moved, PlaceBatch } from './commands.js';
import type { Database, Statement } from './sqlite-driver.js';

type PlaceRow = Omit<Place, 'failure' | 'beyond'> & {
  readonly number: number;
  readonly failure: string | null;
  readonly beyond: string | null;
  readonly sound: number;
};

/** Places as a table; runs in the store's thread, inside the transaction of the caller. */
export class PlaceTables {
  readonly #save: Statement;
  readonly #move: Statement;
  readonly #after: Statement;

  constructor(database: Database) {
    this.#save = database.prepare(`
      INSERT INTO place (subscription, position, attempts, due_at, failure, beyond, checksum)
      -- A number comes from JavaScript as a REAL, whose product is not exact.
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, (CAST(?2 AS INTEGER) * 31 + CAST(?3 AS INTEGER)) * 31 + CAST(?4 AS INTEGER)
        + iif(?6 IS NULL, 0, checksum(?6)))
      ON CONFLICT (subscription) DO UPDATE SET position = excluded.position, attempts = excluded.attempts,
        due_at = excluded.due_at, failure = excluded.failure, beyond = excluded.beyond, checksum = excluded.checksum`);
    this.#move = database.prepare(`
      UPDATE place SET position = ?2, attempts = 0, due_at = 0, failure = NULL, beyond = NULL,
        checksum = CAST(?2 AS INTEGER) * 31 * 31
      WHERE subscription IN (SELECT value FROM json_each(?1))`);
    this.#after = database.prepare(`
      SELECT number, subscription, position, attempts, due_at AS dueAt,
        -- What went wrong is for people to read: without it, the place is as good.
        iif(json_valid(failure), failure, NULL) AS failure, beyond,
        (position * 31 + attempts) * 31 + CAST(due_at AS INTEGER) + iif(beyond IS NULL, 0, checksum(beyond)) = checksum
          AS sound
      FROM place WHERE number > ? ORDER BY number LIMIT ?`);
  }

  save(places: readonly (Place | Moved)[]): void {
    for (const place of places) {
      if ('subscriptions' in place) this.#moveAll(place);
      else this.#saveOne(place);
    }
  }

  #moveAll({ position, subscriptions }: Moved): void {
    const { changes } = this.#move.run(JSON.stringify(subscriptions), position);
    if (Number(changes) === subscriptions.length) return;
    // Some have no place yet.
    for (const subscription of subscriptions)
      this.#saveOne({ subscription, position, attempts: 0, dueAt: 0, failure: null, beyond: null });
  }

  #saveOne({ subscription, position, attempts, dueAt, failure, beyond }: Place): void {
    this.#save.run(subscription, position, attempts, dueAt, textOf(failure), textOf(beyond));
  }

  after(after: number, limit: number): PlaceBatch {
    const rows = this.#after.all(after, limit) as PlaceRow[];
    const last = rows.at(-1)?.number;
    const places: Place[] = [];
    const damaged: DamagedRow[] = [];
    for (const { number: row, sound, failure, beyond, ...place } of rows) {
      if (sound !== 1) damaged.push({ row, key: place.subscription });
      else
        places.push({
          ...place,
          failure: failure === null ? null : (JSON.parse(failure) as Failure),
          beyond: beyond === null ? null : (JSON.parse(beyond) as Beyond),
        });
    }
    return { places, damaged, ...(last !== undefined && { last }) };
  }
}

function textOf(value: Failure | Beyond | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
