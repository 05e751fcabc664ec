import type { Database } from '../sqlite-driver.js';

/** Rows tell whether they are as they were written, and there is a place for those that are not. */
export function addChecksums(database: Database): void {
  database.exec(`
    ALTER TABLE subscription ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE topic_record ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE place ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

    -- Until now secrets were kept as they came.
    UPDATE subscription SET lease = json_set(lease, '$.secret', 'plain.' || (lease ->> 'secret'))
      WHERE lease ->> 'secret' IS NOT NULL;
    UPDATE subscription SET pending = json_set(pending, '$.secret', 'plain.' || (pending ->> 'secret'))
      WHERE pending ->> 'secret' IS NOT NULL;

    UPDATE subscription SET checksum = checksum(
      '[' || json_quote(id) || ',' || json_quote((SELECT url FROM topic WHERE number = subscription.topic)) || ',' ||
      json_quote(callback) || ',' || version || ',' || coalesce(lease, 'null') || ',' || coalesce(pending, 'null') || ']');
    UPDATE topic_record SET checksum = checksum(json_array(url, version, record));
    UPDATE place SET checksum = (position * 31 + attempts) * 31 + CAST(due_at AS INTEGER);

    -- As before, but for damaged JSON too: otherwise no statement could remove such a row.
    DROP INDEX subscription_by_pending;
    DROP INDEX subscription_by_lease;
    CREATE INDEX subscription_by_pending ON subscription (iif(json_valid(pending), pending ->> 'request', NULL))
      WHERE pending IS NOT NULL;
    CREATE INDEX subscription_by_lease ON subscription (iif(json_valid(lease), lease ->> 'request', NULL))
      WHERE lease IS NOT NULL;

    -- Rows that were not as they were written, for a person to look at.
    CREATE TABLE quarantine (
      number INTEGER PRIMARY KEY,
      source TEXT NOT NULL,
      key TEXT NOT NULL,
      row TEXT NOT NULL,
      at REAL NOT NULL
    ) STRICT;
  `);
}
