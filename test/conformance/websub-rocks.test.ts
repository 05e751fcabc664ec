import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Callback } from '../support/callbacks.js';
import { linksOf } from '../support/http.js';
import { postForm, subscriptionsOf, type Fields } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import type { Topic } from '../support/topics.js';
import { useWorld } from '../support/world.js';

// The hub tests of websub.rocks, with its publisher and its subscriber: what it sends, what it expects.
const world = useWorld();

async function publishRequest(topic: Topic): Promise<void> {
  topic.body = `content ${topic.requests.length + 1}`;
  const answer = await postForm(world.hub, { 'hub.mode': 'publish', 'hub.topic': topic.url });
  expect(answer.status).toBe(202);
}

async function request(
  mode: 'subscribe' | 'unsubscribe',
  callback: Callback,
  topic: Topic,
  more: Fields = {},
): Promise<void> {
  const answer = await postForm(world.hub, {
    'hub.mode': mode,
    'hub.topic': topic.url,
    'hub.callback': callback.url,
    ...more,
  });
  expect(answer.status).toBe(202);
}

/** Steps 1 to 3 of every test: subscribed and verified. */
async function subscribe(topic: Topic, more: Fields = {}): Promise<Callback> {
  const callback = world.callback();
  await request('subscribe', callback, topic, more);
  const [intent] = await arrived('verifications', callback.intents, 1);
  expect(intent?.query.get('hub.mode')).toBe('subscribe');
  expect(intent?.query.get('hub.topic')).toBe(topic.url);
  expect(intent?.query.get('hub.challenge')).toMatch(/.+/);
  expect(intent?.query.get('hub.lease_seconds')).toMatch(/^\d+$/);
  return callback;
}

async function expectDelivery(callback: Callback, topic: Topic): Promise<void> {
  const [delivery] = await arrived('deliveries', callback.deliveries, 1);
  expect(delivery?.text.trim()).toBe(String(topic.body).trim());
  expect(delivery?.headers['content-type']).toBe(topic.contentType);
  const links = linksOf(delivery?.headers['link']);
  expect(links.find(({ rels }) => rels.includes('hub'))?.href).toBe(world.hub.url);
  expect(links.find(({ rels }) => rels.includes('self'))?.href).toBe(topic.url);
}

describe('websub.rocks', () => {
  it('hub test 100: a typical subscriber subscribes and is notified, unsigned', async () => {
    const topic = world.topic();
    const callback = await subscribe(topic);
    await publishRequest(topic);
    await expectDelivery(callback, topic);
    expect(callback.deliveries[0]?.headers['x-hub-signature']).toBeUndefined();
  });

  it('hub test 101: a subscriber with a secret is notified with a valid signature', async () => {
    const topic = world.topic();
    const secret = 'abcdefghij0123456789';
    const callback = await subscribe(topic, { 'hub.secret': secret });
    await publishRequest(topic);
    await expectDelivery(callback, topic);
    const [delivery] = callback.deliveries;
    const [, method = '', hex = ''] =
      /^(sha1|sha256|sha384|sha512)=([0-9a-f]+)$/.exec(delivery?.headers['x-hub-signature'] ?? '') ?? [];
    expect(hex).toBe(
      createHmac(method, secret)
        .update(delivery?.body ?? '')
        .digest('hex'),
    );
  });

  it('hub test 102: additional parameters are ignored', async () => {
    const topic = world.topic();
    const callback = await subscribe(topic, { foo: 'bar', 'hub.foo': 'hub.bar' });
    await publishRequest(topic);
    await expectDelivery(callback, topic);
  });

  it('hub test 103: a subscriber asks again before the subscription expires, and is notified once', async () => {
    const topic = world.topic();
    const callback = await subscribe(topic);
    await request('subscribe', callback, topic);
    await arrived('verifications', callback.intents, 2);
    await publishRequest(topic);
    await expectDelivery(callback, topic);
    await world.barrier(topic.url, callback);
    expect(callback.texts.filter((text) => text.startsWith('content'))).toHaveLength(1);
  });

  it('hub test 104: an unsubscription is verified, and nothing is sent afterwards', async () => {
    const topic = world.topic();
    const callback = await subscribe(topic);
    await request('unsubscribe', callback, topic);
    const [intent] = await until('it is verified', () => {
      const found = callback.verifications('unsubscribe');
      return found.length > 0 && found;
    });
    expect(intent?.query.get('hub.topic')).toBe(topic.url);
    await until('it has ended', async () => (await subscriptionsOf(world.hub, callback.url)).length === 0);
    await publishRequest(topic);
    await world.barrier(topic.url, await world.subscriber(topic.url));
    expect(callback.deliveries).toEqual([]);
  });

  it('hub test 105: a plain text topic with a charset is sent with its content type', async () => {
    const topic = world.topic();
    topic.contentType = 'text/plain;charset=UTF-8';
    const callback = await subscribe(topic);
    await publishRequest(topic);
    await expectDelivery(callback, topic);
  });

  it('hub test 106: a JSON topic is sent with its content type', async () => {
    const topic = world.topic();
    topic.contentType = 'application/json';
    const callback = await subscribe(topic);
    await publishRequest(topic);
    await expectDelivery(callback, topic);
  });
});
