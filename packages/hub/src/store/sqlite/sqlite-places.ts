import type { Place, Places } from '../../subscription/places.js';
import type { PlaceBatch } from './commands.js';
import { quarantine, type OnQuarantine } from './quarantine.js';
import type { StoreThread } from './store-thread.js';

/** Rows of one command: some 10 ms of the store's thread. */
const ROWS_AT_ONCE = 5_000;

/** The places of subscriptions in SQLite. */
export class SqlitePlaces implements Places {
  readonly #thread: StoreThread;
  readonly #onQuarantine: OnQuarantine;

  constructor(thread: StoreThread, onQuarantine: OnQuarantine) {
    this.#thread = thread;
    this.#onQuarantine = onQuarantine;
  }

  async *load(): AsyncIterable<readonly Place[]> {
    let after: number | undefined = 0;
    while (after !== undefined) {
      const batch: PlaceBatch = await this.#thread.call('placesAfter', [after, ROWS_AT_ONCE]);
      // Without its place, a subscription is given again what was published since its lease began.
      await quarantine(this.#thread, 'place', batch.damaged, this.#onQuarantine);
      if (batch.places.length > 0) yield batch.places;
      after = batch.last;
    }
  }

  async save(places: readonly Place[]): Promise<void> {
    if (places.length > 0) await this.#thread.call('savePlaces', [places]);
  }
}
