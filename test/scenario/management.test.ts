import { describe, expect, it } from 'vitest';
import { startClockedHub } from '../support/hub-in-process.js';
import { idOf, manage, subscription } from '../support/manage.js';
import { inState, listAll, published, subscribed, subscriptionsOf } from '../support/requests.js';
import { itSurvives, type Survival } from '../support/survival.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld({ flags: ['--retry-delays', '0.05'] });
const ANY_TEXT: unknown = expect.any(String);

async function active(topic: string) {
  const callback = world.callback();
  await subscribed(world.hub, callback, topic);
  await inState(world.hub, callback, 'active');
  return { callback, id: await idOf(world.hub, callback) };
}

describe('one subscription', () => {
  it('is shown with its place, its lag, its last outcome and its next attempt', async () => {
    const { hub, clock } = await startClockedHub({ retryDelays: [600] });
    const topic = world.topic().url;
    const callback = (await world.callbackServer()).callback();
    callback.onDelivery = () => ({ status: 500 });
    await subscribed(hub, callback, topic, { 'hub.secret': 'a secret that nobody sees' });
    for (const update of ['one', 'two']) await published(hub, topic, update);
    const id = await idOf(hub, callback);
    const row = await until('it has failed', async () => {
      const found = await subscription(hub, id);
      return found['failed_attempts'] === 1 ? found : undefined;
    });
    expect(row).toMatchObject({
      id,
      state: 'active',
      signed: true,
      caught_up: false,
      lag: { entries: 2 },
      failing_since: ANY_TEXT,
      last_outcome: { outcome: 'failed', status: 500, detail: 'answered 500' },
      next_attempt_at: ANY_TEXT,
    });
    expect(JSON.stringify(row)).not.toContain('nobody sees');
    const wait = Date.parse(String(row['next_attempt_at'])) - clock.now();
    expect(wait).toBeGreaterThan(400_000);
    expect(wait).toBeLessThan(800_000);
  });

  it('tells its recent attempts, newest first', async () => {
    const topic = world.topic().url;
    const { callback, id } = await active(topic);
    callback.onDelivery = (_delivery, nth) => ({ status: nth === 1 ? 503 : 204 });
    await published(world.hub, topic, 'one', { id: 'the-first' });
    await arrived('attempts', callback.deliveries, 2);
    const items = await until('both are known', async () => {
      const { text } = await manage(world.hub, 'GET', `/subscriptions/${id}/deliveries`);
      const found = (JSON.parse(text) as { items: readonly unknown[] }).items;
      return found.length === 2 ? found : undefined;
    });
    expect(items).toEqual([
      { at: ANY_TEXT, entry: 'the-first', attempt: 2, outcome: 'delivered', status: 204, detail: null },
      {
        at: ANY_TEXT,
        entry: 'the-first',
        attempt: 1,
        outcome: 'failed',
        status: 503,
        detail: 'answered 503',
      },
    ]);
  });

  it('LAW 4 ends at once when an operator removes it, and its callback is told why', async () => {
    const topic = world.topic().url;
    const { callback, id } = await active(topic);
    const witness = await world.subscriber(topic);
    expect((await manage(world.hub, 'DELETE', `/subscriptions/${id}?reason=moved+away`)).status).toBe(204);
    const denial = await until('it is told', () => callback.intents.find(({ mode }) => mode === 'denied'));
    expect(denial.topic).toBe(topic);
    expect(denial.query.get('hub.reason')).toBe('moved away');
    await until('it is gone', async () => (await subscriptionsOf(world.hub, callback.url)).length === 0);
    await published(world.hub, topic, 'afterwards');
    await world.barrier(topic, witness);
    expect(callback.deliveries).toEqual([]);
    expect((await manage(world.hub, 'DELETE', `/subscriptions/${id}`)).status).toBe(404);
  });

  it('is given nothing while it is paused, and everything when it is resumed', async () => {
    const topic = world.topic().url;
    const { callback, id } = await active(topic);
    const witness = await world.subscriber(topic);
    const paused = await manage(world.hub, 'POST', `/subscriptions/${id}/pause`);
    expect(JSON.parse(paused.text)).toMatchObject({ state: 'paused', paused_at: ANY_TEXT });
    for (const update of ['one', 'two']) await published(world.hub, topic, update);
    await world.barrier(topic, witness);
    expect(callback.deliveries).toEqual([]);
    const resumed = await manage(world.hub, 'POST', `/subscriptions/${id}/resume`);
    expect(JSON.parse(resumed.text)).toMatchObject({ state: 'active', paused_at: null });
    await until('both arrive, in order', () => callback.texts.slice(0, 2).join() === 'one,two');
  });

  it('is replayed from a cursor and since a time, and goes on with what is new', async () => {
    const topic = world.topic().url;
    const { callback, id } = await active(topic);
    const cursors: string[] = [];
    for (const update of ['one', 'two', 'three']) cursors.push(await published(world.hub, topic, update));
    await arrived('deliveries', callback.deliveries, 3);
    await until('it is caught up', async () => (await subscription(world.hub, id))['caught_up'] === true);
    const replayed = await manage(world.hub, 'POST', `/subscriptions/${id}/replay`, { cursor: cursors[0] });
    expect(replayed.status).toBe(202);
    await arrived('deliveries', callback.deliveries, 5);
    await until('it is caught up', async () => (await subscription(world.hub, id))['caught_up'] === true);
    await manage(world.hub, 'POST', `/subscriptions/${id}/replay`, { since: '2020-01-01T00:00:00Z' });
    await arrived('deliveries', callback.deliveries, 8);
    await published(world.hub, topic, 'four');
    await arrived('deliveries', callback.deliveries, 9);
    expect(callback.texts.join()).toBe('one,two,three,two,three,one,two,three,four');
    const ids = callback.deliveries.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(4);
  });

  it.each([
    ['POST', '/subscriptions/nobody/pause', undefined, 404],
    ['POST', '/subscriptions/nobody/replay', { since: '2020-01-01T00:00:00Z' }, 404],
    ['GET', '/subscriptions/nobody', undefined, 404],
    ['GET', '/subscriptions/nobody/deliveries', undefined, 404],
    ['POST', '/dead-letters/nobody.1/redeliver', undefined, 404],
    ['POST', '/dead-letters/redeliver', {}, 400],
    ['POST', '/dead-letters/redeliver', { topics: 'all' }, 400],
    ['POST', '/dead-letters/redeliver', { since: 'yesterday' }, 400],
    ['POST', '/dead-letters/redeliver', [], 400],
    ['GET', '/dead-letters?since=yesterday', undefined, 400],
    ['PUT', '/subscriptions/nobody', undefined, 404],
  ] as const)('%s %s %o is answered %i with the cure', async (method, path, body, status) => {
    const answer = await manage(world.hub, method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect((JSON.parse(answer.text) as { detail: string }).detail).toMatch(/: /);
  });

  it('refuses what cannot be done in the state that it is in', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onIntent = () => ({ status: 503 });
    await subscribed(world.hub, callback, topic);
    const pending = await idOf(world.hub, callback);
    expect((await manage(world.hub, 'POST', `/subscriptions/${pending}/pause`)).status).toBe(409);
    const { id } = await active(topic);
    for (const body of [{}, { cursor: 'a.1', since: '2020-01-01T00:00:00Z' }, { cursor: 7 }])
      expect((await manage(world.hub, 'POST', `/subscriptions/${id}/replay`, body)).status).toBe(400);
    for (const cursor of ['another.1', 'x', '', '.'])
      expect((await manage(world.hub, 'POST', `/subscriptions/${id}/replay`, { cursor })).status).toBe(409);
  });
});

describe('dead letters', () => {
  it('are delivered again one by one, with the same Webhook-Id, and then are no more', async () => {
    const topic = world.topic().url;
    const { callback } = await active(topic);
    callback.onDelivery = () => ({ status: 500 });
    await published(world.hub, topic, 'one');
    const [letter] = await until('it is given up', async () => {
      const letters = await listAll(world.hub, '/v1/dead-letters', { topic });
      return letters.length === 1 ? letters : undefined;
    });
    expect(letter).toMatchObject({ reason: 'gave-up', bytes: 3, attempts: 2, redeliver_at: null });
    const failed = callback.deliveries.at(-1);
    // Once more in vain: it stays, with one attempt more.
    const again = () => manage(world.hub, 'POST', `/dead-letters/${String(letter?.['id'])}/redeliver`);
    expect((await again()).status).toBe(202);
    await arrived('attempts', callback.deliveries, 3);
    await until('it is put back', async () => {
      const [row] = await listAll(world.hub, '/v1/dead-letters', { topic });
      return row?.['attempts'] === 3 && row['redeliver_at'] === null && row['at'] === letter?.['at'];
    });
    callback.onDelivery = () => ({ status: 204 });
    expect((await again()).status).toBe(202);
    await until(
      'it is no more',
      async () => (await listAll(world.hub, '/v1/dead-letters', { topic })).length === 0,
    );
    expect(callback.deliveries).toHaveLength(4);
    const delivered = callback.deliveries.at(-1);
    expect(delivered?.headers['webhook-id']).toBe(failed?.headers['webhook-id']);
    expect(delivered?.headers['hub-attempt']).toBe('4');
    expect((await again()).status).toBe(404);
  });

  it('F24: are delivered again by filter while new updates go first and keep their order', async () => {
    const topic = world.topic().url;
    const other = world.topic().url;
    const { callback, id } = await active(topic);
    const { callback: untouched } = await active(other);
    for (const each of [callback, untouched]) each.onDelivery = () => ({ status: 500 });
    const old = Array.from({ length: 30 }, (_each, n) => `old ${n}`);
    for (const update of old) await published(world.hub, topic, update);
    await published(world.hub, other, 'old too');
    await until(
      'all are given up',
      async () => (await listAll(world.hub, '/v1/dead-letters', { subscription: id })).length === 30,
    );
    callback.onDelivery = () => ({ status: 204 });
    const before = callback.deliveries.length;
    const answer = await manage(world.hub, 'POST', '/dead-letters/redeliver', { subscription: id });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([202, { letters: 30 }]);
    const live = Array.from({ length: 30 }, (_each, n) => `new ${n}`);
    for (const update of live) await published(world.hub, topic, update);
    await until(
      'all are delivered',
      async () => (await listAll(world.hub, '/v1/dead-letters', { subscription: id })).length === 0,
    );
    const given = callback.texts.slice(before);
    expect(given.filter((text) => text.startsWith('new'))).toEqual(live);
    expect(given.filter((text) => text.startsWith('old'))).toEqual(old);
    expect(await listAll(world.hub, '/v1/dead-letters', { topic: other })).toHaveLength(1);
  });

  it('of a subscription that ended are given to whoever subscribes anew', async () => {
    const topic = world.topic().url;
    const { callback, id } = await active(topic);
    callback.onDelivery = () => ({ status: 500 });
    await published(world.hub, topic, 'one');
    const [letter] = await until('it is given up', async () => {
      const letters = await listAll(world.hub, '/v1/dead-letters', { topic });
      return letters.length === 1 ? letters : undefined;
    });
    await manage(world.hub, 'DELETE', `/subscriptions/${id}`);
    await until('it is gone', async () => (await subscriptionsOf(world.hub, callback.url)).length === 0);
    const again = () => manage(world.hub, 'POST', `/dead-letters/${String(letter?.['id'])}/redeliver`);
    expect((await again()).status).toBe(409);
    await subscribed(world.hub, callback, topic);
    await inState(world.hub, callback, 'active');
    callback.onDelivery = () => ({ status: 204 });
    expect((await again()).status).toBe(202);
    await until(
      'it is no more',
      async () => (await listAll(world.hub, '/v1/dead-letters', { topic })).length === 0,
    );
    expect(callback.texts.at(-1)).toBe('one');
  });
});

const SURVIVALS: Readonly<Record<string, Survival>> = {
  async *'a subscription stays paused, also over a renewal'(hub) {
    const topic = world.topic().url;
    const { callback, id } = await active(topic);
    await manage(hub, 'POST', `/subscriptions/${id}/pause`);
    await subscribed(hub, callback, topic);
    await until('it is renewed', async () => (await inState(hub, callback, 'paused'))['pending'] === null);
    yield;
    yield;
    await inState(hub, callback, 'paused');
  },

  async *'LAW 1 a replay goes on, also from before it was subscribed'(hub) {
    const topic = world.topic().url;
    await published(hub, topic, 'before');
    const { callback, id } = await active(topic);
    callback.onDelivery = () => 'hang';
    await manage(hub, 'POST', `/subscriptions/${id}/replay`, { since: '2020-01-01T00:00:00Z' });
    yield;
    callback.onDelivery = () => ({ status: 204 });
    const before = callback.deliveries.length;
    yield;
    await until('it is delivered', () => callback.texts.slice(before).includes('before'));
  },

  async *'LAW 1: dead letters are delivered again, once that is accepted'(hub) {
    const topic = world.topic().url;
    const { callback, id } = await active(topic);
    callback.onDelivery = () => ({ status: 500 });
    const letters = () => listAll(hub, '/v1/dead-letters', { topic });
    for (const update of ['one', 'two', 'three']) await published(hub, topic, update);
    await until('all are given up', async () => (await letters()).length === 3);
    await manage(hub, 'POST', `/subscriptions/${id}/pause`);
    expect((await manage(hub, 'POST', '/dead-letters/redeliver', { topic })).status).toBe(202);
    yield;
    callback.onDelivery = () => ({ status: 204 });
    const before = callback.deliveries.length;
    yield;
    await manage(hub, 'POST', `/subscriptions/${id}/resume`);
    await until('none is left', async () => (await letters()).length === 0);
    // Places that were not saved yet are repeated, too.
    expect(new Set(callback.texts.slice(before))).toEqual(new Set(['one', 'two', 'three']));
  },
};

describe('after a crash', () => {
  itSurvives(() => world.hub, SURVIVALS);
});
