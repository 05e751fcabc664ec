import { endsTheStore } from './failure.js';
import type { Database } from './sqlite-driver.js';

/** What became of one command. */
export type Outcome =
  { readonly kind: 'done'; readonly value: unknown } | { readonly kind: 'failed'; readonly error: unknown };

export type Command = () => unknown;

/**
 * Runs the commands in one transaction: one fsync for all of them (LAW 1). Nothing may be answered before this returns.
 *
 * When one of them fails, all are rolled back and each is run again alone, so that only the culprit fails. Throws when the
 * store is finished; then none of them is known to be stored.
 */
export function commitGroup(database: Database, commands: readonly Command[]): readonly Outcome[] {
  try {
    return commit(database, commands);
  } catch (error) {
    if (endsTheStore(error)) throw error;
    if (commands.length === 1) return [{ kind: 'failed', error }];
    return commands.flatMap((command) => commitGroup(database, [command]));
  }
}

function commit(database: Database, commands: readonly Command[]): readonly Outcome[] {
  database.exec('BEGIN IMMEDIATE');
  try {
    const outcomes = commands.map((command): Outcome => ({ kind: 'done', value: command() }));
    database.exec('COMMIT');
    return outcomes;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK');
  } catch (error) {
    // After a full disk SQLite may have rolled back by itself, and says now that there is no transaction.
    if (endsTheStore(error)) throw error;
  }
}
