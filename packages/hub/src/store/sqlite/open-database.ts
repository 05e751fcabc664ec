import { defineChecksum } from './checksum.js';
import { Refusal } from './failure.js';
import type { Connect, Database } from './sqlite-driver.js';

export const IN_MEMORY = ':memory:';

// A person's tool may hold the write lock for a moment; longer than this is a mistake that must be seen.
const BUSY_MS = 5_000;

/** Opens the database such that whatever is committed survives a power cut; refuses when that cannot be had. */
export function openDatabase(connect: Connect, location: string): Database {
  const database = connect(location);
  try {
    database.exec(`
      PRAGMA busy_timeout = ${BUSY_MS};
      PRAGMA foreign_keys = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -8000;
      -- One large transaction must not leave a large file for ever.
      PRAGMA journal_size_limit = 67108864;
      -- macOS only: fsync alone leaves the data in the drive's own cache.
      PRAGMA fullfsync = ON;
      PRAGMA checkpoint_fullfsync = ON;
    `);
    const journal = readPragma(database, 'journal_mode = WAL');
    // Said on every open and read back: a build may open an existing WAL database with NORMAL, where a commit is not
    // on stable storage when it is answered (LAW 1).
    database.exec('PRAGMA synchronous = FULL');
    const synchronous = readPragma(database, 'synchronous');
    // The worker checkpoints by itself, after it has answered, so that a failed checkpoint is noticed.
    database.exec('PRAGMA wal_autocheckpoint = 0');
    if (location !== IN_MEMORY && (journal !== 'wal' || synchronous !== 2)) {
      throw new Refusal(
        'store_failed',
        `SQLite opened ${location} with journal_mode=${journal} and synchronous=${synchronous} where wal and 2 are needed to keep what is answered: put the data on a local file system`,
      );
    }
    defineChecksum(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function readPragma(database: Database, pragma: string): string | number {
  return Object.values(database.prepare(`PRAGMA ${pragma}`).get() as Record<string, string | number>)[0]!;
}
