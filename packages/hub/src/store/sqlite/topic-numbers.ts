import type { Database, Statement } from './sqlite-driver.js';

/** The number that stands for a topic's URL in other tables. */
export class TopicNumbers {
  readonly #find: Statement;
  readonly #add: Statement;

  constructor(database: Database) {
    this.#find = database.prepare('SELECT number FROM topic WHERE url = ?');
    this.#add = database.prepare('INSERT INTO topic (url) VALUES (?) RETURNING number');
  }

  /** The topic's number; it is given one when it has none. */
  numberOf(url: string): number {
    const { number } = (this.#find.get(url) ?? this.#add.get(url)) as { number: number };
    return number;
  }

  /** The numbers of those topics that have one, each once. */
  find(urls: readonly string[]): readonly number[] {
    return [...new Set(urls)].flatMap((url) => {
      const row = this.#find.get(url) as { number: number } | undefined;
      return row === undefined ? [] : [row.number];
    });
  }
}
