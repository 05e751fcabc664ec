import type { Database } from '../sqlite-driver.js';

/** Named consumers. */
export function createConsumerTable(database: Database): void {
  database.exec(`
    CREATE TABLE consumer (
      id TEXT PRIMARY KEY,
      record TEXT NOT NULL,
      place TEXT NOT NULL,
      checksum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `);
}
