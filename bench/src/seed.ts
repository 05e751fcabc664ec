import { randomBytes } from 'node:crypto';
import { openStore, sealed, type Position, type StoredSubscription } from './store.js';
import { secretOf } from './update.js';

const AT_ONCE = 10_000;
const LEASE_SECONDS = 864_000;
const START = 0 as Position;

/** Puts subscriptions that are in force into a store: callback n has the topic n modulo their number. */
export async function seed(
  folder: string,
  callbacks: Iterable<string>,
  topics: readonly string[],
): Promise<void> {
  const store = await openStore(folder);
  let batch: Promise<unknown>[] = [];
  let n = 0;
  for (const callback of callbacks) {
    const subscription = subscriptionOf(topics[n % topics.length] ?? '', callback, secretOf(n));
    batch.push(store.registry.saveSubscription(subscription));
    n += 1;
    if (batch.length < AT_ONCE) continue;
    await Promise.all(batch);
    batch = [];
  }
  await Promise.all(batch);
  await store.close();
}

/** A subscription that is in force. */
export function subscriptionOf(topic: string, callback: string, secret: string): StoredSubscription {
  const id = randomBytes(16).toString('base64url');
  const lease = {
    secret: sealed(secret, id),
    seconds: LEASE_SECONDS,
    endsAt: Date.now() + LEASE_SECONDS * 1_000,
    since: START,
  };
  return { id, topic, callback, version: 1, lease, pending: null };
}
