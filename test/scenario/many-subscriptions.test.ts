import { expect, it } from 'vitest';
import type { Callback } from '../support/callbacks.js';
import { listAll, published, subscribe } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();

it('1,000 subscriptions that arrive together for one topic are 1,000 active ones, and each gets an update once', async () => {
  const topic = world.topic().url;
  const callbacks = Array.from({ length: 1_000 }, () => world.callback());
  const answers = await Promise.all(callbacks.map(({ url }) => subscribe(world.hub, url, topic)));
  expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
  await until('all are verified', () => callbacks.every(({ intents }) => intents.length > 0));
  await until(
    'all are active',
    async () => (await listAll(world.hub, '/v1/subscriptions', { topic, state: 'active' })).length === 1_000,
  );
  const publishedAt = performance.now();
  await published(world.hub, topic, 'an update');
  await until('all have it', () => callbacks.every(({ deliveries }) => deliveries.length > 0));
  // About a second on two idle cores, callbacks included; the rest is room for what else runs there.
  expect(performance.now() - publishedAt).toBeLessThan(5_000);
  const [first] = callbacks;
  if (first === undefined) throw new Error('there are callbacks');
  await world.barrier(topic, first);
  expect(callbacks.filter((callback) => timesGiven(callback, 'an update') !== 1)).toEqual([]);
  expect(callbacks.filter(({ intents }) => intents.length !== 1)).toEqual([]);
});

it('100 requests for one and the same subscription at once are one subscription', async () => {
  const topic = world.topic().url;
  const callback = world.callback();
  await Promise.all(Array.from({ length: 100 }, () => subscribe(world.hub, callback.url, topic)));
  await until('it is active', async () => {
    const rows = await listAll(world.hub, '/v1/subscriptions', { callback: callback.url });
    expect(rows).toHaveLength(1);
    return rows[0]?.['state'] === 'active' && rows[0]['pending'] === null;
  });
  await published(world.hub, topic, 'an update');
  await world.barrier(topic, callback);
  expect(timesGiven(callback, 'an update')).toBe(1);
});

it('two updates of one topic in the same millisecond are two deliveries, in the order of their cursors', async () => {
  const topic = world.topic().url;
  const callback = await world.subscriber(topic);
  for (let round = 0; round < 20; round++) {
    const bodies = [`a${round}`, `b${round}`];
    const cursors = await Promise.all(bodies.map((body) => published(world.hub, topic, body)));
    await until('both arrived', () => bodies.every((body) => callback.texts.includes(body)));
    const [a, b] = cursors.map((cursor) => Number(cursor.split('.')[1]));
    expect(callback.texts.slice(-2)).toEqual((a ?? 0) < (b ?? 0) ? bodies : bodies.toReversed());
  }
  expect(callback.deliveries).toHaveLength(40);
});

it('300 callbacks of which one fails: the healthy ones get each update exactly once', async () => {
  const topic = world.topic().url;
  const callbacks = Array.from({ length: 300 }, () => world.callback());
  const failing = callbacks[150];
  if (failing === undefined) throw new Error('there are callbacks');
  failing.onDelivery = () => ({ status: 500 });
  await Promise.all(callbacks.map(({ url }) => subscribe(world.hub, url, topic)));
  await until(
    'all are active',
    async () => (await listAll(world.hub, '/v1/subscriptions', { topic, state: 'active' })).length === 300,
  );
  const updates = Array.from({ length: 10 }, (_each, n) => `update ${n}`);
  for (const update of updates) await published(world.hub, topic, update);
  const healthy = callbacks.filter((callback) => callback !== failing);
  await until('the healthy ones have all', () => healthy.every(({ deliveries }) => deliveries.length >= 10));
  const [first] = healthy;
  if (first === undefined) throw new Error('there are callbacks');
  await world.barrier(topic, first);
  for (const callback of healthy) expect(callback.texts.slice(0, 10)).toEqual(updates);
  for (const callback of healthy)
    expect(callback.texts.slice(10).every((text) => text.startsWith('barrier'))).toBe(true);
  expect(new Set(failing.texts)).toEqual(new Set(['update 0']));
});

it('300 callbacks of which one hangs: the healthy ones have each update within 2 s', async () => {
  const topic = world.topic().url;
  const callbacks = Array.from({ length: 300 }, () => world.callback());
  const hanging = callbacks[0];
  if (hanging === undefined) throw new Error('there are callbacks');
  hanging.onDelivery = () => 'hang';
  await Promise.all(callbacks.map(({ url }) => subscribe(world.hub, url, topic)));
  await until(
    'all are active',
    async () => (await listAll(world.hub, '/v1/subscriptions', { topic, state: 'active' })).length === 300,
  );
  const publishedAt = performance.now();
  await published(world.hub, topic, 'an update');
  await until('the healthy ones have it', () =>
    callbacks.every((callback) => timesGiven(callback, 'an update') === 1),
  );
  expect(performance.now() - publishedAt).toBeLessThan(2_000);
});

function timesGiven(callback: Callback, text: string): number {
  return callback.texts.filter((each) => each === text).length;
}
