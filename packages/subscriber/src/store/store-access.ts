import { asWebSubError } from '../errors.js';
import { keyOfTarget } from '../service/target.js';
import type { SubscriptionStore } from '../subscription/store.js';
import type { StoredSubscription, SubscriptionRecord } from '../subscription/subscription.js';

/**
 * The one way to a store, which anybody may have written: what it throws becomes `store_failed`, and a record with only
 * the members that every record has is completed.
 */
export class StoreAccess {
  readonly #store: SubscriptionStore;

  constructor(store: SubscriptionStore) {
    this.#store = store;
  }

  get(id: string): Promise<StoredSubscription | undefined> {
    return guarded(async () => {
      const record = await this.#store.get(id);
      return record === undefined ? undefined : completed(record);
    });
  }

  put(subscription: StoredSubscription, expectedVersion: number | undefined): Promise<boolean> {
    return guarded(() => this.#store.put(subscription, expectedVersion));
  }

  delete(id: string): Promise<void> {
    return guarded(() => this.#store.delete(id));
  }

  list(): Promise<readonly StoredSubscription[]> {
    return guarded(async () => {
      const all: StoredSubscription[] = [];
      for await (const record of this.#store.list()) all.push(completed(record));
      return all;
    });
  }

  claimDue(before: Date, owner: string, holdMs: number): Promise<readonly SubscriptionRecord[]> {
    return guarded(() => this.#store.claimDue(before, owner, holdMs));
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw asWebSubError(thrown);
  }
}

function completed(record: SubscriptionRecord): StoredSubscription {
  return { target: keyOfTarget(record), origin: 'configured', attempts: 0, ...record };
}
