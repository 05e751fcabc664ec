import type { Database } from '../sqlite-driver.js';

/** Entries tell what they are about. */
export function addSubjects(database: Database): void {
  database.exec('ALTER TABLE entry ADD COLUMN subject TEXT');
}
