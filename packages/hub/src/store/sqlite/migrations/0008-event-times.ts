import type { Database } from '../sqlite-driver.js';

/** Events that have a clock of their own are found by it. */
export function addEventTimes(database: Database): void {
  database.exec(`
    -- NULL: its publisher told none.
    ALTER TABLE entry ADD COLUMN event_time INTEGER;
    CREATE INDEX entry_by_event_time ON entry (topic, event_time) WHERE event_time IS NOT NULL;
  `);
}
