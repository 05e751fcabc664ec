import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadSqlite } from '../../packages/hub/dist/store/sqlite/sqlite-driver.js';
import type { Callback, DeliveryAnswer } from '../support/callbacks.js';
import { startClockedHub } from '../support/hub-in-process.js';
import type { HubProcess } from '../support/hub-process.js';
import { idOf, manage, subscription } from '../support/manage.js';
import { listAll, published, subscribed, unsubscribe, type HubAddress } from '../support/requests.js';
import { until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

/** In flight of one subscription, at most. */
const WINDOW = 32;

const world = useEmbeddedWorld({ flags: ['--retry-delays', '0.05,0.05,600'] });

async function unorderedTopic(hub: HubAddress): Promise<string> {
  const topic = world.topic().url;
  const answer = await manage(hub, 'PUT', `/topics/${encodeURIComponent(topic)}/policy`, {
    policy: 'unordered',
  });
  expect(JSON.parse(answer.text)).toMatchObject({ policy: 'unordered' });
  return topic;
}

/** A callback that keeps every answer back until the test gives it. */
class Holding {
  readonly #answers = new Map<string, (status: number) => void>();

  readonly onDelivery: DeliveryAnswer = ({ text }) =>
    new Promise((resolve) => this.#answers.set(text, (status) => resolve({ status })));

  get held(): string[] {
    return [...this.#answers.keys()];
  }

  answer(status: number, ...texts: string[]): void {
    for (const text of texts) {
      this.#answers.get(text)?.(status);
      this.#answers.delete(text);
    }
  }
}

async function holding(hub: HubAddress, topic: string): Promise<{ callback: Callback; holds: Holding }> {
  const server = await world.callbackServer();
  const callback = server.callback();
  const holds = new Holding();
  callback.onDelivery = holds.onDelivery;
  await subscribed(hub, callback, topic);
  return { callback, holds };
}

function updates(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_each, n) => `update ${from + n}`);
}

async function publishAll(hub: HubAddress, topic: string, texts: readonly string[]): Promise<void> {
  for (const text of texts) await published(hub, topic, text);
}

/** Settles when the place on the disk says that all was given, and that of this exactly so much is open. */
async function savedWith(hub: HubProcess, open: number): Promise<void> {
  const database = (await loadSqlite())(join(hub.data, 'hub.sqlite'));
  const places = database.prepare(`
    SELECT count(*) AS found FROM place
    WHERE beyond ->> 'reach' = (SELECT max(position) FROM entry) AND json_array_length(beyond, '$.open') = ?`);
  try {
    await until('its place is saved', () => {
      const { found } = places.get(open) as { found: number };
      return found === 1;
    });
  } finally {
    database.close();
  }
}

describe('a topic whose policy is unordered', () => {
  it('LAW 3: has 32 requests in flight to a callback that is far away, no 33rd, and all arrive once', async () => {
    const { hub } = world;
    const topic = await unorderedTopic(hub);
    const { callback, holds } = await holding(hub, topic);
    const witness = await world.subscriber(topic);
    await publishAll(hub, topic, updates(1, 40));
    await world.barrier(topic, witness);
    await until('as many as may be are in flight', () => holds.held.length === WINDOW);
    await world.barrier(topic, witness);
    expect(callback.texts).toHaveLength(WINDOW);
    // Those that came last are answered first.
    while (holds.held.length > 0 || callback.deliveries.length < witness.deliveries.length) {
      holds.answer(204, ...holds.held.toReversed());
      await until(
        'more arrive',
        () => holds.held.length > 0 || callback.deliveries.length === witness.deliveries.length,
      );
    }
    expect(new Set(callback.texts)).toEqual(new Set(witness.texts));
    expect(callback.texts).toHaveLength(witness.texts.length);
    const id = await idOf(hub, callback);
    await until('it is caught up', async () => (await subscription(hub, id))['caught_up']);
  });

  it('LAW 2: gives what fails again while others go on, and counts the attempts of each', async () => {
    const { hub } = world;
    const topic = await unorderedTopic(hub);
    const callback = world.callback();
    callback.onDelivery = ({ text }) => ({ status: text === 'update 1' ? 500 : 204 });
    await subscribed(hub, callback, topic);
    await publishAll(hub, topic, updates(1, 50));
    await until('the last is delivered', () => callback.texts.includes('update 50'));
    const attempts = () => callback.deliveries.filter(({ text }) => text === 'update 1');
    await until('it is tried three times', () => attempts().length === 3);
    expect(attempts().map(({ headers }) => headers['hub-attempt'])).toEqual(['1', '2', '3']);
    for (const text of updates(2, 50))
      expect(callback.texts.filter((other) => other === text)).toEqual([text]);
    const id = await idOf(hub, callback);
    const view = await until('its place says so', async () => {
      const row = await subscription(hub, id);
      const { entries } = row['lag'] as { readonly entries: number };
      return row['failed_attempts'] === 3 && entries === 1 ? row : undefined;
    });
    expect(view).toMatchObject({ caught_up: false });
    expect(Date.parse(String(view['next_attempt_at'])) - Date.now()).toBeGreaterThan(400_000);
  });

  it('LAW 4: gives nothing more once its unsubscription is confirmed, whatever is in flight or waits', async () => {
    const { hub } = world;
    const topic = await unorderedTopic(hub);
    const { callback, holds } = await holding(hub, topic);
    const witness = await world.subscriber(topic);
    await publishAll(hub, topic, updates(1, 5));
    await until('all are in flight', () => holds.held.length === 5);
    holds.answer(500, 'update 1', 'update 2');
    await unsubscribe(hub, callback.url, topic);
    await until('it has ended', async () => {
      return (await listAll(hub, '/v1/subscriptions', { callback: callback.url })).length === 0;
    });
    const before = callback.deliveries.length;
    holds.answer(500, ...holds.held);
    await world.barrier(topic, witness);
    expect(callback.deliveries).toHaveLength(before);
    // Whoever subscribes again is owed what comes from then on.
    callback.onDelivery = () => ({ status: 204 });
    await subscribed(hub, callback, topic);
    await published(hub, topic, 'anew');
    await until('that is delivered', () => callback.deliveries.length > before);
    expect(callback.texts.slice(before)).toEqual(['anew']);
  });
});

it('a callback that takes 200 ms is given 60 updates in less than half the time that they would take in order', async () => {
  const { hub, clock } = await startClockedHub();
  const topic = await unorderedTopic(hub);
  const callback = world.callback();
  let answered = 0;
  callback.onDelivery = () =>
    new Promise((resolve) =>
      clock.after(200, () => {
        answered++;
        resolve({ status: 204 });
      }),
    );
  await subscribed(hub, callback, topic);
  await publishAll(hub, topic, updates(1, 60));
  const publishedAt = clock.now();
  await until('all are answered', async () => {
    await clock.advance(2);
    return answered === 60;
  });
  expect(clock.now() - publishedAt).toBeLessThan((60 * 200) / 2);
});

describe('a hub that delivers without order, and is started again,', () => {
  let hub: HubProcess;
  beforeAll(async () => {
    hub = await world.startHub({ flags: ['--retry-delays', '0.2,0.2,0.2,0.2,0.2,0.2'] });
  });

  it('LAW 11: repeats after a kill what was in flight alone, and nothing of what was acknowledged beyond it', async () => {
    const topic = await unorderedTopic(hub);
    const { callback, holds } = await holding(hub, topic);
    await publishAll(hub, topic, updates(1, 60));
    await until('the window is full', () => holds.held.length === WINDOW);
    // All but two go through the window, so that it reaches far beyond what its place allows.
    const [first, other] = ['update 1', 'update 20'];
    await until('all but two are acknowledged', () => {
      holds.answer(204, ...holds.held.filter((text) => text !== first && text !== other));
      return callback.deliveries.length === 60;
    });
    await savedWith(hub, 2);
    await hub.kill();
    const before = callback.deliveries.length;
    callback.onDelivery = () => ({ status: 204 });
    await hub.restart();
    await published(hub, topic, 'after');
    await until('all is delivered', () => callback.deliveries.length >= before + 3);
    expect(new Set(callback.texts.slice(before))).toEqual(new Set([first, other, 'after']));
    const id = await idOf(hub, callback);
    await until('it is caught up', async () => (await subscription(hub, id))['caught_up']);
    expect(callback.deliveries).toHaveLength(before + 3);
  });

  it('LAW 11: repeats nothing after a stop, and goes on with what had failed where its attempts were', async () => {
    const topic = await unorderedTopic(hub);
    const { callback, holds } = await holding(hub, topic);
    await publishAll(hub, topic, updates(1, 10));
    await until('all are in flight', () => holds.held.length === 10);
    const stopped = hub.terminate();
    holds.answer(204, ...updates(4, 10));
    holds.answer(500, ...updates(1, 3));
    expect(await stopped).toBe(0);
    callback.onDelivery = () => ({ status: 204 });
    await hub.restart();
    await until('what failed is given again', () => callback.deliveries.length >= 13);
    const again = callback.deliveries.slice(10);
    expect(new Set(again.map(({ text }) => text))).toEqual(new Set(updates(1, 3)));
    expect(again.map(({ headers }) => headers['hub-attempt'])).toEqual(['2', '2', '2']);
    const id = await idOf(hub, callback);
    await until('it is caught up', async () => (await subscription(hub, id))['caught_up']);
    expect(callback.deliveries).toHaveLength(13);
  });
});
