import type { Database } from '../sqlite-driver.js';

/** Places tell what was given beyond them; those that tell of nothing have the checksum of before. */
export function addWindows(database: Database): void {
  database.exec('ALTER TABLE place ADD COLUMN beyond TEXT');
}
