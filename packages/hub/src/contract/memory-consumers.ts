import type { Consumer } from '../consumer/consumer.js';
import type { Consumers } from '../consumer/consumers.js';

/** Consumers that nobody finds again after a restart. */
export class MemoryConsumers implements Consumers {
  /** Saves so far, to see that they go together. */
  saves = 0;
  readonly #all = new Map<string, Consumer>();

  async *load(): AsyncIterable<readonly Consumer[]> {
    await Promise.resolve();
    if (this.#all.size > 0) yield [...this.#all.values()];
  }

  save(consumers: readonly Consumer[]): Promise<void> {
    this.saves += 1;
    for (const consumer of consumers) this.#all.set(consumer.id, structuredClone(consumer));
    return Promise.resolve();
  }

  remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#all.delete(id);
    return Promise.resolve();
  }
}
