import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  inState,
  ping,
  postForm,
  published,
  subscribe,
  subscribed,
  subscriptionsOf,
  type Fields,
} from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ flags: ['--retry-delays', '0.2,0.2,0.2,0.2,0.2,0.2,0.2,0.2'] });

async function leaseGranted(more: Fields): Promise<string | null | undefined> {
  const callback = world.callback();
  await subscribed(world.hub, callback, world.topic().url, more);
  return callback.intents[0]?.query.get('hub.lease_seconds');
}

describe('the lease that is granted', () => {
  it('H33 is the one that was asked for when it is within the bounds', async () => {
    expect(await leaseGranted({ 'hub.lease_seconds': 1 })).toBe('1');
    expect(await leaseGranted({ 'hub.lease_seconds': 7_200 })).toBe('7200');
    expect(await leaseGranted({ 'hub.lease_seconds': '00600' })).toBe('600');
  });

  it('H33 is brought inside the bounds that the hub was given', async () => {
    const bounded = await world.embedHub({
      flags: ['--min-lease', '100', '--max-lease', '1000', '--default-lease', '500'],
    });
    const granted: (string | null | undefined)[] = [];
    for (const more of [{ 'hub.lease_seconds': 5 }, { 'hub.lease_seconds': 5_000 }, {}]) {
      const callback = world.callback();
      await subscribed(bounded, callback, world.topic().url, more);
      granted.push(callback.intents[0]?.query.get('hub.lease_seconds'));
    }
    expect(granted).toEqual(['100', '1000', '500']);
  });

  it('H35 ends, however long a lease was asked for', async () => {
    expect(await leaseGranted({ 'hub.lease_seconds': 2_592_001 })).toBe('2592000');
    expect(await leaseGranted({ 'hub.lease_seconds': '99999999999999999999999999' })).toBe('2592000');
  });

  it('H36 is 10 days when none was asked for', async () => {
    expect(await leaseGranted({})).toBe('864000');
    expect(await leaseGranted({ 'hub.lease_seconds': '' })).toBe('864000');
  });
});

describe.concurrent('the end of a lease', () => {
  it('H34 ends deliveries', async () => {
    const topic = world.topic().url;
    const witness = await world.subscriber(topic);
    const callback = world.callback();
    await subscribed(world.hub, callback, topic, { 'hub.lease_seconds': 1 });
    await published(world.hub, topic, 'within the lease');
    await arrived('deliveries', callback.deliveries, 1);
    await until(
      'the subscription has ended',
      async () => (await subscriptionsOf(world.hub, callback.url)).length === 0,
    );
    await published(world.hub, topic, 'after the lease');
    await world.barrier(topic, witness);
    expect(callback.texts).toEqual(['within the lease']);
  });

  it('H34 is counted from the verification request and holds at delivery time, whatever was still due', async () => {
    const server = await world.callbackServer();
    const callback = server.callback();
    const topic = world.topic().url;
    // A failing callback has something due all the time, so the hub would find out late if only a cleaner ended leases.
    callback.onDelivery = () => ({ status: 500 });
    await subscribed(world.hub, callback, topic, { 'hub.lease_seconds': 2 });
    const askedAt = callback.intents[0]?.at ?? 0;
    await published(world.hub, topic, 'never taken');
    await arrived('deliveries', callback.deliveries, 2);
    await until(
      'the subscription has ended',
      async () => (await subscriptionsOf(world.hub, callback.url)).length === 0,
    );
    const witness = await world.subscriber(topic);
    await published(world.hub, topic, 'after the lease');
    await world.barrier(topic, witness);
    for (const { at } of callback.deliveries) expect(at - askedAt).toBeLessThan(2_500);
    expect(callback.texts).not.toContain('after the lease');
  });

  it('H17 is put off by a renewal, which may also shorten it', async () => {
    const topic = world.topic().url;
    const [longer, shorter] = [world.callback(), world.callback()];
    await subscribed(world.hub, longer, topic, { 'hub.lease_seconds': 1 });
    await subscribed(world.hub, shorter, topic, { 'hub.lease_seconds': 3_600 });
    await inState(world.hub, shorter, 'active');
    await subscribed(world.hub, longer, topic, { 'hub.lease_seconds': 3_600 });
    await subscribed(world.hub, shorter, topic, { 'hub.lease_seconds': 1 });
    await until(
      'the shorter one has ended',
      async () => (await subscriptionsOf(world.hub, shorter.url)).length === 0,
    );
    // The longer one's first lease ended before.
    await published(world.hub, topic, 'later');
    await arrived('deliveries', longer.deliveries, 1);
    await world.barrier(topic, longer);
    expect(shorter.deliveries).toEqual([]);
  });

  it('H34 leaves a new subscription of the same callback possible', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(world.hub, callback, topic, { 'hub.lease_seconds': 1 });
    await until(
      'the subscription has ended',
      async () => (await subscriptionsOf(world.hub, callback.url)).length === 0,
    );
    await published(world.hub, topic, 'missed');
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'after the second subscription');
    await arrived('deliveries', callback.deliveries, 1);
    expect(callback.texts).toEqual(['after the second subscription']);
  });
});

describe('a later request', () => {
  it('H18 overrides the secret and the lease only once it is verified', async () => {
    const topic = world.topic().url;
    const server = await world.callbackServer();
    const callback = server.callback();
    await subscribed(world.hub, callback, topic, { 'hub.secret': 'the first secret' });
    await inState(world.hub, callback, 'active');
    let confirm: (() => void) | undefined;
    callback.onIntent = ({ challenge }) =>
      new Promise((resolve) => (confirm = () => resolve({ status: 200, body: challenge })));
    await subscribed(world.hub, callback, topic, {
      'hub.secret': 'the second secret',
      'hub.lease_seconds': 600,
    });

    await published(world.hub, topic, 'while it is being verified');
    const [before] = await arrived('deliveries', callback.deliveries, 1);
    expect(before?.headers['x-hub-signature']).toBe(
      signature('while it is being verified', 'the first secret'),
    );

    const release = await until('it is asked', () => confirm);
    release();
    await until('the new secret signs', async () => {
      await published(world.hub, topic, 'after it was verified');
      const [, ...after] = callback.deliveries;
      return after.some(
        ({ headers, text }) => headers['x-hub-signature'] === signature(text, 'the second secret'),
      );
    });
  });

  it('H18 without a secret removes the secret', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(world.hub, callback, topic, { 'hub.secret': 'a secret' });
    await inState(world.hub, callback, 'active');
    await subscribed(world.hub, callback, topic);
    await until('a delivery is unsigned', async () => {
      await published(world.hub, topic, 'an update');
      return callback.deliveries.some(({ headers }) => headers['x-hub-signature'] === undefined);
    });
  });

  it('H18 replaces one that is still to be verified', async () => {
    const topic = world.topic().url;
    const server = await world.callbackServer();
    const callback = server.callback();
    callback.onIntent = ({ challenge }, nth) => (nth === 1 ? 'hang' : { status: 200, body: challenge });
    await subscribed(world.hub, callback, topic, { 'hub.secret': 'given up' });
    await subscribed(world.hub, callback, topic, { 'hub.secret': 'wanted' });
    await inState(world.hub, callback, 'active');
    await published(world.hub, topic, 'an update');
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['x-hub-signature']).toBe(signature('an update', 'wanted'));
  });

  it.each([
    ['refused', { status: 404 }],
    ['answered with another body', { status: 200, body: 'no' }],
    ['redirected', { status: 302, headers: { location: '/' } }],
  ])('H19 changes nothing when it is %s', async (_what, reply) => {
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(world.hub, callback, topic, {
      'hub.secret': 'the first secret',
      'hub.lease_seconds': 3_600,
    });
    const before = await inState(world.hub, callback, 'active');
    callback.onIntent = () => reply;
    await subscribed(world.hub, callback, topic, {
      'hub.secret': 'the second secret',
      'hub.lease_seconds': 600,
    });
    // Asked for later at the same host, confirmed: by then the refusal has been read.
    const witness = await world.subscriber(topic);
    await inState(world.hub, witness, 'active');
    await published(world.hub, topic, 'an update');
    await world.barrier(topic, witness);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['x-hub-signature']).toBe(signature('an update', 'the first secret'));
    expect((await inState(world.hub, callback, 'active'))['id']).toBe(before['id']);
  });

  it('H19 leaves a subscription in force when its unsubscription is not confirmed', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await inState(world.hub, callback, 'active');
    callback.onIntent = () => ({ status: 404 });
    await postForm(world.hub, {
      'hub.mode': 'unsubscribe',
      'hub.callback': callback.url,
      'hub.topic': topic,
    });
    await until('it is asked', () => callback.verifications('unsubscribe').length > 0);
    await world.barrier(topic, await world.subscriber(topic));
    await published(world.hub, topic, 'still wanted');
    await until('it is delivered', () => callback.texts.includes('still wanted'));
    await inState(world.hub, callback, 'active');
  });

  it('LAW 5: deliveries go on while a renewal is under way', async () => {
    const topic = world.topic();
    const server = await world.callbackServer();
    const callback = server.callback();
    await subscribed(world.hub, callback, topic.url);
    await inState(world.hub, callback, 'active');
    callback.onIntent = () => 'hang';
    await subscribe(world.hub, callback.url, topic.url);
    await arrived('verifications', callback.intents, 2);
    await ping(world.hub, topic.url);
    await arrived('deliveries', callback.deliveries, 1);
  });
});

function signature(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
