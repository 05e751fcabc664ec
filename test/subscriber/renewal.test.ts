import { describe, expect, it } from 'vitest';
import { FakeHub } from '@websub/subscriber/testing';
import { openWorld, until, type World } from './world.js';

const DAY = 86_400_000;

/** A page that names a hub and a topic. */
function advertise(world: World, hub: string, topic: string, path = '/feed'): void {
  world.site.pages.set(path, { headers: { link: `<${hub}>; rel="hub", <${topic}>; rel="self"` } });
}

describe('a renewal', () => {
  it('S28 is asked for before the lease ends, with callback and secret as they were where that is kept', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    await world.start({ renewal: 'keep' });
    await world.clock.advance(719_000);
    expect(world.hub.requests).toHaveLength(1);
    await world.clock.advance(81_000);
    await until(() => expect(world.told.renewed).toHaveLength(1));
    const [first, second] = world.hub.requests;
    expect(second).toMatchObject({ mode: 'subscribe', topic: first?.topic, callback: first?.callback });
    expect(second?.form.get('hub.secret')).toBe(first?.form.get('hub.secret'));
    expect(world.told.renewed[0]?.expiresAt?.getTime()).toBeGreaterThan(world.clock.now() + 900_000);
  });

  it('S28 comes in time for a lease of a second', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1 } });
    await world.start();
    for (let second = 1; second <= 5; second++) {
      await world.clock.advance(850);
      await until(() => expect(world.told.renewed).toHaveLength(second));
    }
    expect(world.told.expired).toEqual([]);
  });

  it('LAW 5 interrupts nothing while the hub has not verified it', async () => {
    await using world = await openWorld({ hub: { verify: 'never', leaseSeconds: 1_000 } });
    await world.start();
    await world.clock.advance(11_000);
    await world.hub.verify(world.hub.lastRequest);
    await world.clock.advance(800_000);
    await until(() => expect(world.hub.requests.length).toBeGreaterThan(1));
    expect(await world.listener.subscriptions.list()).toMatchObject([
      { state: 'active', pending: 'subscribe' },
    ]);
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(202);
  });

  it('LAW 5 that fails leaves the lease as it was, and is tried again until its end', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    await world.start();
    world.hub.reply = () => ({ status: 503 });
    await world.clock.advance(900_000);
    await until(() => expect(world.hub.requests.length).toBeGreaterThan(3));
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(202);
    world.hub.reply = undefined;
    await world.clock.advance(90_000);
    await until(() => expect(world.told.renewed).toHaveLength(1));
    expect(world.told.expired).toEqual([]);
  });

  it('LAW 5 that is refused leaves the lease as it was', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    await world.start();
    world.hub.reply = () => ({ status: 400, body: 'busy' });
    await world.clock.advance(850_000);
    await until(() => expect(world.told.errors[0]).toMatchObject({ code: 'hub_refused' }));
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(202);
    expect(world.told.denied).toEqual([]);
  });

  it('that never succeeds lets the lease expire, and the subscription is asked for anew', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    await world.start();
    world.hub.reply = () => ({ status: 503 });
    await world.clock.advance(1_001_000);
    await until(() => expect(world.told.expired).toHaveLength(1));
    world.hub.reply = undefined;
    await world.clock.advance(3_600_000);
    await until(() => expect(world.told.verified).toHaveLength(2));
    expect(world.hub.subscriptions.size).toBe(1);
  });

  it('keeps up for a hundred days, with no gap in the lease', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 10 * 86_400 } });
    await world.start();
    for (let day = 0; day < 100; day += 8) {
      await world.clock.advance(8 * DAY);
      await until(() =>
        expect(world.told.renewed.at(-1)?.expiresAt?.getTime()).toBeGreaterThan(world.clock.now() + DAY),
      );
    }
    expect(world.told.expired).toEqual([]);
    expect(world.hub.requests.length).toBeLessThan(32);
  });

  it('goes on for other subscriptions while one hub hangs', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    await using hanging = await FakeHub.start({ leaseSeconds: 1_000 });
    await world.start({
      target: [
        { hub: hanging.url, topic: 'https://a.example/' },
        { hub: world.hub.url, topic: 'https://b.example/' },
      ],
    });
    hanging.reply = () => new Promise(() => undefined);
    await world.clock.advance(800_000);
    await until(() => expect(world.told.renewed).toMatchObject([{ topic: 'https://b.example/' }]));
  });
});

describe('a renewal of what was discovered', () => {
  it('begins with discovery, and stays where nothing moved', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    advertise(world, world.hub.url, 'https://p.example/feed');
    await world.start({ target: `${world.site.url}/feed`, renewal: 'keep' });
    await world.clock.advance(800_000);
    await until(() => expect(world.told.renewed).toHaveLength(1));
    expect(world.site.requests).toHaveLength(2);
    expect(world.hub.requests[1]?.callback).toBe(world.hub.requests[0]?.callback);
  });

  it('P7 follows a topic that moved: the old subscription goes on until the new one is verified, then it is ended', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000, verify: 'never' } });
    advertise(world, world.hub.url, 'https://old.example/feed');
    await world.start({ target: `${world.site.url}/feed` });
    await world.hub.verify(world.hub.lastRequest);
    const old = world.hub.subscription;
    world.site.pages.set('/feed', { status: 301, headers: { location: '/moved' } });
    advertise(world, world.hub.url, 'https://new.example/feed', '/moved');
    await world.clock.advance(800_000);
    await until(() => expect(world.hub.lastRequest.topic).toBe('https://new.example/feed'));
    expect(world.hub.lastRequest.callback).not.toBe(old.callback);
    expect((await world.hub.deliver(old, '{}')).status).toBe(202);
    await world.hub.verify(world.hub.lastRequest);
    expect(world.hub.lastRequest.mode).toBe('subscribe');
    await world.clock.advance(60_000);
    await until(() =>
      expect(world.hub.lastRequest).toMatchObject({
        mode: 'unsubscribe',
        topic: 'https://old.example/feed',
        callback: old.callback,
      }),
    );
    expect((await world.hub.deliver(old, '{}')).status).toBe(202);
    await world.hub.verify(world.hub.lastRequest);
    expect((await world.hub.deliver(old, '{}')).status).toBe(410);
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(202);
    expect(world.told.unsubscribed).toEqual([]);
  });

  it('P7, S17 follows a publisher to another hub, with another callback and secret', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    await using second = await FakeHub.start();
    advertise(world, world.hub.url, 'https://p.example/feed');
    await world.start({ target: `${world.site.url}/feed` });
    const old = world.hub.subscription;
    advertise(world, second.url, 'https://p.example/feed');
    await world.clock.advance(800_000);
    await until(() => expect(second.subscriptions.size).toBe(1));
    await world.clock.advance(60_000);
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
    expect(second.subscription.callback).not.toBe(old.callback);
    expect(second.subscription.secret).not.toBe(old.secret);
  });

  it('goes to the next hub of the page when its own fails', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    await using second = await FakeHub.start();
    world.site.pages.set('/feed', {
      headers: { link: `<${world.hub.url}>; rel=hub, <${second.url}>; rel=hub` },
    });
    await world.start({ target: `${world.site.url}/feed` });
    world.hub.reply = ({ mode }) => (mode === 'subscribe' ? { status: 503 } : undefined);
    await world.clock.advance(800_000);
    await until(() => expect(second.subscriptions.size).toBe(1));
    await world.clock.advance(60_000);
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
  });

  it('LAW 5 falls back on the old subscription when the new one is never verified', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    await using second = await FakeHub.start({ verify: 'never' });
    advertise(world, world.hub.url, 'https://p.example/feed');
    await world.start({ target: `${world.site.url}/feed` });
    advertise(world, second.url, 'https://p.example/feed');
    await world.clock.advance(990_000);
    await until(() => expect(world.told.renewed).toHaveLength(1));
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(202);
    expect(second.requests.every(({ callback }) => callback === second.requests[0]?.callback)).toBe(true);
  });

  it('uses what it knows when the page cannot be asked', async () => {
    await using world = await openWorld({ hub: { leaseSeconds: 1_000 } });
    advertise(world, world.hub.url, 'https://p.example/feed');
    await world.start({ target: `${world.site.url}/feed` });
    world.site.pages.set('/feed', { status: 500 });
    await world.clock.advance(800_000);
    await until(() => expect(world.told.renewed).toHaveLength(1));
    expect(world.told.errors).toMatchObject([{ code: 'unreachable' }]);
  });
});
