import type { Database } from '../sqlite-driver.js';

/** API keys and revocations. */
export function createCredentialTables(database: Database): void {
  database.exec(`
    -- The record holds the digest of a key, never the key.
    CREATE TABLE credential (
      id TEXT PRIMARY KEY,
      record TEXT NOT NULL,
      checksum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE revocation (
      number INTEGER PRIMARY KEY,
      kind TEXT NOT NULL,
      value TEXT NOT NULL,
      at REAL NOT NULL,
      checksum INTEGER NOT NULL,
      UNIQUE (kind, value)
    ) STRICT;
  `);
}
