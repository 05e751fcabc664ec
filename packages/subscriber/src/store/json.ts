import type { SubscriptionRecord } from '../subscription/subscription.js';

// JSON has no dates; members called so are written as ISO 8601 and read back.
const DATE = /^(expires|lastDelivery|requested|renew|retry|due)At$/;

export function toJson(subscription: SubscriptionRecord): string {
  return JSON.stringify(subscription);
}

/** Reads what {@link toJson} wrote; the record is our own, so its shape is not checked again. */
export function fromJson(record: string): SubscriptionRecord {
  const members = Object.entries(JSON.parse(record) as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    members.map(([name, value]) => [
      name,
      DATE.test(name) && typeof value === 'string' ? new Date(value) : value,
    ]),
  ) as unknown as SubscriptionRecord;
}
