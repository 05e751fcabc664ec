import { describe, expect, it } from 'vitest';
import type { Callback } from '../support/callbacks.js';
import { startClockedHub } from '../support/hub-in-process.js';
import { inState, page, published, subscribed } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

const world = useSurroundings();
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

async function stats(hub: { url: string }): Promise<Record<string, unknown>> {
  return (await (await fetch(new URL('/v1/stats', hub.url))).json()) as Record<string, unknown>;
}

function attemptsAt(callbacks: readonly Callback[]): number {
  return callbacks.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
}

describe('a callback origin that fails', () => {
  it('LAW 7 is held after 20 failures, probed, and released with everything that waited by the first answer', async () => {
    const { hub, clock } = await startClockedHub({
      breaker: true,
      retryDelays: [3_600, 3_600],
      hostConcurrency: 5,
    });
    const server = await world.callbackServer();
    const callbacks = Array.from({ length: 30 }, () => server.callback());
    const topic = world.topic().url;
    let healthy = false;
    for (const callback of callbacks) {
      callback.onDelivery = () => ({ status: healthy ? 204 : 500 });
      await subscribed(hub, callback, topic);
      await inState(hub, callback, 'active');
    }
    const held = new Promise((resolve) => hub.events.once('host-held', resolve));
    await published(hub, topic, 'an update');
    expect(await held).toEqual({ origin: server.origin, probeInMs: 30_000 });
    // Those that were under way when it opened still arrive.
    await until('the rest is held', async () => (await stats(hub))['held_origins'] === 1);
    const waiting = await until('nothing is in flight', async () => {
      const { deliveries } = (await stats(hub)) as {
        deliveries: { in_flight: number; waiting: number; held: number };
      };
      return deliveries.in_flight === 0 && deliveries.waiting === 0 && deliveries.held > 0
        ? deliveries.held
        : undefined;
    });
    const before = attemptsAt(callbacks);
    expect(before + waiting).toBe(30);
    expect(before).toBeLessThanOrEqual(20 + 4);

    // Nothing until the probe is due, then one attempt, then nothing for twice as long.
    await clock.advance(29 * SECOND);
    expect(attemptsAt(callbacks)).toBe(before);
    await clock.advance(2 * SECOND);
    await until('the probe arrived', () => attemptsAt(callbacks) === before + 1);
    await until('it has failed', async () => (await stats(hub))['held_origins'] === 1);
    await clock.advance(58 * SECOND);
    expect(attemptsAt(callbacks)).toBe(before + 1);

    healthy = true;
    const released = new Promise((resolve) => hub.events.once('host-released', resolve));
    await clock.advance(5 * SECOND);
    await released;
    await until('all that waited have it', () =>
      callbacks.every((callback) => callback.deliveries.length > 0),
    );
    // What waited made no attempt meanwhile, so it counts for none.
    const last = callbacks
      .filter(({ deliveries }) => deliveries.length === 1)
      .map(({ deliveries }) => deliveries[0]);
    for (const delivery of last) expect(delivery?.headers['hub-attempt']).toBe('1');
    // The others are tried again by their own schedule, and nothing is lost.
    await clock.advance(75 * MINUTE);
    await until('each has it', () =>
      callbacks.every(({ deliveries }) => deliveries.length <= 3 && deliveries.length > 0),
    );
    await until('all are caught up', async () =>
      (await page(hub, '/v1/subscriptions', { topic })).items.every((row) => row['caught_up'] === true),
    );
    expect((await page(hub, '/v1/dead-letters')).items).toEqual([]);
  });

  it('H50 keeps nobody waiting for longer than ten minutes: each has an attempt at each update', async () => {
    const { hub, clock } = await startClockedHub({
      breaker: true,
      retryDelays: [86_400],
      hostConcurrency: 2,
    });
    const server = await world.callbackServer();
    const callbacks = Array.from({ length: 40 }, () => server.callback());
    const topic = world.topic().url;
    for (const callback of callbacks) {
      callback.onDelivery = () => ({ status: 503 });
      await subscribed(hub, callback, topic);
      await inState(hub, callback, 'active');
    }
    await published(hub, topic, 'an update');
    await until('it is held', async () => (await stats(hub))['held_origins'] === 1);
    for (let minute = 0; minute < 12; minute++) {
      await clock.advance(MINUTE);
      await until('what is due was sent', async () => {
        const { deliveries } = (await stats(hub)) as { deliveries: { in_flight: number; waiting: number } };
        return deliveries.in_flight === 0 && deliveries.waiting === 0;
      });
    }
    expect(callbacks.map(({ deliveries }) => deliveries.length)).toEqual(callbacks.map(() => 1));
  });

  it('LAW 7 holds up no other origin, and a status that is about one callback holds up none', async () => {
    const { hub } = await startClockedHub({ breaker: true, retryDelays: [3_600] });
    const [failing, fine] = [await world.callbackServer(), await world.callbackServer()];
    const topic = world.topic().url;
    const bad = Array.from({ length: 25 }, () => failing.callback());
    const missing = Array.from({ length: 25 }, () => fine.callback());
    const good = fine.callback();
    for (const callback of bad) callback.onDelivery = () => ({ status: 500 });
    for (const callback of missing) callback.onDelivery = () => ({ status: 404 });
    for (const callback of [...bad, ...missing, good]) {
      await subscribed(hub, callback, topic);
      await inState(hub, callback, 'active');
    }
    await published(hub, topic, 'an update');
    await until('one is held', async () => (await stats(hub))['held_origins'] === 1);
    await arrived('deliveries', good.deliveries, 1);
    await until('all of the other had theirs', () =>
      missing.every(({ deliveries }) => deliveries.length === 1),
    );
    await published(hub, topic, 'another');
    await arrived('deliveries', good.deliveries, 2);
  });

  it('is tried at once when it confirms a subscription meanwhile', async () => {
    const { hub } = await startClockedHub({ breaker: true, retryDelays: [3_600] });
    const server = await world.callbackServer();
    const callbacks = Array.from({ length: 22 }, () => server.callback());
    const topic = world.topic().url;
    let healthy = false;
    for (const callback of callbacks) {
      callback.onDelivery = () => ({ status: healthy ? 204 : 500 });
      await subscribed(hub, callback, topic);
      await inState(hub, callback, 'active');
    }
    await published(hub, topic, 'an update');
    await until('it is held', async () => (await stats(hub))['held_origins'] === 1);
    healthy = true;
    const [first] = callbacks;
    if (first === undefined) throw new Error('there are callbacks');
    await subscribed(hub, first, topic);
    await until('it is held no longer', async () => (await stats(hub))['held_origins'] === 0);
    await until('the one that subscribed again has it', () => first.deliveries.length === 2);
  });
});
