import { KeyRing } from '../../packages/hub/dist/store/secrets/key-ring.js';
import { openSqliteStore } from '../../packages/hub/dist/store/sqlite/sqlite-store.js';

/** The hub's own store, opened beside it: what it costs by itself is what the hub's work on it is compared with. */
export type Store = Awaited<ReturnType<typeof openSqliteStore>>;
export type StoredSubscription = Parameters<Store['registry']['saveSubscription']>[0];
export type Position = NonNullable<StoredSubscription['lease']>['since'];

export function openStore(folder: string): Promise<Store> {
  return openSqliteStore({ folder });
}

const noKeys = new KeyRing([]);

/** A secret as a hub without a key keeps it, such as one in `--dev`. */
export function sealed(secret: string, subscription: string): ReturnType<KeyRing['seal']> {
  return noKeys.seal(secret, subscription);
}
