import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from './folder.js';
import { openDatabase } from './open-database.js';
import { loadSqlite } from './sqlite-driver.js';

/**
 * Writes one file with everything that is committed at this moment, also while a hub works on the database. The name is
 * there when the whole file is on stable storage. It replaces what has the name.
 */
export async function backUp(location: string, target: string): Promise<void> {
  const part = `${target}.part`;
  rmSync(part, { force: true });
  // SQLite fills an empty file; made here, nobody else may read it: it holds callbacks and content.
  closeSync(openSync(part, 'wx', 0o600));
  try {
    const database = openDatabase(await loadSqlite(), location);
    // One read transaction: what hubs write meanwhile is not in it, and waits for nothing.
    database.prepare('VACUUM INTO ?').run(part);
    database.close();
    sync(part);
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
  syncFolder(dirname(target));
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
