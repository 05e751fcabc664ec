import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Refusal } from './failure.js';
import type { Connect, Database } from './sqlite-driver.js';

export const DATABASE_FILE = 'hub.sqlite';
const LOCK_FILE = 'hub.lock';
const BUSY = 5;

/**
 * Creates the folder where it is missing, readable by nobody else: it holds the secrets of subscriptions. Throws
 * `invalid_configuration` where there is a file.
 */
export function createFolder(folder: string): void {
  const missing: string[] = [];
  let path = resolve(folder);
  for (; !existsSync(path); path = dirname(path)) missing.unshift(path);
  if (!statSync(path).isDirectory())
    throw new Refusal(
      'invalid_configuration',
      `names ${path}, which is a file: name a folder, which is made when it is missing`,
    );
  // One by one: `recursive` never returns where the system refuses with ENOENT, as below /proc.
  for (const made of missing) {
    mkdirSync(made, { mode: 0o700 });
    // A folder is only there after a power cut when its parent was synced.
    syncFolder(dirname(made));
  }
}

/** Puts the names of the files in the folder on stable storage. */
export function syncFolder(folder: string): void {
  // Windows cannot sync a folder; its file systems journal names by themselves.
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Takes the folder for this process, until the connection that is returned is closed or the process ends in any way.
 * Throws `store_in_use` when another hub has it.
 *
 * The lock is on a database of its own, so that people may read the real one meanwhile; it is the operating system's,
 * so none is left behind by a crash.
 */
export function lockFolder(connect: Connect, folder: string): Database {
  const lock = connect(join(folder, LOCK_FILE));
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if ((error as { readonly errcode?: number }).errcode !== BUSY) throw error;
    throw new Refusal(
      'store_in_use',
      `another hub works on ${folder}: stop it, or give this one another data folder`,
    );
  }
}
