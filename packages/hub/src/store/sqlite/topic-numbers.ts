import type { Database, Statement } from './sqlite-driver.js';

/** The number that stands for a topic's URL in other tables. */
export class TopicNumbers {
  readonly #find: Statement;
  readonly #add: Statement;
  readonly #remove: Statement;

  constructor(database: Database) {
    this.#find = database.prepare('SELECT number FROM topic WHERE url = ?');
    this.#add = database.prepare('INSERT INTO topic (url) VALUES (?) RETURNING number');
    // A topic of which retention removed something keeps its number: 'trimmed' tells a late reader of the gap (LAW 12).
    this.#remove = database.prepare(`
      DELETE FROM topic WHERE number = ?1 AND trimmed = 0
        AND NOT EXISTS (SELECT 1 FROM topic_record WHERE topic_record.url = topic.url)
        AND NOT EXISTS (SELECT 1 FROM subscription WHERE topic = ?1)
        AND NOT EXISTS (SELECT 1 FROM entry WHERE topic = ?1)
        AND NOT EXISTS (SELECT 1 FROM recent_id WHERE topic = ?1)`);
  }

  /** The topic's number; it is given one when it has none. */
  numberOf(url: string): number {
    const { number } = (this.#find.get(url) ?? this.#add.get(url)) as { number: number };
    return number;
  }

  /** The number goes when nothing is stored that it stands for. */
  release(number: number): void {
    this.#remove.run(number);
  }

  /** The numbers of those topics that have one, each once. */
  find(urls: readonly string[]): readonly number[] {
    return [...new Set(urls)].flatMap((url) => {
      const row = this.#find.get(url) as { number: number } | undefined;
      return row === undefined ? [] : [row.number];
    });
  }
}
