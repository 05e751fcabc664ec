import type { Database } from '../sqlite-driver.js';

/** Readers that keep their own place find it again by an entry's id, by a time, and behind what retention removed. */
export function addWaysToFind(database: Database): void {
  database.exec(`
    CREATE INDEX entry_by_id ON entry (id);
    -- Times mostly grow, so that this grows at its end.
    CREATE INDEX entry_by_time ON entry (published_at);

    -- The newest entry that retention removed, and the latest time at which a removed one was published.
    ALTER TABLE log ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE log ADD COLUMN trimmed_until REAL NOT NULL DEFAULT -1;
    UPDATE log SET trimmed = coalesce((SELECT max(trimmed) FROM topic), 0);
    UPDATE log SET trimmed_until = coalesce((SELECT min(published_at) FROM entry), trimmed_until) WHERE trimmed > 0;
  `);
}
