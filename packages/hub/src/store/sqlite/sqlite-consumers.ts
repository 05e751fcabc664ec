import type { Consumer, ConsumerPlace } from '../../consumer/consumer.js';
import type { Consumers } from '../../consumer/consumers.js';
import { ROWS_AT_ONCE, type ConsumerRow, type StoredConsumer } from './commands.js';
import type { Quarantine } from './quarantine.js';
import type { StoreThread } from './store-thread.js';

type ConsumerRecord = Omit<Consumer, 'id' | keyof ConsumerPlace>;

/** Named consumers in SQLite. */
export class SqliteConsumers implements Consumers {
  readonly #thread: StoreThread;
  readonly #quarantine: Quarantine;

  constructor(thread: StoreThread, quarantine: Quarantine) {
    this.#thread = thread;
    this.#quarantine = quarantine;
  }

  async *load(): AsyncIterable<readonly Consumer[]> {
    // Whoever uses a damaged one begins anew: where it was nobody knows.
    const consumers = this.#quarantine.soundRows<StoredConsumer>(
      'consumer',
      (last) => this.#thread.call('consumersAfter', [{ after: last?.id, limit: ROWS_AT_ONCE }]),
      ({ id }) => ({ row: id, key: id }),
    );
    for await (const batch of consumers) yield batch.map(consumerOf);
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
