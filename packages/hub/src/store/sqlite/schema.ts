import { Refusal } from './failure.js';
import { createTables } from './migrations/0001-tables.js';
import { noteFailures } from './migrations/0002-failures.js';
import { addChecksums } from './migrations/0003-checksums.js';
import { createCredentialTables } from './migrations/0004-credentials.js';
import { addWaysToFind } from './migrations/0005-finding.js';
import { createConsumerTable } from './migrations/0006-consumers.js';
import { addSubjects } from './migrations/0007-subjects.js';
import { addEventTimes } from './migrations/0008-event-times.js';
import { addWindows } from './migrations/0009-windows.js';
import type { Database } from './sqlite-driver.js';

/**
 * Each migration takes the database from the version that is its index to the next. One that was released is never edited:
 * add another.
 */
const MIGRATIONS: readonly ((database: Database) => void)[] = [
  createTables,
  noteFailures,
  addChecksums,
  createCredentialTables,
  addWaysToFind,
  createConsumerTable,
  addSubjects,
  addEventTimes,
  addWindows,
];

/** The schema that this program works with. */
export const LATEST_SCHEMA = MIGRATIONS.length;

/**
 * Brings the database to this program's schema; each step is atomic, so a crash in between leaves a version that the next
 * start goes on from.
 */
export function migrate(database: Database, location: string): void {
  const found = schemaOf(database);
  if (found > LATEST_SCHEMA) {
    throw new Refusal(
      'store_newer',
      `${location} was written by a newer hub (schema ${found}, this one knows ${LATEST_SCHEMA}): start that version again, or choose another data folder`,
    );
  }
  for (let version = found; version < LATEST_SCHEMA; version++) {
    database.exec('BEGIN IMMEDIATE');
    try {
      MIGRATIONS[version]!(database);
      database.exec(`PRAGMA user_version = ${version + 1}`);
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** The schema of a database; 0 while it is empty. */
export function schemaOf(database: Database): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
}
