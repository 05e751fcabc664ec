import type { SubscriptionStore } from '../subscription/store.js';
import type { SubscriptionRecord } from '../subscription/subscription.js';

interface Hold {
  readonly owner: string;
  readonly until: number;
}

/** Keeps subscriptions for as long as the process runs: for tests, and where a restart may subscribe anew. */
export function memoryStore(): SubscriptionStore {
  return new MemoryStore();
}

class MemoryStore implements SubscriptionStore {
  readonly #subscriptions = new Map<string, SubscriptionRecord>();
  readonly #holds = new Map<string, Hold>();

  get(id: string): Promise<SubscriptionRecord | undefined> {
    return Promise.resolve(this.#subscriptions.get(id));
  }

  put(subscription: SubscriptionRecord, expectedVersion: number | undefined): Promise<boolean> {
    if (this.#subscriptions.get(subscription.id)?.version !== expectedVersion) return Promise.resolve(false);
    this.#subscriptions.set(subscription.id, subscription);
    this.#holds.delete(subscription.id);
    return Promise.resolve(true);
  }

  delete(id: string): Promise<void> {
    this.#subscriptions.delete(id);
    this.#holds.delete(id);
    return Promise.resolve();
  }

  // eslint-disable-next-line typescript/require-await -- the port is asynchronous, a map is not
  async *list(): AsyncIterable<SubscriptionRecord> {
    yield* this.#subscriptions.values();
  }

  claimDue(before: Date, owner: string, holdMs: number): Promise<readonly SubscriptionRecord[]> {
    const now = before.getTime();
    const due = [...this.#subscriptions.values()].filter(({ id, dueAt }) => {
      const hold = this.#holds.get(id);
      const heldByOther = hold !== undefined && hold.owner !== owner && hold.until > now;
      return dueAt !== undefined && dueAt.getTime() <= now && !heldByOther;
    });
    for (const { id } of due) this.#holds.set(id, { owner, until: now + holdMs });
    return Promise.resolve(due);
  }
}
