import type { Consumer, ConsumerPlace } from '../../consumer/consumer.js';
import type { Consumers } from '../../consumer/consumers.js';
import type { ConsumerRow } from './commands.js';
import { quarantine, type OnQuarantine } from './quarantine.js';
import type { StoreThread } from './store-thread.js';

/** Rows of one command: some 10 ms of the store's thread. */
const ROWS_AT_ONCE = 2_000;

type ConsumerRecord = Omit<Consumer, 'id' | keyof ConsumerPlace>;

/** Named consumers in SQLite. */
export class SqliteConsumers implements Consumers {
  readonly #thread: StoreThread;
  readonly #onQuarantine: OnQuarantine;

  constructor(thread: StoreThread, onQuarantine: OnQuarantine) {
    this.#thread = thread;
    this.#onQuarantine = onQuarantine;
  }

  async *load(): AsyncIterable<readonly Consumer[]> {
    let after: string | undefined;
    // Each round goes on behind the last row, so this ends.
    for (;;) {
      const rows = await this.#thread.call('consumersAfter', [{ after, limit: ROWS_AT_ONCE }]);
      if (rows.length === 0) return;
      after = rows.at(-1)!.id;
      const damaged = rows.filter(({ sound }) => sound !== 1).map(({ id }) => ({ row: id, key: id }));
      // Whoever uses it begins anew: where it was nobody knows.
      await quarantine(this.#thread, 'consumer', damaged, this.#onQuarantine);
      yield rows.filter(({ sound }) => sound === 1).map(consumerOf);
    }
  }

  async save(consumers: readonly Consumer[]): Promise<void> {
    if (consumers.length > 0) await this.#thread.call('saveConsumers', [consumers.map(rowOf)]);
  }

  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#thread.call('removeConsumers', [ids]);
  }
}

function rowOf({ id, position, beganAt, open, ...record }: Consumer): ConsumerRow {
  return { id, record: JSON.stringify(record), place: JSON.stringify({ position, beganAt, open }) };
}

function consumerOf({ id, record, place }: ConsumerRow): Consumer {
  // The row is as it was written, by rowOf.
  return { id, ...(JSON.parse(record) as ConsumerRecord), ...(JSON.parse(place) as ConsumerPlace) };
}
