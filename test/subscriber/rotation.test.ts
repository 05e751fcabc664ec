import { describe, expect, it } from 'vitest';
import {
  memoryStore,
  SubscriberListener,
  SubscriptionGone,
  type SubscriptionStore,
} from '@websub/subscriber';
import type { HubSubscription } from '@websub/subscriber/testing';
import { freePort } from '../support/free-port.js';
import { Inbox, openWorld, silent, Told, until, type World } from './world.js';

const LEASE_MS = 1_000_000;

/** A world in the minute in which a new subscription goes on beside the old one. */
async function openOverlap(service: Inbox = new Inbox()) {
  const world = await openWorld({ hub: { leaseSeconds: LEASE_MS / 1_000 } });
  await world.listener.attachWithConfig(service, { target: world.target });
  await world.listener.start();
  const old = world.hub.subscription;
  await world.clock.advance(0.8 * LEASE_MS);
  await until(() => expect(world.hub.subscriptions.size).toBe(2));
  return { world, service, old, next: newest(world) };
}

function newest({ hub }: World): HubSubscription {
  const last = [...hub.subscriptions.values()].at(-1);
  if (last === undefined) throw new Error('the hub has no subscription');
  return last;
}

describe('a renewal at a hub that verifies promptly', () => {
  it('S17, S21 has another callback and secret, and ends the old subscription a minute after the new one began', async () => {
    const { world, old, next } = await openOverlap();
    await using _ = world;
    expect(next.callback).not.toBe(old.callback);
    expect(next.secret).not.toBe(old.secret);
    expect(world.hub.subscriptions.size).toBe(2);
    const begun = world.clock.now();
    await until(
      () => expect(world.hub.subscriptions.size).toBe(1),
      () => world.clock.advance(1_000),
    );
    expect(world.clock.now() - begun).toBeLessThanOrEqual(61_000);
    expect(world.hub.subscription).toBe(next);
    expect((await world.hub.deliver(old, '{}')).status).toBe(410);
    expect((await world.hub.deliver(next, '{}')).status).toBe(202);
    expect(world.told.unsubscribed).toEqual([]);
    expect(world.told.expired).toEqual([]);
  });

  it('is one subscription to its users, of the same id', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: LEASE_MS / 1_000 } });
    const attached = await world.listener.attachWithConfig(world.inbox, { target: world.target });
    await world.listener.start();
    const [before] = await world.listener.subscriptions.list();
    await world.clock.advance(0.8 * LEASE_MS);
    await until(() => expect(world.hub.subscriptions.size).toBe(2));
    const after = await world.listener.subscriptions.list();
    expect(after).toHaveLength(1);
    expect(after[0]?.id).toBe(before?.id);
    expect(after[0]?.callback).toBe(newest(world).callback);
    expect(attached.subscriptions).toEqual(after);
    expect(world.told.renewed).toEqual(after);
    await attached.verified();
    await world.hub.deliver(newest(world), '{}');
    expect(world.inbox.notifications[0]?.subscription.id).toBe(before?.id);
  });

  it('hands an update that comes by both subscriptions to the handler once', async () => {
    const { world, service, old, next } = await openOverlap();
    await using _ = world;
    await world.hub.deliver(old, '1');
    await world.hub.deliver(next, '1');
    await Promise.all([world.hub.deliver(next, '2'), world.hub.deliver(old, '2')]);
    // The topic says the same again, and then something that only the old one is still given.
    for (const subscription of [next, old]) await world.hub.deliver(subscription, '2');
    await world.hub.deliver(old, '3');
    await world.hub.deliver(next, '4');
    expect(service.texts).toEqual(['1', '2', '2', '3', '4']);
  });

  it('hands over what is said again after the overlap, though the same was said in it', async () => {
    const { world, service, old, next } = await openOverlap();
    await using _ = world;
    for (const subscription of [old, next]) await world.hub.deliver(subscription, 'ping');
    await until(
      () => expect(world.hub.subscriptions.size).toBe(1),
      () => world.clock.advance(1_000),
    );
    for (let time = 0; time < 3; time++) await world.hub.deliver(next, 'ping');
    expect(service.texts).toEqual(['ping', 'ping', 'ping', 'ping']);
  });

  it('has an update that failed handled when it comes again, and then once', async () => {
    class Failing extends Inbox {
      fails = true;

      override onEventNotification(notification: Inbox['notifications'][number]): void {
        if (this.fails) throw new Error('no database');
        super.onEventNotification(notification);
      }
    }
    const service = new Failing();
    const { world, old, next } = await openOverlap(service);
    await using _ = world;
    for (const one of [old, next]) expect((await world.hub.deliver(one, 'a')).status).toBe(500);
    service.fails = false;
    for (const one of [next, old]) expect((await world.hub.deliver(one, 'a')).status).toBe(202);
    expect(service.texts).toEqual(['a']);
  });

  it('goes by Webhook-Id where deliveries carry one', async () => {
    const { world, service, old, next } = await openOverlap();
    await using _ = world;
    for (const one of [old, next]) await world.hub.deliver(one, 'x', { headers: { 'webhook-id': 'a' } });
    for (const one of [old, next]) await world.hub.deliver(one, 'x', { headers: { 'webhook-id': 'b' } });
    expect(service.texts).toEqual(['x', 'x']);
  });

  it('LAW 5 that the hub denies leaves the lease as it was, and is told once', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: LEASE_MS / 1_000 } });
    await world.start();
    const old = world.hub.subscription;
    world.hub.reply = ({ mode }) => (mode === 'subscribe' ? { status: 202 } : undefined);
    await world.clock.advance(0.8 * LEASE_MS);
    await until(() => expect(world.hub.requests).toHaveLength(2));
    const { callback, topic } = world.hub.lastRequest;
    expect(callback).not.toBe(old.callback);
    expect((await world.hub.deny(callback, topic, 'closed')).status).toBe(200);
    await until(() => expect(world.told.denied).toMatchObject([{ topic, reason: 'closed' }]));
    expect((await world.hub.deliver(old, '{}')).status).toBe(202);
    await until(async () => expect(await world.listener.subscriptions.list()).toHaveLength(1));
    await world.clock.advance(LEASE_MS);
    expect(world.hub.requests).toHaveLength(2);
  });

  it('is tried again when the hub fails, and leaves nothing of the tries behind', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: LEASE_MS / 1_000 } });
    await world.start();
    world.hub.reply = () => ({ status: 503 });
    await world.clock.advance(0.9 * LEASE_MS);
    await until(() => expect(world.hub.requests.length).toBeGreaterThan(3));
    world.hub.reply = undefined;
    await world.clock.advance(0.06 * LEASE_MS);
    await until(() => expect(world.told.renewed).toHaveLength(1));
    await until(
      () => expect(world.hub.subscriptions.size).toBe(1),
      () => world.clock.advance(1_000),
    );
    expect(await world.listener.subscriptions.list()).toMatchObject([{ state: 'active' }]);
    expect(world.told.expired).toEqual([]);
  });
});

describe('in the minute of the overlap', () => {
  it('an unsubscription ends both', async () => {
    const { world, old, next } = await openOverlap();
    await using _ = world;
    const [view] = await world.listener.subscriptions.list();
    await world.listener.subscriptions.unsubscribe(view?.id ?? '');
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
    for (const one of [old, next]) expect((await world.hub.deliver(one, '{}')).status).toBe(410);
    expect(world.told.unsubscribed).toMatchObject([{ id: view?.id }]);
  });

  it('a detached service with unsubscribe ends both', async () => {
    const { world, service } = await openOverlap();
    await using _ = world;
    await world.listener.detach(service, { unsubscribe: true });
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
  });

  it('a handler that gives the subscription up ends both', async () => {
    class Leaving extends Inbox {
      override onEventNotification(): void {
        throw new SubscriptionGone();
      }
    }
    const { world, old, next } = await openOverlap(new Leaving());
    await using _ = world;
    expect((await world.hub.deliver(old, '{}')).status).toBe(410);
    await until(() => expect(world.hub.lastRequest.mode).toBe('unsubscribe'));
    expect(world.hub.lastRequest.callback).toBe(next.callback);
  });

  it('whose process dies before it ends the old subscription ends it when that comes due', async () => {
    const kept = memoryStore();
    let isDying = true;
    const store: SubscriptionStore = {
      get: (id) => kept.get(id),
      put: (record, version) =>
        isDying && record.pending === 'unsubscribe'
          ? Promise.reject(new Error('killed'))
          : kept.put(record, version),
      delete: (id) => kept.delete(id),
      list: () => kept.list(),
      claimDue: (...due) => kept.claimDue(...due),
    };
    await using world = await openWorld({ listener: { store }, hub: { leaseSeconds: LEASE_MS / 1_000 } });
    await world.start();
    await world.clock.advance(0.8 * LEASE_MS);
    await until(() => expect(world.told.errors).toHaveLength(1));
    const next = newest(world);
    isDying = false;
    await until(
      () => expect(world.hub.subscriptions.size).toBe(1),
      () => world.clock.advance(1_000),
    );
    expect(world.hub.subscription).toBe(next);
  });

  it('a restart goes on as it was', async () => {
    const port = await freePort();
    const store = memoryStore();
    await using world = await openWorld({
      port,
      listener: { store },
      hub: { leaseSeconds: LEASE_MS / 1_000 },
    });
    await world.start();
    const old = world.hub.subscription;
    await world.clock.advance(0.8 * LEASE_MS);
    await until(() => expect(world.hub.subscriptions.size).toBe(2));
    const next = newest(world);
    await world.listener.immediateStop();
    const { clock } = world;
    await using second = new SubscriberListener(port, { store, logger: silent, ports: { clock } });
    const told = new Told(second);
    const inbox = new Inbox();
    await second.attachWithConfig(inbox, { target: world.target });
    expect(await second.start()).toMatchObject({ subscribed: [], failed: [] });
    for (const one of [old, next]) expect((await world.hub.deliver(one, 'still')).status).toBe(202);
    expect(inbox.texts).toEqual(['still']);
    await until(
      () => expect(world.hub.subscriptions.size).toBe(1),
      () => clock.advance(1_000),
    );
    expect(world.hub.subscription).toBe(next);
    expect(told.unsubscribed).toEqual([]);
  });
});

describe('what a renewal keeps', () => {
  it('is callback and secret at a hub that was slow to verify', async () => {
    await using world = await openWorld({ hub: { verify: 'never', leaseSeconds: LEASE_MS / 1_000 } });
    await world.start();
    await world.clock.advance(11_000);
    await world.hub.verify(world.hub.lastRequest);
    await world.clock.advance(0.8 * LEASE_MS);
    await until(() => expect(world.hub.requests.length).toBeGreaterThan(1));
    expect(new Set(world.hub.requests.map(({ callback }) => callback)).size).toBe(1);
    expect(new Set(world.hub.requests.map(({ form }) => form.get('hub.secret'))).size).toBe(1);
  });

  it('is nothing of these at any hub where the options say so', async () => {
    await using world = await openWorld({ hub: { verify: 'never', leaseSeconds: LEASE_MS / 1_000 } });
    await world.start({ renewal: 'rotate' });
    await world.clock.advance(11_000);
    await world.hub.verify(world.hub.lastRequest);
    await world.clock.advance(0.8 * LEASE_MS);
    await until(() => expect(world.hub.requests.length).toBeGreaterThan(1));
    expect(world.hub.requests[1]?.callback).not.toBe(world.hub.requests[0]?.callback);
  });

  it('is a callback that was written out, which cannot be rotated', async () => {
    const port = await freePort();
    await using world = await openWorld({ port, hub: { leaseSeconds: LEASE_MS / 1_000 } });
    const callback = `http://127.0.0.1:${port}/hook`;
    await expect(world.start({ callback, renewal: 'rotate' })).rejects.toThrow('cannot be rotated');
    await world.start({ callback });
    await world.clock.advance(0.8 * LEASE_MS);
    await until(() => expect(world.told.renewed).toHaveLength(1));
    expect(world.hub.requests.map((request) => request.callback)).toEqual([callback, callback]);
  });

  it('is a secret that was given, also at run time, and the id to unsubscribe by', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: LEASE_MS / 1_000 } });
    await world.start({ target: [] });
    const { subscriptions } = world.listener;
    const view = await subscriptions.subscribe(world.inbox, world.target, { secret: 'given' });
    for (let renewal = 1; renewal <= 3; renewal++) {
      await world.clock.advance(0.8 * LEASE_MS);
      await until(() => expect(world.told.renewed).toHaveLength(renewal));
    }
    expect(newest(world).secret).toBe('given');
    await world.clock.advance(61_000);
    await subscriptions.unsubscribe(view.id);
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
    expect(world.told.unsubscribed).toMatchObject([{ id: view.id }]);
  });
});
