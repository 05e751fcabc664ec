import type { WebSubError } from '@websub/shared';
import type { Store } from '../../store.js';
import { SqliteLog } from './sqlite-log.js';
import { SqlitePlaces } from './sqlite-places.js';
import { SqliteRegistry } from './sqlite-registry.js';
import { StoreThread } from './store-thread.js';

export interface SqliteStoreOptions {
  /** Where the data lie; created where it is missing. `:memory:` keeps nothing. */
  readonly folder: string;
  /**
   * Called once when the disk failed, or the database is damaged: every call rejects with `store_failed` from then on, and
   * only a new start tells what is on the disk.
   */
  readonly onFatal?: (error: WebSubError) => void;
}

/**
 * Opens the embedded store. Settles when everything in it can be read.
 *
 * Rejects with `store_in_use` when another hub works on the folder, `store_failed` when the database cannot be opened,
 * is damaged, or is a newer version's.
 */
export async function openSqliteStore({
  folder,
  onFatal = () => undefined,
}: SqliteStoreOptions): Promise<Store> {
  const thread = await StoreThread.open({ folder, onFatal });
  return {
    log: new SqliteLog(thread),
    registry: new SqliteRegistry(thread),
    places: new SqlitePlaces(thread),
    close: () => thread.close(),
  };
}
