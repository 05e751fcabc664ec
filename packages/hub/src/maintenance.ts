import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { reasonOf, WebSubError } from '@websub/shared';
import { OptionError } from './option-error.js';
import { KEY_FILE } from './store/secrets/find-keys.js';
import { backUp } from './store/sqlite/back-up.js';
import { DATABASE_FILE } from './store/sqlite/folder.js';
import { inspect, type Inspection } from './store/sqlite/inspect.js';

export type { Inspection } from './store/sqlite/inspect.js';

export interface Backup {
  /** What a check of the copy found. */
  readonly inspection: Inspection;
  /** The file with the key of the secrets, when it lies in the data folder: the backup does not hold it. */
  readonly keyFile: string | undefined;
}

/**
 * Copies everything that a hub has acknowledged into one file, also while it works, and checks the copy. It is restored by
 * putting it into an empty data folder under the name `hub.sqlite`.
 *
 * Settles when the copy is on stable storage. Rejects with {@link OptionError} when nothing can be read or `to` exists,
 * and `store_failed` when it cannot be written.
 */
export async function backUpData(data: string, to: string): Promise<Backup> {
  const source = databaseIn(data);
  const target = resolve(to);
  if (existsSync(target))
    throw new OptionError('to', `names a file that exists: choose another name, or move ${target} away`);
  try {
    await backUp(source, target);
  } catch (cause) {
    throw new WebSubError(
      'store_failed',
      `${source} cannot be copied to ${target} (${reasonOf(cause)}): see to the folder, its disk, and websub-hub check`,
      { cause },
    );
  }
  const keyFile = join(dirname(source), KEY_FILE);
  return { inspection: await inspect(target), keyFile: existsSync(keyFile) ? keyFile : undefined };
}

/**
 * Reads all data and tells what is not as it was written. `data` is a data folder, whose hub may work, or a backup. Rejects
 * with {@link OptionError} when it is not there or cannot be read.
 */
export function checkData(data: string): Promise<Inspection> {
  return inspect(databaseIn(data));
}

/** The database of a data folder, or the database itself. */
function databaseIn(data: string): string {
  let file = data;
  try {
    if (statSync(data).isDirectory()) file = join(data, DATABASE_FILE);
    accessSync(file, constants.R_OK);
    return resolve(file);
  } catch (error) {
    const complaint = isMissing(error)
      ? 'which is not there: give the data folder of a hub, or a backup'
      : `which cannot be read (${reasonOf(error)}): see to its permissions, or run this as the user of the hub`;
    throw new OptionError('data', `names ${file}, ${complaint}`);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
