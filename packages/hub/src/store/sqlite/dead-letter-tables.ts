import type { DeadLetter, DeadLetterBounds } from '../../subscription/registry.js';
import {
  DEAD_LETTERS_AT_ONCE,
  type AskedRedelivery,
  type DeadLetterKeys,
  type StoredPage,
} from './commands.js';
import { Finds, type Test } from './finds.js';
import type { Database, Statement } from './sqlite-driver.js';

interface LetterRow {
  readonly letter: string;
  readonly redeliverAt: number | null;
}

const SELECT = 'SELECT letter, redeliver_at AS redeliverAt FROM dead_letter';

/** Dead letters as a table; runs in the store's thread, inside the transaction of the caller. */
export class DeadLetterTables {
  readonly #finds: Finds;
  readonly #save: Statement;
  readonly #totalOf: Statement;
  readonly #removeOldest: Statement;
  readonly #remove: Statement;
  readonly #ask: Statement;
  readonly #nextSubscription: Statement;
  readonly #firstOf: Statement;
  readonly #trim: Statement;
  readonly #count: Statement;

  constructor(database: Database) {
    this.#finds = new Finds(database);
    // Recorded anew, it is no longer waiting to be delivered again. What it weighs is the same: it is the same entry.
    this.#save = database.prepare(`
      INSERT INTO dead_letter (id, letter) VALUES (?, ?)
      ON CONFLICT (id) DO UPDATE SET letter = excluded.letter, redeliver_at = NULL`);
    this.#totalOf = database.prepare('SELECT letters, bytes FROM dead_letter_total WHERE subscription = ?');
    this.#removeOldest = database.prepare(`
      DELETE FROM dead_letter WHERE rowid =
        (SELECT rowid FROM dead_letter WHERE subscription = ? ORDER BY at, position LIMIT 1)`);
    this.#remove = database.prepare('DELETE FROM dead_letter WHERE id = ?');
    this.#ask = database.prepare(
      'UPDATE dead_letter SET redeliver_at = ? WHERE id = ? AND redeliver_at IS NULL',
    );
    this.#nextSubscription = database.prepare(`
      SELECT subscription FROM dead_letter
      WHERE redeliver_at IS NOT NULL AND subscription > ? ORDER BY subscription LIMIT 1`);
    this.#firstOf = database.prepare(
      `${SELECT} WHERE redeliver_at IS NOT NULL AND subscription = ? ORDER BY position LIMIT ?`,
    );
    this.#trim = database.prepare(`
      DELETE FROM dead_letter WHERE rowid IN (SELECT rowid FROM dead_letter WHERE at < ? LIMIT ${DEAD_LETTERS_AT_ONCE})`);
    this.#count = database.prepare('SELECT count(*) AS letters FROM dead_letter');
  }

  add(letters: readonly DeadLetter[], kept: DeadLetterBounds): number {
    for (const { redeliverAt: _, ...letter } of letters) this.#save.run(letter.id, JSON.stringify(letter));
    const subscriptions = new Set(letters.map(({ subscription }) => subscription));
    return [...subscriptions].reduce((sum, subscription) => sum + this.#bound(subscription, kept), 0);
  }

  /** Oldest out first, until what is left is within the bounds; one letter stays, however large. */
  #bound(subscription: string, { count, bytes }: DeadLetterBounds): number {
    // Each round removes one, so this ends.
    for (let removed = 0; ; removed++) {
      const total = this.#totalOf.get(subscription) as { letters: number; bytes: number } | undefined;
      if (total === undefined || total.letters <= 1) return removed;
      if (total.letters <= count && total.bytes <= bytes) return removed;
      this.#removeOldest.run(subscription);
    }
  }

  remove(id: string): void {
    this.#remove.run(id);
  }

  find(keys: DeadLetterKeys, page: StoredPage): readonly DeadLetter[] {
    return (this.#finds.all(SELECT, 'id', testsOf(keys), page) as LetterRow[]).map(letterOf);
  }

  askRedelivery(keys: DeadLetterKeys, at: number, after: string): AskedRedelivery {
    const page = { after, limit: DEAD_LETTERS_AT_ONCE };
    const rows = this.#finds.all('SELECT id FROM dead_letter', 'id', testsOf(keys), page) as { id: string }[];
    const asked = rows.reduce((sum, { id }) => sum + Number(this.#ask.run(at, id).changes), 0);
    return { asked, ...(rows.length === DEAD_LETTERS_AT_ONCE && { last: rows.at(-1)!.id }) };
  }

  toRedeliver(after: string, limit: number, each: number): readonly DeadLetter[] {
    const letters: DeadLetter[] = [];
    let subscription: string | undefined = after;
    for (let nth = 0; nth < limit; nth++) {
      subscription = (this.#nextSubscription.get(subscription) as { subscription: string } | undefined)
        ?.subscription;
      if (subscription === undefined) break;
      letters.push(...(this.#firstOf.all(subscription, each) as LetterRow[]).map(letterOf));
    }
    return letters;
  }

  trim(before: number): number {
    return Number(this.#trim.run(before).changes);
  }

  count(): number {
    return (this.#count.get() as { letters: number }).letters;
  }
}

function testsOf({ id, topic, callback, subscription, since }: DeadLetterKeys): Test[] {
  return [
    ['id = ?', id],
    ['topic = ?', topic],
    ['callback = ?', callback],
    ['subscription = ?', subscription],
    ['at >= ?', since],
  ];
}

function letterOf({ letter, redeliverAt }: LetterRow): DeadLetter {
  // Letters of older hubs say nothing of their weight.
  const { bytes = 0, ...rest } = JSON.parse(letter) as Omit<DeadLetter, 'redeliverAt' | 'bytes'> & {
    readonly bytes?: number;
  };
  return { ...rest, bytes, redeliverAt };
}
