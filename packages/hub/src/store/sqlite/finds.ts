import type { StoredPage } from './commands.js';
import type { Database, Statement } from './sqlite-driver.js';

/** A condition, and the value it compares with; absent when it does not matter. */
export type Test = readonly [sql: string, value: string | number | undefined];

/** Statements with the conditions that a caller gives, each prepared once. */
export class Finds {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The rows that pass every test whose value is given, sorted by the key, bytewise. */
  all(select: string, key: string, tests: readonly Test[], { after, limit }: StoredPage): unknown[] {
    const given = [...tests, [`${key} > ?`, after] as const].filter(([, value]) => value !== undefined);
    const where = given.length === 0 ? '' : `WHERE ${given.map(([test]) => test).join(' AND ')}`;
    const sql = `${select} ${where} ORDER BY ${key} LIMIT ?`;
    return this.#prepare(sql).all(...given.map(([, value]) => value!), limit);
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }
}
