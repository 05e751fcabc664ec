import type { Consumer } from './consumer.js';

/** Named consumers and their places: saved in batches, never one write per entry. */
export interface Consumers {
  /** Everything, in batches, in no particular order. */
  load(): AsyncIterable<readonly Consumer[]>;
  /** Settles when the batch is on stable storage. The last save of a consumer counts. */
  save(consumers: readonly Consumer[]): Promise<void>;
  /** Settles when they are gone for good; who is not there is no failure. */
  remove(ids: readonly string[]): Promise<void>;
}
