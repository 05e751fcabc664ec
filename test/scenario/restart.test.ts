import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { echo } from '../support/callbacks.js';
import type { HubProcess } from '../support/hub-process.js';
import {
  inState,
  ping,
  published,
  subscribe,
  subscribed,
  subscriptionsOf,
  unsubscribe,
  unsubscribed,
  type HubAddress,
} from '../support/requests.js';
import { itSurvives, type Survival } from '../support/survival.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const MINUTE = 60_000;
// Ten seconds of patience: nothing may be given up while everything else is arranged.
const flags = ['--retry-delays', Array.from({ length: 50 }, () => 0.2).join()];
const world = useWorld({ flags });
/** What holds whichever thread delivers. */
const BY: readonly (readonly [by: string, start: () => Promise<HubProcess>])[] = [
  ["the hub's thread", () => Promise.resolve(world.hub)],
  ['a delivery thread', () => world.startHub({ flags: [...flags, '--workers', '1'] })],
];

/** The last of them needs a hub that is killed while it delivers. */
const SURVIVALS: Readonly<Record<string, Survival>> = {
  async *'LAW 1: fetches what a ping promised'(hub) {
    const topic = world.topic();
    const callback = world.callback();
    await subscribed(hub, callback, topic.url);
    topic.onRequest = () => 'hang';
    await ping(hub, topic.url);
    await arrived('fetches', topic.requests, 1);
    yield;
    topic.onRequest = undefined;
    yield;
    await arrived('deliveries', callback.deliveries, 1);
  },
  async *'C2: verifies what it had accepted'(hub) {
    const server = await world.callbackServer();
    const topic = world.topic().url;
    const [subscribing, leaving] = [server.callback(), server.callback()];
    await subscribed(hub, leaving, topic);
    await inState(hub, leaving, 'active');
    subscribing.onIntent = () => 'hang';
    leaving.onIntent = () => 'hang';
    await subscribe(hub, subscribing.url, topic, { 'hub.secret': 'kept', 'hub.verify_token': 'kept too' });
    await unsubscribe(hub, leaving.url, topic);
    await arrived('verifications', subscribing.intents, 1);
    await until('the other is asked', () => leaving.verifications('unsubscribe').length === 1);
    yield;
    subscribing.onIntent = echo;
    leaving.onIntent = echo;
    yield;
    await inState(hub, subscribing, 'active');
    await until('the other has left', async () => (await subscriptionsOf(hub, leaving.url)).length === 0);
    expect(subscribing.intents.at(-1)?.query.get('hub.verify_token')).toBe('kept too');
    await published(hub, topic, 'an update');
    const [delivery] = await arrived('deliveries', subscribing.deliveries, 1);
    expect(delivery?.headers['x-hub-signature']).toMatch(/^sha256=/);
    expect(leaving.deliveries).toEqual([]);
  },
  async *'LAW 4: sends nothing after a confirmed unsubscription'(hub) {
    const topic = world.topic().url;
    const [left, witness] = [world.callback(), world.callback()];
    await subscribed(hub, left, topic);
    await subscribed(hub, witness, topic);
    await inState(hub, left, 'active');
    left.onDelivery = () => ({ status: 500 });
    await published(hub, topic, 'backlog');
    await arrived('attempts', left.deliveries, 1);
    await unsubscribed(hub, left, topic);
    const attempts = left.deliveries.length;
    yield;
    yield;
    await world.barrier(topic, witness, hub);
    expect(left.deliveries.length).toBe(attempts);
  },
  async *'LAW 4: sends nothing to a callback that answered 410'(hub) {
    const topic = world.topic().url;
    const [gone, witness] = [world.callback(), world.callback()];
    gone.onDelivery = () => ({ status: 410 });
    await subscribed(hub, gone, topic);
    await subscribed(hub, witness, topic);
    await published(hub, topic, 'gone');
    await until(
      'it has ended',
      async () => gone.deliveries.length === 1 && (await subscriptionsOf(hub, gone.url)).length === 0,
    );
    yield;
    yield;
    await world.barrier(topic, witness, hub);
    expect(gone.deliveries).toHaveLength(1);
  },
  async *'H19: keeps the terms in force while a renewal waits'(hub) {
    const callback = (await world.callbackServer()).callback();
    const topic = world.topic().url;
    await subscribed(hub, callback, topic, { 'hub.secret': 'the first' });
    await inState(hub, callback, 'active');
    callback.onIntent = () => 'hang';
    await subscribe(hub, callback.url, topic, { 'hub.secret': 'the second' });
    await arrived('verifications', callback.intents, 2);
    yield;
    callback.onIntent = () => ({ status: 404 });
    yield;
    await published(hub, topic, 'an update');
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['x-hub-signature']).toBe(
      `sha256=${createHmac('sha256', 'the first').update('an update').digest('hex')}`,
    );
    await inState(hub, callback, 'active');
  },
  async *'goes on with the same epoch, so that cursors keep their meaning'(hub) {
    const topic = world.topic().url;
    const before = await published(hub, topic, 'before');
    yield;
    yield;
    const after = await published(hub, topic, 'after');
    expect(epochOf(after)).toBe(epochOf(before));
    expect(positionOf(after)).toBeGreaterThan(positionOf(before));
  },
  async *'LAW 1, LAW 2: delivers what it acknowledged, in order'(hub) {
    const callback = (await world.callbackServer()).callback();
    const topic = world.topic().url;
    callback.onDelivery = () => ({ status: 500 });
    await subscribed(hub, callback, topic, { 'hub.secret': 'a secret' });
    const updates = Array.from({ length: 20 }, (_each, n) => `update ${n}`);
    for (const update of updates) await published(hub, topic, update);
    yield;
    callback.onDelivery = () => ({ status: 204 });
    const before = callback.deliveries.length;
    yield;
    await until('the last is delivered', () => callback.texts.at(-1) === 'update 19');
    expect(callback.texts.slice(before)).toEqual(updates);
    expect(callback.deliveries.at(-1)?.headers['x-hub-signature']).toMatch(/^sha256=/);
  },
  async *'H34: ends the leases that were granted before, and keeps those that run on'(hub) {
    const topic = world.topic().url;
    const [short, long] = [world.callback(), world.callback()];
    await subscribed(hub, long, topic, { 'hub.lease_seconds': 3_600 });
    const lease = (await inState(hub, long, 'active'))['lease_ends_at'];
    await subscribed(hub, short, topic, { 'hub.lease_seconds': 1 });
    await inState(hub, short, 'active');
    yield;
    const askedAt = short.intents[0]?.at ?? 0;
    await until('the short lease has ended', () => performance.now() - askedAt > 1_100);
    yield;
    await world.barrier(topic, long, hub);
    expect(short.deliveries).toEqual([]);
    expect((await inState(hub, long, 'active'))['lease_ends_at']).toBe(lease);
  },
  async *'LAW 11: repeats at most what was not saved yet, under the same Webhook-Id and cursor'(hub) {
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(hub, callback, topic);
    for (let n = 0; n < 50; n++) await published(hub, topic, `update ${n}`);
    await until('some are delivered', () => callback.deliveries.length >= 20);
    yield;
    yield;
    await until('the last is delivered', () => callback.texts.includes('update 49'));
    const cursorById = new Map<string | undefined, string | undefined>();
    for (const { headers } of callback.deliveries) {
      const known = cursorById.get(headers['webhook-id']) ?? headers['hub-cursor'];
      expect(headers['hub-cursor']).toBe(known);
      cursorById.set(headers['webhook-id'], known);
    }
    expect(cursorById.size).toBe(50);
    expect([...new Set(callback.texts)]).toEqual(Array.from({ length: 50 }, (_each, n) => `update ${n}`));
  },
};

describe.each(BY)('a hub that delivers in %s', (_by, start) => {
  let hub: HubProcess;

  beforeAll(async () => {
    hub = await start();
  });

  describe('and was killed and started again', () => {
    itSurvives(() => hub, SURVIVALS);
  });

  it('LAW 11: a stop by SIGTERM under load loses and repeats nothing', async () => {
    const topic = world.topic().url;
    const callbacks = Array.from({ length: 20 }, () => world.callback());
    for (const callback of callbacks) await subscribed(hub, callback, topic);
    let status: unknown;
    const acknowledged = await publishUntilRefused(hub, topic, async (sent) => {
      if (sent === 30) status = await hub.terminate();
    });
    expect(status).toBe(0);
    await hub.restart();
    await published(hub, topic, 'barrier');
    await until('all have the barrier', () => callbacks.every(({ texts }) => texts.at(-1) === 'barrier'));
    // The last one may have been stored although its answer was lost with the connection.
    const unanswered = `update ${acknowledged.length}`;
    for (const { texts } of callbacks) {
      expect(texts.filter((text) => text !== unanswered)).toEqual([...acknowledged, 'barrier']);
      expect(texts.filter((text) => text === unanswered).length).toBeLessThanOrEqual(1);
    }
  });
});

it(
  'a hub that was killed answers requests again within 2 s',
  async () => {
    const topic = world.topic().url;
    for (let n = 0; n < 200; n++) await published(world.hub, topic, `update ${n}`);
    // The best of three, without what it waited for a processor: what else runs on the machine is not the hub's fault.
    let best = Infinity;
    for (let round = 0; round < 3 && best >= 2_000; round++) {
      await world.hub.kill();
      const killedAt = performance.now();
      await world.hub.restart();
      await published(world.hub, topic, `again ${round}`);
      best = Math.min(best, performance.now() - killedAt - (await waitedForProcessorMs(world.hub)));
    }
    expect(best).toBeLessThan(2_000);
  },
  MINUTE,
);

/** Since the process began; 0 where the kernel does not tell. */
async function waitedForProcessorMs({ pid }: HubProcess): Promise<number> {
  const [, waitedNs = '0'] = (await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')).split(' ');
  return Number(waitedNs) / 1e6;
}

/** Publishes one update after the other until the hub takes no more; settles with what it took. At most 10,000. */
async function publishUntilRefused(
  hub: HubAddress,
  topic: string,
  during: (sent: number) => Promise<void>,
): Promise<string[]> {
  const acknowledged: string[] = [];
  let ending: Promise<void> | undefined;
  for (let n = 0; n < 10_000; n++) {
    const body = `update ${n}`;
    try {
      await published(hub, topic, body);
    } catch {
      break;
    }
    acknowledged.push(body);
    ending ??= n === 30 ? during(n) : undefined;
  }
  await ending;
  return acknowledged;
}

function epochOf(cursor: string): string {
  return cursor.slice(0, cursor.indexOf('.'));
}

function positionOf(cursor: string): number {
  return Number(cursor.slice(cursor.indexOf('.') + 1));
}
