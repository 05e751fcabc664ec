import type { StoredSubscription } from '../subscription/subscription.js';

// JSON has no dates; these members are written as ISO 8601 and read back.
const DATES: ReadonlySet<string> = new Set(['expiresAt', 'lastDeliveryAt', 'renewAt', 'retryAt', 'dueAt']);

export function toJson(subscription: StoredSubscription): string {
  return JSON.stringify(subscription);
}

/** Reads what {@link toJson} wrote; the record is our own, so its shape is not checked again. */
export function fromJson(record: string): StoredSubscription {
  return JSON.parse(record, (name, value: unknown) =>
    DATES.has(name) && typeof value === 'string' ? new Date(value) : value,
  ) as StoredSubscription;
}
