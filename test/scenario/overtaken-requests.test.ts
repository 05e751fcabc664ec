import { describe, expect, it } from 'vitest';
import { published, subscribe, subscribed, subscriptionsOf, unsubscribe } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ flags: ['--retry-delays', '0.2'] });

describe('a request that comes while the callback is asked about another', () => {
  it('LAW 4: an unsubscription that was confirmed ends the subscription, although a newer request replaced it', async () => {
    const topic = world.topic().url;
    const witness = await world.subscriber(topic);
    const callback = await world.subscriber(topic);
    callback.onIntent = async ({ mode, challenge }) => {
      if (mode === 'subscribe') return { status: 404 };
      expect((await subscribe(world.hub, callback.url, topic)).status).toBe(202);
      return { status: 200, body: challenge };
    };
    await unsubscribe(world.hub, callback.url, topic);
    await until('both are asked', () => callback.verifications().length === 2);
    await until('it has ended', async () => (await subscriptionsOf(world.hub, callback.url)).length === 0);
    await world.barrier(topic, witness);
    expect(callback.deliveries).toEqual([]);
  });

  it('LAW 4: nothing is delivered while it is open whether the callback confirmed its end, also after a crash', async () => {
    const hub = await world.startHub();
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(hub, callback, topic);
    const order: string[] = [];
    let answerSubscribe = (): void => undefined;
    callback.onDelivery = () => {
      order.push('delivery');
      return { status: 204 };
    };
    callback.onIntent = async ({ mode, challenge }) => {
      order.push(mode);
      // The callback means to go, and the hub dies before it has read that.
      if (mode === 'unsubscribe') return 'hang';
      await new Promise<void>((resolve) => (answerSubscribe = resolve));
      return { status: 200, body: challenge };
    };
    await unsubscribe(hub, callback.url, topic);
    await until('it is asked', () => order.includes('unsubscribe'));
    await hub.kill();
    await hub.restart();
    await subscribe(hub, callback.url, topic);
    await published(hub, topic, 'news');
    await until('it is asked whether it means to stay', () => order.includes('subscribe'));
    expect(order).not.toContain('delivery');
    answerSubscribe();
    await arrived('deliveries', callback.deliveries, 1);
  });

  it('H19 the terms that were confirmed count, although a newer request was refused', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onIntent = async ({ challenge }, nth) => {
      if (nth > 1) return { status: 404 };
      expect((await subscribe(world.hub, callback.url, topic)).status).toBe(202);
      return { status: 200, body: challenge };
    };
    await subscribe(world.hub, callback.url, topic);
    await until('both are asked', () => callback.verifications().length === 2);
    await published(world.hub, topic, 'news');
    await arrived('deliveries', callback.deliveries, 1);
  });
});

describe('LAW 7: unsubscriptions that a stranger asks for', () => {
  it('hold up the deliveries of a callback that does not answer them for the time of one question', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    callback.onIntent = () => 'hang';
    await unsubscribe(world.hub, callback.url, topic);
    await until('it is asked', () => callback.verifications('unsubscribe').length === 1);
    // Replaces the first, whose question ends soon after.
    await unsubscribe(world.hub, callback.url, topic);
    await until('it is asked again', () => callback.verifications('unsubscribe').length === 2);
    await published(world.hub, topic, 'news');
    await arrived('deliveries', callback.deliveries, 1);
  });
});
