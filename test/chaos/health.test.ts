import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Callback } from '../support/callbacks.js';
import type { Reply } from '../support/listener.js';
import { manage } from '../support/manage.js';
import { inState, listAll, published, subscribed, type HubAddress } from '../support/requests.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

/** `npm run health`: more of everything, and figures that are printed and held to; otherwise correctness only. */
const LONG = process.env['HEALTH'] === 'long';
const SIZE = LONG
  ? { healthy: 50, updates: 2_000, everyMs: 5, letters: 100_000, flappingMs: 120_000 }
  : { healthy: 10, updates: 30, everyMs: 5, letters: 200, flappingMs: 4_000 };
const MINUTES = 60_000;

const world = useSurroundings();

type Badness = () => Reply | Promise<Reply>;
const BAD: Readonly<Record<string, Badness>> = {
  hang: () => 'hang',
  503: () => ({ status: 503 }),
  slow: async () => {
    await pause(3_000);
    return { status: 204 };
  },
  reset: () => 'reset',
  'drips its header': () => (response) => {
    response.socket?.write('HTTP/1.1 2');
  },
};
const RETRIES = '0.5,1,2';
const MOST_ATTEMPTS = 4;

/** Subscribes bad callbacks, each kind at an origin of its own; the last two take no connection at all. */
async function badCallbacks(hub: HubAddress, topic: string, count: number): Promise<Callback[]> {
  const kinds = [...Object.values(BAD), undefined];
  return Promise.all(
    Array.from({ length: count }, async (_each, nth) => {
      const answer = kinds[nth % kinds.length];
      const server = await world.callbackServer();
      const callback = server.callback();
      await subscribed(hub, callback, topic);
      await inState(hub, callback, 'active');
      if (answer === undefined) await server.close();
      else callback.onDelivery = answer;
      return callback;
    }),
  );
}

async function healthyCallbacks(hub: HubAddress, topic: string, count: number): Promise<Callback[]> {
  const callbacks = Array.from({ length: count }, () => world.callback());
  await Promise.all(callbacks.map((callback) => subscribed(hub, callback, topic)));
  await Promise.all(callbacks.map((callback) => inState(hub, callback, 'active')));
  return callbacks;
}

interface Run {
  /** Milliseconds from publishing to the arrival at each healthy callback. */
  readonly latencies: readonly number[];
  readonly publishes: readonly number[];
}

/** Publishes and waits until each of these callbacks has everything, once and in order. */
async function publishTo(
  hub: HubAddress,
  topic: string,
  callbacks: readonly Callback[],
  name: string,
): Promise<Run> {
  const sentAt = new Map<string, number>();
  const publishes: number[] = [];
  const before = callbacks.map(({ deliveries }) => deliveries.length);
  for (let nth = 0; nth < SIZE.updates; nth++) {
    const update = `${name} ${nth}`;
    const at = performance.now();
    sentAt.set(update, at);
    await published(hub, topic, update);
    publishes.push(performance.now() - at);
    await pause(SIZE.everyMs);
  }
  const latencies: number[] = [];
  for (const [index, { deliveries }] of callbacks.entries()) {
    const from = before[index] ?? 0;
    await until('all arrived', () => deliveries.length >= from + SIZE.updates, MINUTES);
    const given = deliveries.slice(from);
    expect(given.map(({ text }) => text)).toEqual([...sentAt.keys()]);
    for (const { text, at } of given) latencies.push(at - (sentAt.get(text) ?? 0));
  }
  return { latencies, publishes };
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;
}

function report(what: string, base: Run, run: Run): void {
  if (!LONG) return;
  const [was, is] = [p99(base.latencies), p99(run.latencies)];
  const [published99, publishes99] = [p99(base.publishes), p99(run.publishes)];
  console.log(
    `${what}: delivery p99 ${was.toFixed(1)} -> ${is.toFixed(1)} ms, publish p99 ${published99.toFixed(1)} -> ${publishes99.toFixed(1)} ms`,
  );
  expect(is).toBeLessThanOrEqual(Math.max(1.1 * was, was + 100));
  expect(publishes99).toBeLessThanOrEqual(Math.max(1.1 * published99, published99 + 100));
}

/** In a process of its own where its time is taken. */
function startHub(flags: readonly string[] = []): Promise<HubAddress> {
  const options = { flags: ['--retry-delays', RETRIES, ...flags] };
  return LONG ? world.startHub(options) : world.embedHub(options);
}

async function deadLetters(hub: HubAddress): Promise<unknown> {
  const stats = JSON.parse((await manage(hub, 'GET', '/stats')).text) as Record<string, unknown>;
  return stats['dead_letters'];
}

describe('F9 callbacks of which some are bad', () => {
  it.each([10, 50])(
    '%i percent bad: the healthy ones get everything once and in order, the bad ones no more attempts than planned',
    async (share) => {
      const hub = await startHub(['--breaker']);
      const topic = world.topic().url;
      const healthy = await healthyCallbacks(hub, topic, SIZE.healthy);
      const base = await publishTo(hub, topic, healthy, 'base');
      const bad = await badCallbacks(
        hub,
        topic,
        Math.max(6, Math.round((SIZE.healthy * share) / (100 - share))),
      );
      const run = await publishTo(hub, topic, healthy, 'beside bad ones');
      report(`F9 ${share} %`, base, run);
      for (const { deliveries } of bad) {
        const perUpdate = new Map<string, number>();
        for (const { headers } of deliveries) {
          const id = headers['webhook-id'] ?? '';
          perUpdate.set(id, (perUpdate.get(id) ?? 0) + 1);
        }
        expect(Math.max(0, ...perUpdate.values())).toBeLessThanOrEqual(MOST_ATTEMPTS);
      }
    },
    LONG ? 10 * MINUTES : 120_000,
  );
});

describe('F10 callbacks that come and go', () => {
  it(
    'lose nothing, and have no more than twice as many attempts as updates',
    async () => {
      // A long schedule: what fails while they are away is tried again when they are back.
      const hub = await startHub(['--breaker', '--retry-delays', Array(50).fill('1').join(',')]);
      const topic = world.topic().url;
      const server = await world.callbackServer();
      const callbacks = Array.from({ length: 5 }, () => server.callback());
      let up = true;
      for (const callback of callbacks) {
        await subscribed(hub, callback, topic);
        await inState(hub, callback, 'active');
        callback.onDelivery = () => ({ status: up ? 204 : 503 });
      }
      const periodMs = LONG ? 10_000 : 1_000;
      const flapping = setInterval(() => (up = !up), periodMs);
      const updates: string[] = [];
      const endsAt = performance.now() + SIZE.flappingMs;
      while (performance.now() < endsAt) {
        updates.push(`update ${updates.length}`);
        await published(hub, topic, updates.at(-1) ?? '');
        await pause(LONG ? 50 : 100);
      }
      clearInterval(flapping);
      up = true;
      // A held origin is probed after at most ten minutes; with answers in between it is half a minute.
      await until(
        'all are caught up',
        async () =>
          (await listAll(hub, '/v1/subscriptions', { topic })).every(({ caught_up }) => caught_up === true),
        3 * MINUTES,
      );
      const attempts = callbacks.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
      if (LONG) console.log(`F10: ${attempts} attempts for ${updates.length * callbacks.length} deliveries`);
      expect(attempts).toBeLessThanOrEqual(2 * updates.length * callbacks.length);
      for (const { texts } of callbacks) expect([...new Set(texts)]).toEqual(updates);
      expect(await listAll(hub, '/v1/dead-letters', { topic })).toEqual([]);
    },
    LONG ? 10 * MINUTES : 200_000,
  );
});

describe('F24 dead letters that are delivered again while new updates arrive', () => {
  it(
    'are all delivered, while the new ones go first and keep their order',
    async () => {
      const hub = await startHub(['--retry-delays', '']);
      const [old, live] = [world.topic().url, world.topic().url];
      const server = await world.callbackServer();
      const each = 10;
      const failing = Array.from({ length: SIZE.letters / each > 100 ? 100 : 10 }, () => server.callback());
      for (const callback of failing) {
        await subscribed(hub, callback, old);
        await inState(hub, callback, 'active');
        callback.onDelivery = () => ({ status: 500 });
      }
      const updates = SIZE.letters / failing.length;
      for (let nth = 0; nth < updates; nth++) await published(hub, old, `old ${nth}`);
      await until('all are dead letters', async () => (await deadLetters(hub)) === SIZE.letters, 5 * MINUTES);
      const healthy = await healthyCallbacks(hub, live, SIZE.healthy);
      const base = await publishTo(hub, live, healthy, 'base');
      for (const callback of failing) callback.onDelivery = () => ({ status: 204 });
      const before = failing.map(({ deliveries }) => deliveries.length);
      expect((await manage(hub, 'POST', '/dead-letters/redeliver', { topic: old })).status).toBe(202);
      const run = await publishTo(hub, live, healthy, 'meanwhile');
      report('F24', base, run);
      await until('all are delivered', async () => (await deadLetters(hub)) === 0, 20 * MINUTES);
      const all = Array.from({ length: updates }, (_each, nth) => `old ${nth}`);
      for (const [index, { texts }] of failing.entries()) expect(texts.slice(before[index])).toEqual(all);
    },
    LONG ? 30 * MINUTES : 120_000,
  );
});
