import assert from 'node:assert/strict';
import type { Position } from '../log/log.js';
import type { Page } from '../subscription/registry.js';
import type { Subscription, SubscriptionState } from '../subscription/subscription.js';
import { promise, promiseForEver, type ContractCase } from './contract-case.js';
import { deadLetterContract } from './dead-letter-contract.js';
import type { RegistryUnderTest } from './registry-under-test.js';
import { FEED, gather, leaseOf, NEWS, NOON, sealedOf, subscriptionOf, topicOf } from './samples.js';

type Case = ContractCase<RegistryUnderTest>;

const everything: Page = { limit: 1_000 };

const topics: readonly Case[] = [
  promise('a topic is saved when its version follows the stored one', async ({ registry }) => {
    assert.equal(await registry.saveTopic(topicOf(FEED, { version: 2 })), false);
    assert.equal(await registry.saveTopic(topicOf(FEED)), true);
    assert.equal(await registry.saveTopic(topicOf(FEED)), false);
    assert.equal(await registry.saveTopic(topicOf(FEED, { version: 3 })), false);
    assert.equal(await registry.saveTopic(topicOf(FEED, { version: 2, registered: true })), true);
    assert.deepEqual(await registry.listTopics({}, everything), [
      topicOf(FEED, { version: 2, registered: true }),
    ]);
  }),
  promise('of two who save the same version one is told that the other was faster', async ({ registry }) => {
    const saved = await Promise.all([
      registry.saveTopic(topicOf(FEED)),
      registry.saveTopic(topicOf(FEED, { registered: true })),
    ]);
    assert.deepEqual(saved, [true, false]);
  }),
  promise('a topic is removed when its version is the stored one, and begins anew', async ({ registry }) => {
    const second = topicOf(FEED, { version: 2, registered: true });
    await registry.saveTopic(topicOf(NEWS));
    await registry.saveTopic(topicOf(FEED));
    await registry.saveTopic(second);
    assert.equal(await registry.removeTopic(topicOf(FEED)), false);
    assert.equal(await registry.removeTopic({ ...second, version: 3 }), false);
    assert.equal(await registry.removeTopic(topicOf('unknown')), false);
    assert.equal((await registry.listTopics({}, everything)).length, 2);
    assert.equal(await registry.removeTopic(second), true);
    assert.equal(await registry.removeTopic(second), false);
    assert.deepEqual(await registry.listTopics({}, everything), [topicOf(NEWS)]);
    assert.equal(await registry.saveTopic({ ...second, version: 3 }), false);
    assert.equal(await registry.saveTopic(topicOf(FEED)), true);
    assert.deepEqual(await registry.listTopics({ topic: FEED }, everything), [topicOf(FEED)]);
  }),
  promise('what was subscribed to stays when the topic is removed', async ({ registry }) => {
    const subscription = subscriptionOf('a');
    await registry.saveTopic(topicOf(FEED));
    await registry.saveSubscription(subscription);
    assert.equal(await registry.removeTopic(topicOf(FEED)), true);
    assert.deepEqual(await listAll(registry), [subscription]);
    assert.deepEqual(await registry.listTopics({}, everything), [topicOf(FEED, { version: 0 })]);
    assert.equal(await registry.removeSubscription(subscription), true);
    assert.deepEqual(await registry.listTopics({}, everything), []);
    assert.equal(await registry.saveSubscription(subscription), true);
    assert.deepEqual(await listAll(registry), [subscription]);
  }),
  promise('topics are listed by URL, bytewise, page by page', async ({ registry }) => {
    // In UTF-16, as JavaScript compares, the last two are the other way round.
    const urls = ['A', 'Z', 'a', 'a/b', 'ü', '\uFFFD', '🦊'];
    for (const url of urls.toReversed()) await registry.saveTopic(topicOf(url));
    assert.deepEqual(
      await byPage(
        2,
        (page) => registry.listTopics({}, page),
        ({ url }) => url,
      ),
      urls,
    );
    assert.deepEqual(await registry.listTopics({ topic: 'a' }, everything), [topicOf('a')]);
    assert.deepEqual(await registry.listTopics({ topic: 'a' }, { after: 'a', limit: 1 }), []);
    assert.deepEqual(await registry.listTopics({ topic: 'b' }, everything), []);
  }),
];

const saving: readonly Case[] = [
  promise('a subscription is saved when its version follows the stored one', async ({ registry }) => {
    const first = subscriptionOf('a');
    const second = subscriptionOf('a', {
      version: 2,
      lease: leaseOf({ secret: sealedOf('s') }),
      pending: null,
    });
    assert.equal(await registry.saveSubscription(second), false);
    assert.equal(await registry.saveSubscription(first), true);
    assert.equal(await registry.saveSubscription(first), false);
    assert.equal(await registry.saveSubscription({ ...second, version: 3 }), false);
    assert.equal(await registry.saveSubscription(second), true);
    assert.deepEqual(await listAll(registry), [second]);
  }),
  promise('topic and callback together are taken once', async ({ registry }) => {
    const { callback } = subscriptionOf('a');
    assert.equal(await registry.saveSubscription(subscriptionOf('a')), true);
    assert.equal(await registry.saveSubscription(subscriptionOf('b', { callback })), false);
    assert.equal(await registry.saveSubscription(subscriptionOf('b', { callback, topic: NEWS })), true);
    assert.equal(await registry.saveSubscription(subscriptionOf('b', { callback, version: 2 })), false);
    assert.equal(await registry.saveSubscription(subscriptionOf('c')), true);
  }),
  promise(
    'a subscription is removed with its place when its version is the stored one',
    async ({ registry, places }) => {
      const a = subscriptionOf('a');
      await registry.saveSubscription(a);
      await registry.saveSubscription(subscriptionOf('b'));
      await places.save(
        ['a', 'b'].map((subscription) => ({
          subscription,
          position: 1 as Position,
          attempts: 0,
          dueAt: 0,
          failure: null,
          beyond: null,
        })),
      );
      assert.equal(await registry.removeSubscription({ ...a, version: 2 }), false);
      assert.equal((await gather(places.load())).length, 2);
      assert.equal(await registry.removeSubscription(a), true);
      assert.equal(await registry.removeSubscription(a), false);
      assert.deepEqual(
        (await gather(places.load())).map(({ subscription }) => subscription),
        ['b'],
      );
      assert.equal(await registry.saveSubscription(a), true);
    },
  ),
];

const samples: readonly Subscription[] = [
  subscriptionOf('active', { lease: leaseOf(), pending: null }),
  subscriptionOf('active and denied', {
    topic: NEWS,
    lease: leaseOf({ secret: sealedOf('ü"\\'), since: 5 as Position }),
    pending: { kind: 'denial', request: 'r', reason: 'no', attempts: 1, dueAt: NOON + 5_000 },
  }),
  subscriptionOf('denied', {
    pending: { kind: 'denial', request: 'r', reason: 'no "room"', attempts: 1, dueAt: NOON },
  }),
  subscriptionOf('ended', { lease: leaseOf({ endsAt: NOON }) }),
  subscriptionOf('paused', { lease: leaseOf({ pausedAt: NOON, suspendedAt: NOON - 1 }), pending: null }),
  subscriptionOf('suspended', { lease: leaseOf({ suspendedAt: NOON - 1 }), pending: null }),
  subscriptionOf('pending', {
    topic: NEWS,
    pending: {
      kind: 'subscribe',
      request: 'r',
      secret: sealedOf('s'),
      leaseSeconds: 60,
      verifyToken: 't',
      afterUnsubscribe: true,
      attempts: 0,
      dueAt: NOON,
    },
  }),
];

const finding: readonly Case[] = [
  promise('a subscription is found by its id', async ({ registry }) => {
    for (const subscription of samples) await registry.saveSubscription(subscription);
    assert.deepEqual(await registry.findSubscription({ id: 'denied' }), samples[2]);
    assert.equal(await registry.findSubscription({ id: 'den' }), undefined);
  }),
  promise(
    'a subscription is found by the request that is pending, and by the one that was confirmed last',
    async ({ registry }) => {
      const both = subscriptionOf('both', { lease: leaseOf({ request: 'confirmed' }) });
      await registry.saveSubscription(subscriptionOf('other', { topic: NEWS }));
      await registry.saveSubscription(both);
      assert.deepEqual(await registry.findSubscription({ request: 'confirmed' }), both);
      assert.deepEqual(await registry.findSubscription({ request: 'request-both' }), both);
      assert.equal(await registry.findSubscription({ request: 'both' }), undefined);
    },
  ),
];

const listing: readonly Case[] = [
  promise('subscriptions are listed as saved, by id, bytewise, page by page', async ({ registry }) => {
    const ids = ['-', 'A', '_', 'a', 'ü', '\uFFFD', '🦊'];
    for (const id of ids.toReversed()) await registry.saveSubscription(subscriptionOf(id));
    const list = (page: Page) => registry.listSubscriptions({ now: NOON }, page);
    assert.deepEqual(await byPage(3, list, ({ id }) => id), ids);
    assert.deepEqual(await list({ after: 'A', limit: 1 }), [subscriptionOf('_')]);
  }),
  promise('subscriptions are listed by topic, callback and state', async ({ registry }) => {
    for (const subscription of samples) await registry.saveSubscription(subscription);
    const ids = async (filter: { topic?: string; callback?: string; state?: SubscriptionState }) =>
      (await registry.listSubscriptions({ ...filter, now: NOON }, everything)).map(({ id }) => id);
    assert.deepEqual(await ids({ topic: NEWS }), ['active and denied', 'pending']);
    assert.deepEqual(await ids({ topic: 'unknown' }), []);
    assert.deepEqual(await ids({ callback: samples[2]!.callback }), ['denied']);
    assert.deepEqual(await ids({ callback: samples[2]!.callback, topic: NEWS }), []);
    assert.deepEqual(await ids({ state: 'active' }), ['active', 'active and denied']);
    assert.deepEqual(await ids({ state: 'denied' }), ['denied']);
    assert.deepEqual(await ids({ state: 'paused' }), ['paused']);
    assert.deepEqual(await ids({ state: 'suspended' }), ['suspended']);
    assert.deepEqual(await ids({ state: 'pending', topic: FEED }), ['ended']);
  }),
  promise('a page by state is full while there are enough', async ({ registry }) => {
    const all = Array.from({ length: 40 }, (_, index) =>
      subscriptionOf(String(index + 100), index % 4 === 0 ? { lease: leaseOf() } : {}),
    );
    await Promise.all(all.map((subscription) => registry.saveSubscription(subscription)));
    const list = (page: Page) => registry.listSubscriptions({ state: 'active', now: NOON }, page);
    assert.equal((await list({ limit: 3 })).length, 3);
    assert.deepEqual(
      await byPage(3, list, ({ id }) => id),
      all.filter((_, index) => index % 4 === 0).map(({ id }) => id),
    );
  }),
];

const reopening: readonly Case[] = [
  promiseForEver(
    'topics and subscriptions are loaded after a restart, each once and as saved',
    async (open) => {
      const { registry } = await open();
      const many = Array.from({ length: 4_500 }, (_, index) =>
        subscriptionOf(`many-${index}`, { topic: `topic-${index % 7}` }),
      );
      const urls = Array.from({ length: 2_500 }, (_, index) => `https://publisher.example/${index}`);
      const records = urls.map((url, index) =>
        topicOf(
          url,
          index % 2 === 0
            ? {}
            : {
                registered: true,
                fetch: { id: 'f', attempts: 1, dueAt: NOON },
                validators: { etag: '"ü"', digest: 'd', position: 7 as Position },
              },
        ),
      );
      await Promise.all([...samples, ...many].map((subscription) => registry.saveSubscription(subscription)));
      await Promise.all(records.map((record) => registry.saveTopic(record)));
      const again = (await open()).registry;
      const key = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
      assert.deepEqual(
        (await gather(again.loadSubscriptions())).toSorted(key),
        [...samples, ...many].toSorted(key),
      );
      const byUrl = new Map((await gather(again.loadTopics())).map((record) => [record.url, record]));
      assert.deepEqual([...byUrl.values()].length, records.length);
      for (const record of records) assert.deepEqual(byUrl.get(record.url), record);
      assert.equal(await again.saveTopic({ ...records[0]!, version: 2 }), true);
      assert.equal(await again.removeTopic({ ...records[0]!, version: 2 }), true);
      const last = (await open()).registry;
      assert.equal((await gather(last.loadTopics())).length, records.length - 1);
    },
  ),
];

/** What every registry promises. */
export const registryContract: readonly Case[] = [
  ...topics,
  ...saving,
  ...finding,
  ...listing,
  ...reopening,
  ...deadLetterContract,
];

function listAll(registry: RegistryUnderTest['registry']): Promise<readonly Subscription[]> {
  return registry.listSubscriptions({ now: NOON }, everything);
}

/** The keys of a whole list, read page by page. */
async function byPage<T>(
  limit: number,
  list: (page: Page) => Promise<readonly T[]>,
  keyOf: (item: T) => string,
): Promise<string[]> {
  const keys: string[] = [];
  // Each page goes on behind the last key, so this ends.
  for (;;) {
    const after = keys.at(-1);
    const items = await list(after === undefined ? { limit } : { after, limit });
    assert.ok(items.length <= limit);
    if (items.length === 0) return keys;
    keys.push(...items.map(keyOf));
  }
}
