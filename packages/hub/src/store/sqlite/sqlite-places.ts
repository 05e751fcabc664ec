import type { Place, Places } from '../../subscription/places.js';
import type { StoreThread } from './store-thread.js';

/** Rows of one command: some 10 ms of the store's thread. */
const ROWS_AT_ONCE = 5_000;

/** The places of subscriptions in SQLite. */
export class SqlitePlaces implements Places {
  readonly #thread: StoreThread;

  constructor(thread: StoreThread) {
    this.#thread = thread;
  }

  async *load(): AsyncIterable<readonly Place[]> {
    let after: number | undefined = 0;
    while (after !== undefined) {
      const batch: { readonly last?: number; readonly places: readonly Place[] } = await this.#thread.call(
        'placesAfter',
        [after, ROWS_AT_ONCE],
      );
      if (batch.places.length > 0) yield batch.places;
      after = batch.last;
    }
  }

  async save(places: readonly Place[]): Promise<void> {
    if (places.length > 0) await this.#thread.call('savePlaces', [places]);
  }
}
