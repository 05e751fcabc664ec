import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { SubscriptionStore } from '../subscription/store.js';
import type { SubscriptionRecord } from '../subscription/subscription.js';

/** One promise of the {@link SubscriptionStore} port; `run` rejects when an empty store given to it does not keep it. */
export interface StorePromise {
  readonly title: string;
  readonly run: (store: SubscriptionStore) => Promise<void>;
}

const NOON = Date.UTC(2026, 0, 1, 12);

function subscription(over: Partial<SubscriptionRecord> = {}): SubscriptionRecord {
  return {
    id: 'one',
    version: 1,
    service: 'Feed',
    target: 'topic https://publisher.example/ at https://hub.example/',
    origin: 'configured',
    hub: 'https://hub.example/',
    topic: 'https://publisher.example/',
    callback: 'https://me.example/one',
    state: 'active',
    pending: 'subscribe',
    secrets: ['a', 'b'],
    attempts: 0,
    lastDeliveryAt: new Date(NOON - 1),
    requestedAt: new Date(NOON - 2),
    renewAt: new Date(NOON + 30_000),
    retryAt: new Date(NOON),
    expiresAt: new Date(NOON + 60_000),
    dueAt: new Date(NOON),
    ...over,
  };
}

async function listed(store: SubscriptionStore): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { id } of store.list()) ids.push(id);
  return ids.toSorted();
}

const idsOf = (all: readonly SubscriptionRecord[]): readonly string[] => all.map(({ id }) => id).toSorted();

/** What every store must keep, for any test runner: `for (const { title, run } of storeContract) test(title, …)`. */
export const storeContract: readonly StorePromise[] = [
  {
    title: 'gives back what was put, dates and lists included',
    async run(store) {
      ok(await store.put(subscription(), undefined));
      deepStrictEqual(await store.get('one'), subscription());
    },
  },
  {
    title: 'knows nothing of an id that was never put, or was deleted',
    async run(store) {
      strictEqual(await store.get('one'), undefined);
      await store.put(subscription(), undefined);
      await store.delete('one');
      await store.delete('one');
      strictEqual(await store.get('one'), undefined);
      deepStrictEqual(await listed(store), []);
    },
  },
  {
    title: 'refuses a write that was made from another version',
    async run(store) {
      ok(await store.put(subscription(), undefined));
      ok(!(await store.put(subscription({ version: 9 }), undefined)));
      ok(!(await store.put(subscription({ version: 9 }), 2)));
      ok(await store.put(subscription({ version: 3, state: 'denied' }), 1));
      ok(!(await store.put(subscription({ version: 4 }), 1)));
      strictEqual((await store.get('one'))?.state, 'denied');
    },
  },
  {
    title: 'refuses a write over something that is not there',
    async run(store) {
      ok(!(await store.put(subscription(), 1)));
      strictEqual(await store.get('one'), undefined);
    },
  },
  {
    title: 'lets one of many writers of the same version win',
    async run(store) {
      await store.put(subscription(), undefined);
      const wins = await Promise.all(
        Array.from({ length: 20 }, (_, at) => store.put(subscription({ version: 2, attempts: at }), 1)),
      );
      strictEqual(wins.filter(Boolean).length, 1);
    },
  },
  {
    title: 'lists all',
    async run(store) {
      for (const id of ['one', 'two', 'three']) await store.put(subscription({ id }), undefined);
      deepStrictEqual(await listed(store), ['one', 'three', 'two']);
    },
  },
  {
    title: 'hands out what is due, and nothing else',
    async run(store) {
      await store.put(subscription({ id: 'past', dueAt: new Date(NOON - 1) }), undefined);
      await store.put(subscription({ id: 'now' }), undefined);
      await store.put(subscription({ id: 'later', dueAt: new Date(NOON + 1) }), undefined);
      const { dueAt: _, ...never } = subscription({ id: 'never' });
      await store.put(never, undefined);
      deepStrictEqual(idsOf(await store.claimDue(new Date(NOON), 'me', 1_000)), ['now', 'past']);
    },
  },
  {
    title: 'hands out nothing that another owner holds, until the hold ends',
    async run(store) {
      await store.put(subscription(), undefined);
      strictEqual((await store.claimDue(new Date(NOON), 'me', 1_000)).length, 1);
      strictEqual((await store.claimDue(new Date(NOON + 999), 'you', 1_000)).length, 0);
      strictEqual((await store.claimDue(new Date(NOON + 999), 'me', 1_000)).length, 1);
      strictEqual((await store.claimDue(new Date(NOON + 1_999), 'you', 1_000)).length, 1);
    },
  },
  {
    title: 'releases a hold when the subscription is written',
    async run(store) {
      await store.put(subscription(), undefined);
      await store.claimDue(new Date(NOON), 'me', 60_000);
      await store.put(subscription({ version: 2, dueAt: new Date(NOON + 1) }), 1);
      strictEqual((await store.claimDue(new Date(NOON + 1), 'you', 1_000)).length, 1);
    },
  },
];
