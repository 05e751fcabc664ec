import type { Database } from '../sqlite-driver.js';

/** What goes wrong with deliveries is remembered; status addresses and dead letters are found by what they are asked for. */
export function noteFailures(database: Database): void {
  database.exec(`
    -- What went wrong since the last success, as JSON; NULL while all is well.
    ALTER TABLE place ADD COLUMN failure TEXT;

    -- A status address names a request, never the subscription: two requests for the same pair must not look alike.
    CREATE INDEX subscription_by_pending ON subscription (pending ->> 'request') WHERE pending IS NOT NULL;
    CREATE INDEX subscription_by_lease ON subscription (lease ->> 'request') WHERE lease IS NOT NULL;

    ALTER TABLE dead_letter ADD COLUMN redeliver_at REAL;
    ALTER TABLE dead_letter ADD COLUMN bytes INTEGER AS (coalesce(letter ->> 'bytes', 0));
    ALTER TABLE dead_letter ADD COLUMN position INTEGER AS (letter ->> 'position');
    CREATE INDEX dead_letter_to_redeliver ON dead_letter (subscription, position) WHERE redeliver_at IS NOT NULL;
    CREATE INDEX dead_letter_by_subscription_and_age ON dead_letter (subscription, at);

    -- How much each subscription has, so that what goes beyond the bound is known without counting.
    CREATE TABLE dead_letter_total (
      subscription TEXT PRIMARY KEY,
      letters INTEGER NOT NULL,
      bytes INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO dead_letter_total
      SELECT subscription, count(*), sum(bytes) FROM dead_letter GROUP BY subscription;
    CREATE TRIGGER dead_letter_added AFTER INSERT ON dead_letter BEGIN
      INSERT INTO dead_letter_total VALUES (new.subscription, 1, new.bytes)
        ON CONFLICT DO UPDATE SET letters = letters + 1, bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER dead_letter_removed AFTER DELETE ON dead_letter BEGIN
      UPDATE dead_letter_total SET letters = letters - 1, bytes = bytes - old.bytes
        WHERE subscription = old.subscription;
      DELETE FROM dead_letter_total WHERE subscription = old.subscription AND letters = 0;
    END;
  `);
}
