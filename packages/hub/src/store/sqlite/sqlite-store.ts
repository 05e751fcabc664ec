import type { WebSubError } from '@websub/shared';
import type { Store } from '../../store.js';
import { Quarantine, type OnQuarantine } from './quarantine.js';
import { SqliteConsumers } from './sqlite-consumers.js';
import { SqliteCredentials } from './sqlite-credentials.js';
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
  /** Called for each stored row that is not as it was written: it was put aside, and what it said is not in force. */
  readonly onQuarantine?: OnQuarantine;
  /** Called with each commit: what it took, and how many changes share it. */
  readonly onCommit?: (durationMs: number, changes: number) => void;
}

/**
 * Opens the embedded store. Settles when everything in it can be read.
 *
 * Rejects with `invalid_configuration` when there is a file where the folder is wanted, `store_in_use` when another hub works on
 * it, `store_damaged`, `store_newer` when a newer hub wrote it, and `store_failed` when it cannot be opened otherwise.
 */
export async function openSqliteStore({
  folder,
  onFatal = () => undefined,
  onQuarantine = () => undefined,
  onCommit = () => undefined,
}: SqliteStoreOptions): Promise<Store> {
  const thread = await StoreThread.open({ folder, onFatal, onCommit });
  const quarantine = new Quarantine(thread, onQuarantine);
  return {
    log: new SqliteLog(thread),
    registry: new SqliteRegistry(thread, quarantine),
    places: new SqlitePlaces(thread, quarantine),
    credentials: new SqliteCredentials(thread, quarantine),
    consumers: new SqliteConsumers(thread, quarantine),
    lateMs: () => thread.lateMs(),
    close: () => thread.close(),
  };
}
