import { describe, expect, it } from 'vitest';
import {
  inState,
  published,
  subscribe,
  subscribed,
  subscriptionsOf,
  unsubscribe,
  unsubscribed,
  withoutAddress,
} from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ flags: ['--retry-delays', '0.2,0.2,0.2,0.2,0.2,0.2,0.2,0.2'] });

describe('an unsubscription', () => {
  it('H20 is accepted, verified, and ends deliveries', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const witness = await world.subscriber(topic);
    await published(world.hub, topic, 'before');
    await arrived('deliveries', callback.deliveries, 1);
    const answer = await unsubscribe(world.hub, callback.url, topic);
    expect(answer.status).toBe(202);
    await until('it is verified', () => callback.verifications('unsubscribe').length === 1);
    await until('it has ended', async () => (await subscriptionsOf(world.hub, callback.url)).length === 0);
    await published(world.hub, topic, 'after');
    await world.barrier(topic, witness);
    expect(callback.texts).toEqual(['before']);
  });

  it('H20 ends one topic of a callback and leaves the others', async () => {
    const [left, kept] = [world.topic().url, world.topic().url];
    const callback = world.callback();
    await subscribed(world.hub, callback, left);
    await subscribed(world.hub, callback, kept);
    await unsubscribe(world.hub, callback.url, left);
    await until('one is left', async () => (await subscriptionsOf(world.hub, callback.url)).length === 1);
    await published(world.hub, left, 'not wanted');
    await published(world.hub, kept, 'wanted');
    await arrived('deliveries', callback.deliveries, 1);
    await world.barrier(left, await world.subscriber(left));
    expect(callback.texts).toEqual(['wanted']);
  });

  it('H20 stops what was still to be tried again', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onDelivery = () => ({ status: 500 });
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'backlog 1');
    await published(world.hub, topic, 'backlog 2');
    await arrived('attempts', callback.deliveries, 2);
    await unsubscribed(world.hub, callback, topic);
    const attempts = callback.deliveries.length;
    // Longer than the retries were apart: a failing witness is tried again several times.
    const witness = world.callback();
    witness.onDelivery = (_delivery, nth) => ({ status: nth < 5 ? 500 : 204 });
    await subscribed(world.hub, witness, topic);
    await published(world.hub, topic, 'later');
    await arrived('attempts at the witness', witness.deliveries, 5);
    expect(callback.deliveries.length).toBe(attempts);
  });

  it('H21 does not ask the publisher', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    await inState(world.hub, callback, 'active');
    topic.onRequest = () => ({ status: 410 });
    await unsubscribed(world.hub, callback, topic.url);
    expect(topic.requests).toEqual([]);
  });

  it.each(['abc', '0', '-1', '1.5', '99999999999999999999'])(
    'H22 ignores hub.lease_seconds=%s',
    async (lease) => {
      const topic = world.topic().url;
      const callback = await world.subscriber(topic);
      await inState(world.hub, callback, 'active');
      const answer = await unsubscribe(world.hub, callback.url, topic, { 'hub.lease_seconds': lease });
      expect(answer.status).toBe(202);
      await until('it has ended', async () => (await subscriptionsOf(world.hub, callback.url)).length === 0);
    },
  );

  it('H4 ignores what else it carries: hub.verify, an unknown name, a secret', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await inState(world.hub, callback, 'active');
    await unsubscribed(world.hub, callback, topic, {
      'hub.verify': 'sync',
      foo: 'bar',
      'hub.secret': 'x'.repeat(300),
    });
  });

  it('H30, H19 fails when its verification is redirected, which leaves the subscription', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await inState(world.hub, callback, 'active');
    const elsewhere = await world.callbackServer();
    const target = elsewhere.callback();
    callback.onIntent = ({ path }) => ({
      status: 307,
      headers: { location: target.url + path.replace(/^[^?]*/, '') },
    });
    await unsubscribe(world.hub, callback.url, topic);
    await until('it is asked', () => callback.verifications('unsubscribe').length > 0);
    await published(world.hub, topic, 'still wanted');
    await arrived('deliveries', callback.deliveries, 1);
    expect(elsewhere.connections()).toBe(0);
  });

  it('H9 of a subscription that does not exist is answered as any other, and ends nothing', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onIntent = () => ({ status: 404 });
    const existing = await world.subscriber(topic);
    await inState(world.hub, existing, 'active');
    const answers = [
      await unsubscribe(world.hub, callback.url, topic),
      await unsubscribe(world.hub, existing.url, topic),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(new Set(answers.map(({ text }) => withoutAddress(text))).size).toBe(1);
  });

  it('H2 lets a callback subscribe again afterwards; what was published meanwhile is not owed', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await inState(world.hub, callback, 'active');
    await unsubscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'meanwhile');
    expect((await subscribe(world.hub, callback.url, topic)).status).toBe(202);
    await until('it is asked again', () => callback.verifications().length === 2);
    await published(world.hub, topic, 'again');
    await arrived('deliveries', callback.deliveries, 1);
    expect(callback.texts).toEqual(['again']);
  });

  it('C5: nothing arrives after a confirmed unsubscription while updates go on', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const witness = await world.subscriber(topic);
    await inState(world.hub, callback, 'active');
    let confirmedAt = Infinity;
    callback.onIntent = ({ challenge }) => ({
      status: 200,
      body: challenge,
      sent: () => (confirmedAt = performance.now()),
    });
    let updates = 0;
    let asked: Promise<unknown> | undefined;
    await until('it has ended and 50 more updates were published', async () => {
      await published(world.hub, topic, `update ${++updates}`);
      if (updates === 20) asked = unsubscribe(world.hub, callback.url, topic);
      return confirmedAt < performance.now() && updates >= 70;
    });
    await asked;
    await world.barrier(topic, witness);
    // The answer needs its way to the hub, hence a moment of grace (C5 allows a second).
    for (const { at } of callback.deliveries) expect(at - confirmedAt).toBeLessThan(1_000);
    expect(callback.texts).not.toContain(`update ${updates}`);
  });
});
