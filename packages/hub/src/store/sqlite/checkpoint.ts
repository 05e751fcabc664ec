import { isFull } from './failure.js';
import type { Database, Statement } from './sqlite-driver.js';

/** 16 MiB of 4 KiB pages: long enough that a page which changes often is copied once, short enough that reading stays quick. */
const MOST_PAGES = 4_096;

/**
 * Moves what was committed from the write-ahead log into the database. SQLite would do it inside a commit, where the
 * callers wait, and would not tell of a failed fsync.
 */
export class Checkpoint {
  readonly #look: Statement;
  readonly #move: Statement;

  constructor(database: Database) {
    this.#look = database.prepare('PRAGMA wal_checkpoint(NOOP)');
    this.#move = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  }

  /** Checkpoints when there is enough to move. Throws when the store is finished. */
  runIfDue(): void {
    const { log, checkpointed } = this.#look.get() as { log: number; checkpointed: number };
    if (log - checkpointed < MOST_PAGES) return;
    try {
      this.#move.get();
    } catch (error) {
      // Nothing is lost while the disk is full: it stays in the write-ahead log.
      if (!isFull(error)) throw error;
    }
  }
}
