import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestClock } from '@websub/shared';
import {
  memoryStore,
  sqliteStore,
  SubscriberListener,
  type SubscriberServiceOptions,
  type SubscriptionStore,
} from '@websub/subscriber';
import { FakeHub } from '@websub/subscriber/testing';
import { freePort } from '../support/free-port.js';
import { Inbox, openWorld, silent, Told, until } from './world.js';

const TOPIC = 'https://p.example/42';

let hub: FakeHub;
let port: number;
let store: SubscriptionStore;
const clock = new TestClock();

beforeEach(async () => {
  hub = await FakeHub.start({ leaseSeconds: 1_000 });
  port = await freePort();
  store = memoryStore();
});

afterEach(() => hub.close());

/** One run of a process; its service subscribes to nothing by itself unless `options` say so. */
async function run(options: SubscriberServiceOptions = {}) {
  const inbox = new Inbox();
  const listener = new SubscriberListener(port, { store, logger: silent, ports: { clock } });
  const told = new Told(listener);
  await listener.attachWithConfig(inbox, options);
  const report = await listener.start();
  const subscribe = (own?: Partial<SubscriberServiceOptions>) =>
    listener.subscriptions.subscribe(inbox, { hub: hub.url, topic: TOPIC }, own);
  return { inbox, listener, told, report, subscribe };
}

describe('subscribing at run time', () => {
  it('makes one subscription of a target, however often it is asked for', async () => {
    const { listener, inbox, subscribe } = await run();
    const [first, second] = await Promise.all([subscribe(), subscribe()]);
    expect(second.id).toBe(first.id);
    expect((await subscribe()).id).toBe(first.id);
    expect(hub.requests).toHaveLength(1);
    await hub.deliver(hub.subscription, '{}');
    expect(inbox.notifications).toHaveLength(1);
    await listener.immediateStop();
  });

  it('makes none when a run before has made it', async () => {
    const first = await run();
    const { id } = await first.subscribe({ customParams: { tenant: '7' } });
    await first.listener.gracefulStop();
    const second = await run();
    expect((await second.subscribe({ customParams: { tenant: '7' } })).id).toBe(id);
    expect(hub.requests).toHaveLength(1);
    await second.listener.immediateStop();
  });

  it('makes none of a target that stands in the options, and refuses other options for it', async () => {
    const { listener, subscribe } = await run({ target: { hub: hub.url, topic: TOPIC } });
    await subscribe();
    expect(hub.requests).toHaveLength(1);
    await expect(subscribe({ leaseSeconds: 60 })).rejects.toThrow('stands in the options of the service');
    await listener.immediateStop();
  });

  it('lets other options take over from those before, without a gap', async () => {
    const { listener, subscribe } = await run();
    const first = await subscribe();
    const second = await subscribe({ customParams: { tenant: '8' } });
    expect(second.id).toBe(first.id);
    expect(hub.requests.map(({ form }) => form.get('tenant'))).toEqual([null, '8']);
    await clock.advance(60_000);
    await until(() => expect(hub.subscriptions.size).toBe(1));
    expect(await listener.subscriptions.list()).toHaveLength(1);
    await listener.immediateStop();
  });

  it('gives a subscription to the options once its target stands there', async () => {
    const first = await run();
    await first.subscribe();
    await first.listener.gracefulStop();
    const second = await run({ target: { hub: hub.url, topic: TOPIC } });
    await clock.advance(60_000);
    await until(() => expect(hub.subscriptions.size).toBe(1));
    expect(await second.listener.subscriptions.list()).toHaveLength(1);
    await second.listener.immediateStop();
  });
});

describe('the options of a subscription at run time', () => {
  it('reach the hub at the request, at the renewal after a restart, and at the end', async () => {
    const first = await run({ customHeaders: { authorization: 'of the service' } });
    const { id } = await first.subscribe({
      customParams: { tenant: '7' },
      customHeaders: { authorization: 'Bearer k' },
      httpConfig: { headers: { 'x-by': 'me' } },
      leaseSeconds: 77,
      secret: 'given',
      renewal: 'keep',
      path: '/own',
    });
    await first.listener.gracefulStop();
    const second = await run({ customHeaders: { authorization: 'of the service' } });
    await second.listener.subscriptions.renew(id);
    await second.listener.subscriptions.unsubscribe(id);
    expect(hub.requests.map(({ mode }) => mode)).toEqual(['subscribe', 'subscribe', 'unsubscribe']);
    for (const { form, headers, callback } of hub.requests) {
      expect(form.get('tenant')).toBe('7');
      expect(headers).toMatchObject({ authorization: 'Bearer k', 'x-by': 'me' });
      expect(callback).toBe(hub.requests[0]?.callback);
      expect(new URL(callback).pathname).toMatch(/^\/own\//);
    }
    expect(hub.requests.slice(0, 2).map(({ form }) => form.get('hub.secret'))).toEqual(['given', 'given']);
    expect(hub.requests.slice(0, 2).map(({ form }) => form.get('hub.lease_seconds'))).toEqual(['77', '77']);
    await second.listener.immediateStop();
  });

  it('say what becomes of its deliveries, and of it at a stop', async () => {
    const { listener, subscribe } = await run({ target: [hub.url, 'https://p.example/other'] });
    await subscribe({ maxBodyBytes: 4, unsubscribeOnShutdown: true });
    const statuses = new Map<string, number>();
    for (const one of hub.subscriptions.values())
      statuses.set(one.topic, (await hub.deliver(one, '"too long"')).status);
    expect(Object.fromEntries(statuses)).toEqual({ [TOPIC]: 413, 'https://p.example/other': 202 });
    await listener.gracefulStop();
    expect([...hub.subscriptions.values()].map(({ topic }) => topic)).toEqual(['https://p.example/other']);
  });

  it('say how its resource is discovered', async () => {
    await using world = await openWorld();
    await world.start({ target: [] });
    world.site.pages.set('/feed', { headers: { link: `<${world.hub.url}>; rel="hub"` } });
    await world.listener.subscriptions.subscribe(world.inbox, `${world.site.url}/feed`, {
      discoveryConfig: { acceptLanguage: 'da' },
    });
    expect(world.site.requests[0]?.headers['accept-language']).toBe('da');
  });

  it.each([
    [{ orderBy: () => 'key' }, 'orderBy is the same for all subscriptions'],
    [{ callback: 'https://me.example/cb' }, 'callback is the same for all subscriptions'],
    [{ dedupe: false }, 'dedupe is the same for all subscriptions'],
    [{ httpConfig: { dispatcher: { dispatch() {} } } }, 'httpConfig.dispatcher cannot be stored'],
    [{ leaseSeconds: -1 }, 'leaseSeconds is not a positive integer'],
  ] as const)('are refused when a subscription cannot have them: %o', async (own, why) => {
    const { listener, subscribe } = await run();
    await expect(subscribe(own)).rejects.toThrow(why);
    expect(hub.requests).toEqual([]);
    await listener.immediateStop();
  });

  it('keep a text that looks like a date', async () => {
    store = sqliteStore(':memory:');
    const { listener, subscribe } = await run();
    const own = { customParams: { dueAt: '2026-01-01T00:00:00.000Z' } };
    const { id } = await subscribe(own);
    await listener.subscriptions.renew(id);
    expect(hub.requests.map(({ form }) => form.get('dueAt'))).toEqual([
      own.customParams.dueAt,
      own.customParams.dueAt,
    ]);
    await listener.immediateStop();
  });
});

describe('a subscription whose service is not attached any more', () => {
  it('is kept until it is unsubscribed, which its hub then confirms, and cannot be renewed', async () => {
    const first = await run();
    const { id } = await first.subscribe({ customParams: { tenant: '7' } });
    await first.listener.gracefulStop();
    const listener = new SubscriberListener(port, { store, logger: silent, ports: { clock } });
    await listener.start();
    await expect(listener.subscriptions.renew(id)).rejects.toThrow('is not attached');
    expect((await hub.deliver(hub.subscription, '{}')).status).toBe(503);
    await listener.subscriptions.unsubscribe(id);
    await until(() => expect(hub.subscriptions.size).toBe(0));
    expect(hub.lastRequest.form.get('tenant')).toBe('7');
    expect(await listener.subscriptions.list()).toMatchObject([{ id, state: 'unsubscribed' }]);
    await listener.immediateStop();
  });
});
