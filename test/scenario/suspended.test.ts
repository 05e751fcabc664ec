import { describe, expect, it } from 'vitest';
import { startClockedHub, type ClockedHub } from '../support/hub-in-process.js';
import type { Callback } from '../support/callbacks.js';
import { inState, listAll, published, subscribed, subscriptionsOf, type Row } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld({ flags: ['--retry-delays', '0.2,0.2,600', '--suspend-after', '1'] });
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** As a hub does by itself: the limit is three days. */
const DAYS = { retryDelays: Array.from({ length: 10 }, () => 86_400) };
/** The same within hours. */
const HOURS = { retryDelays: Array.from({ length: 10 }, () => 3_600), suspendAfter: 3 * 3_600 };

/** A subscription whose callback fails until it is suspended; the update that it failed with is a dead letter. */
async function suspended(
  clocked: ClockedHub,
  topic: string,
  delayMs = HOUR,
): Promise<{ callback: Callback; row: Row }> {
  const { hub, clock } = clocked;
  const callback = (await world.callbackServer()).callback();
  callback.onDelivery = () => ({ status: 500 });
  await subscribed(hub, callback, topic);
  await inState(hub, callback, 'active');
  await published(hub, topic, 'one');
  await arrived('attempts', callback.deliveries, 1);
  // Four delays and more pass the limit of three, whatever the jitter.
  for (let nth = 1; nth <= 5; nth++) {
    const [row] = await until('it waits', async () => {
      const rows = await subscriptionsOf(hub, callback.url);
      return Number(rows[0]?.['failed_attempts']) >= nth || rows[0]?.['state'] === 'suspended'
        ? rows
        : undefined;
    });
    if (row?.['state'] === 'suspended') break;
    await clock.advance(1.3 * delayMs);
    await arrived('attempts', callback.deliveries, nth + 1);
  }
  return { callback, row: await inState(hub, callback, 'suspended') };
}

describe('a subscription that has failed for too long', () => {
  it('H49, H50 stays after three days by default, and each new update is tried once, newest first, at most once a minute', async () => {
    const clocked = await startClockedHub(DAYS);
    const { hub, clock } = clocked;
    const topic = world.topic().url;
    const { callback, row } = await suspended(clocked, topic, DAY);
    expect(row).toMatchObject({
      failing_since: expect.any(String) as unknown,
      suspended_at: expect.any(String) as unknown,
    });
    // The first is tried at once, however short ago the attempt was that suspended it.
    await published(hub, topic, 'zero');
    await until(
      'it was given up',
      async () => (await listAll(hub, '/v1/dead-letters', { topic })).length === 2,
    );
    const before = callback.deliveries.length;
    for (const update of ['two', 'three', 'four']) await published(hub, topic, update);
    expect(callback.deliveries).toHaveLength(before);
    await clock.advance(61_000);
    await until('the newest was tried', () => callback.texts.slice(before).join() === 'four');
    await until(
      'all are on record',
      async () => (await listAll(hub, '/v1/dead-letters', { topic })).length === 5,
    );
    const letters = await listAll(hub, '/v1/dead-letters', { topic });
    expect(letters.map(({ reason }) => String(reason)).toSorted()).toEqual([
      'gave-up',
      'gave-up',
      'gave-up',
      'skipped',
      'skipped',
    ]);
    expect(letters.filter(({ reason }) => reason === 'skipped').map(({ attempts }) => attempts)).toEqual([
      0, 0,
    ]);
    // Nothing more without a new update, and not before a minute has passed with one.
    await clock.advance(MINUTE / 2);
    await published(hub, topic, 'five');
    await clock.advance(MINUTE / 4);
    expect(callback.deliveries).toHaveLength(before + 1);
    await clock.advance(MINUTE / 2);
    await until('it was tried', () => callback.texts.slice(before).join() === 'four,five');
    await until(
      'it is on record',
      async () => (await listAll(hub, '/v1/dead-letters', { topic })).length === 6,
    );
    await clock.advance(10 * MINUTE);
    expect(callback.deliveries).toHaveLength(before + 2);
  });

  it('comes back by a success, and by subscribing again', async () => {
    const clocked = await startClockedHub(HOURS);
    const { hub, clock } = clocked;
    const [bySuccess, bySubscribing] = [world.topic().url, world.topic().url];
    const { callback } = await suspended(clocked, bySuccess);
    callback.onDelivery = () => ({ status: 204 });
    await clock.advance(2 * MINUTE);
    await published(hub, bySuccess, 'two');
    expect(await inState(hub, callback, 'active')).toMatchObject({ failing_since: null, suspended_at: null });

    const other = (await suspended(clocked, bySubscribing)).callback;
    await subscribed(hub, other, bySubscribing);
    await inState(hub, other, 'active');
    other.onDelivery = () => ({ status: 204 });
    await published(hub, bySubscribing, 'three');
    await until('it is delivered at once', () => other.texts.at(-1) === 'three');
  });

  it('H25 is told that it is denied, and why, when its lease ends', async () => {
    const clocked = await startClockedHub({ ...HOURS, defaultLease: 86_400 });
    const { hub, clock } = clocked;
    const { callback } = await suspended(clocked, world.topic().url);
    await clock.advance(DAY);
    const denial = await until('it is told', () => callback.intents.find(({ mode }) => mode === 'denied'));
    expect(denial.query.get('hub.reason')).toMatch(/failed for days.*subscribe again/);
    await until('it is gone', async () => (await subscriptionsOf(hub, callback.url)).length === 0);
  });
});

it('LAW 2 what failed and who is suspended is known after a restart', async () => {
  const { hub } = world;
  const topic = world.topic().url;
  const callback = (await world.callbackServer()).callback();
  callback.onDelivery = () => ({ status: 503 });
  await subscribed(hub, callback, topic);
  await published(hub, topic, 'one');
  await arrived('attempts', callback.deliveries, 3);
  const since = await until('it has failed', async () => {
    const [row] = await subscriptionsOf(hub, callback.url);
    return row?.['failed_attempts'] === 3 ? row['failing_since'] : undefined;
  });
  await hub.terminate();
  await until('it has failed for a second', () => Date.now() - Date.parse(String(since)) > 1_000);
  await hub.restart();
  const [row] = await subscriptionsOf(hub, callback.url);
  expect(row).toMatchObject({
    state: 'active',
    failing_since: since,
    last_outcome: { outcome: 'failed', status: 503, detail: 'answered 503' },
  });
});
