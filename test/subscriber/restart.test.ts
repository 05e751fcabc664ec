import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestClock } from '@websub/shared';
import {
  memoryStore,
  sqliteStore,
  SubscriberListener,
  type StartReport,
  type SubscriberServiceOptions,
  type SubscriptionStore,
} from '@websub/subscriber';
import { FakeHub } from '@websub/subscriber/testing';
import { freePort } from '../support/free-port.js';
import { Inbox, silent, Told, until } from './world.js';

const TOPIC = 'https://p.example/feed';

let hub: FakeHub;
let port: number;
let clock: TestClock;
let folder: string;

beforeEach(async () => {
  hub = await FakeHub.start({ leaseSeconds: 1_000 });
  port = await freePort();
  clock = new TestClock();
  folder = await mkdtemp(join(tmpdir(), 'websub-restart-'));
});

afterEach(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

/** One run of a process, from its start to its end. */
async function run(store: SubscriptionStore, options: SubscriberServiceOptions = {}) {
  const inbox = new Inbox();
  const listener = new SubscriberListener(port, { store, logger: silent, ports: { clock } });
  const told = new Told(listener);
  const attached = await listener.attachWithConfig(inbox, { target: [hub.url, TOPIC], ...options });
  return { inbox, listener, told, attached, report: await listener.start() };
}

/** As options: the callback is at another name of this machine. */
const moved = (): SubscriberServiceOptions => ({
  callback: `http://localhost:${port}/`,
  appendServicePath: true,
});

/** The callback moves while the hub is away, for a whole run. Settles when the hub is back, with the report of that run. */
async function moveWhileHubIsAway(store: SubscriptionStore): Promise<StartReport> {
  const first = await run(store);
  await first.listener.gracefulStop();
  hub.reply = () => ({ status: 503 });
  const { listener, report } = await run(store, { ...moved(), httpConfig: { retry: { attempts: 1 } } });
  await listener.gracefulStop();
  hub.reply = undefined;
  return report;
}

describe.each([
  ['memoryStore', () => Promise.resolve(memoryStore())],
  ['sqliteStore', () => Promise.resolve(sqliteStore(join(folder, 'subscriptions.db')))],
])('a restart on %s', (_, open) => {
  it('resumes with no hub traffic', async () => {
    const store = await open();
    const first = await run(store);
    expect(first.report).toMatchObject({ subscribed: [{ topic: TOPIC }], resumed: [] });
    await first.listener.gracefulStop();
    const second = await run(store);
    expect(second.report).toMatchObject({
      subscribed: [],
      resumed: [{ topic: TOPIC, state: 'active' }],
      failed: [],
    });
    expect(hub.requests).toHaveLength(1);
    expect((await hub.deliver(hub.subscription, '"still here"')).status).toBe(202);
    expect(second.inbox.texts).toEqual(['"still here"']);
    await second.attached.verified();
    await second.listener.immediateStop();
  });

  it('renews what became due meanwhile', async () => {
    const store = await open();
    const first = await run(store);
    await first.listener.immediateStop();
    await clock.advance(900_000);
    const second = await run(store);
    await clock.advance(1_000);
    await until(() => expect(second.told.renewed).toHaveLength(1));
    await second.listener.immediateStop();
  });

  it('asks again for what was pending', async () => {
    const store = await open();
    await hub.close();
    hub = await FakeHub.start({ verify: 'never' });
    const first = await run(store);
    await first.listener.immediateStop();
    const second = await run(store);
    expect(second.report.resumed).toMatchObject([{ state: 'pending', pending: 'subscribe' }]);
    await clock.advance(300_000);
    await until(() => expect(hub.requests).toHaveLength(2));
    await hub.verify(hub.lastRequest);
    await second.attached.verified();
    await second.listener.immediateStop();
  });

  it('subscribes to a new target, and ends one that is gone', async () => {
    const store = await open();
    const first = await run(store);
    await first.listener.gracefulStop();
    const second = await run(store, { target: [hub.url, 'https://p.example/other'] });
    expect(second.report.subscribed).toMatchObject([{ topic: 'https://p.example/other' }]);
    await until(() =>
      expect([...hub.subscriptions.values()].map(({ topic }) => topic)).toEqual(['https://p.example/other']),
    );
    await second.listener.immediateStop();
  });

  it('subscribes anew when the callback has moved, and ends the old subscription after that', async () => {
    const store = await open();
    const first = await run(store, { path: '/a' });
    await first.listener.gracefulStop();
    const old = hub.subscription.callback;
    const options = { store, logger: silent, ports: { clock } };
    const listener = new SubscriberListener(port, { ...options, publicUrl: `http://localhost:${port}/` });
    await listener.attachWithConfig(new Inbox(), { path: '/a', target: [hub.url, TOPIC] });
    const report = await listener.start();
    expect(report.subscribed).toHaveLength(1);
    await clock.advance(60_000);
    await until(() =>
      expect([...hub.subscriptions.values()].map(({ callback }) => callback)).not.toContain(old),
    );
    expect(hub.subscription.callback).toMatch(/^http:\/\/localhost:/);
    await listener.immediateStop();
  });

  it('leaves one subscription when the callback moved while the hub was away, for a whole run', async () => {
    const store = await open();
    expect((await moveWhileHubIsAway(store)).failed).toHaveLength(1);
    const next = await run(store, moved());
    await next.attached.verified();
    await until(
      () => expect(hub.subscriptions.size).toBe(1),
      () => clock.advance(1_000),
    );
    expect(hub.subscription.callback).toMatch(/^http:\/\/localhost:/);
    await next.listener.immediateStop();
  });

  it('goes on as before when the callback moved while the hub was away, and moved back', async () => {
    const store = await open();
    await moveWhileHubIsAway(store);
    const back = await run(store);
    expect(back.report.resumed).toHaveLength(1);
    for await (const one of store.list()) expect(one).not.toHaveProperty('replacedBy');
    await back.listener.immediateStop();
  });

  it('asks for one that was denied anew, and keeps nothing of the denial', async () => {
    const store = await open();
    hub.reply = () => ({ status: 202 });
    const options = { onDenied: { retryAfterMs: 60_000 } };
    const first = await run(store, options);
    await hub.deny(hub.lastRequest.callback, TOPIC);
    await first.listener.gracefulStop();
    const second = await run(store, options);
    const verified = second.attached.verified();
    await hub.verify(hub.lastRequest);
    await verified;
    await clock.advance(60_000);
    expect(second.attached.subscriptions).toHaveLength(1);
    expect(hub.requests).toHaveLength(2);
    await second.listener.immediateStop();
  });

  it('LAW 5 takes the deliveries of a denied one for as long as its lease runs, until it has the new one', async () => {
    const store = await open();
    const first = await run(store);
    const old = hub.subscription;
    await hub.deny(old.callback, TOPIC);
    await first.listener.gracefulStop();
    hub.reply = () => ({ status: 202 });
    const second = await run(store);
    const verified = second.attached.verified();
    expect((await hub.deliver(old, '"still here"')).status).toBe(202);
    await hub.verify(hub.lastRequest);
    await verified;
    await until(async () => expect((await hub.deliver(old, '{}')).status).toBe(410));
    expect(second.attached.subscriptions).toMatchObject([{ state: 'active' }]);
    expect(second.told.unsubscribed).toEqual([]);
    await second.listener.immediateStop();
  });

  it('subscribes anew when the secret is another one', async () => {
    const store = await open();
    const first = await run(store, { secret: 'old' });
    await first.listener.gracefulStop();
    const second = await run(store, { secret: ['new', 'old'] });
    await clock.advance(60_000);
    await until(() => expect(hub.subscriptions.size).toBe(1));
    expect(hub.subscription.secret).toBe('new');
    await second.listener.immediateStop();
  });

  it('resumes what was subscribed at run time', async () => {
    const store = await open();
    const first = await run(store);
    await first.listener.subscriptions.subscribe(
      first.inbox,
      { hub: hub.url, topic: 'https://p.example/42' },
      { secret: 's3' },
    );
    await first.listener.gracefulStop();
    const second = await run(store);
    expect(second.report.resumed.map(({ topic }) => topic).toSorted()).toEqual([
      'https://p.example/42',
      TOPIC,
    ]);
    expect(hub.requests).toHaveLength(2);
    await second.listener.immediateStop();
  });

  it('lets hubs wait for a service that is not attached yet', async () => {
    const store = await open();
    const first = await run(store, { path: '/a' });
    await first.listener.gracefulStop();
    const listener = new SubscriberListener(port, { store, logger: silent, ports: { clock } });
    await listener.start();
    expect((await hub.deliver(hub.subscription, '{}')).status).toBe(503);
    const inbox = new Inbox();
    await listener.attachWithConfig(inbox, { path: '/a', target: [hub.url, TOPIC] });
    expect((await hub.deliver(hub.subscription, '{}')).status).toBe(202);
    await listener.immediateStop();
  });
});

describe('two instances on one store', () => {
  it('renew a subscription once, and both take its deliveries', async () => {
    const store = sqliteStore(join(folder, 'subscriptions.db'));
    const publicUrl = `http://127.0.0.1:${port}/`;
    const instances = await Promise.all(
      [port, 0].map(async (on) => {
        const inbox = new Inbox();
        const listener = new SubscriberListener(on, { store, publicUrl, logger: silent, ports: { clock } });
        await listener.attachWithConfig(inbox, { target: [hub.url, TOPIC] });
        return { listener, inbox, told: new Told(listener) };
      }),
    );
    const [one, two] = instances;
    await one?.listener.start();
    const report = await two?.listener.start();
    expect(report?.resumed).toHaveLength(1);
    await clock.advance(800_000);
    await until(() => expect(instances.flatMap(({ told }) => told.renewed)).toHaveLength(1));
    await clock.advance(100_000);
    expect(hub.requests.map(({ mode }) => mode)).toEqual(['subscribe', 'subscribe', 'unsubscribe']);
    for (const { listener } of instances) await listener.immediateStop();
  });
});

describe('several instances that start at the same time', () => {
  it.each([2, 3, 5])('%s of them make one subscription, and all have it', async (count) => {
    const store = sqliteStore(join(folder, 'subscriptions.db'));
    const instances = await Promise.all(
      Array.from({ length: count }, async (_, at) => {
        const inbox = new Inbox();
        const listener = new SubscriberListener(at === 0 ? port : 0, {
          store,
          publicUrl: `http://127.0.0.1:${port}/`,
          logger: silent,
          ports: { clock },
        });
        const attached = await listener.attachWithConfig(inbox, { target: [hub.url, TOPIC] });
        return { listener, attached };
      }),
    );
    const reports = await Promise.all(instances.map(({ listener }) => listener.start()));
    expect(hub.requests).toHaveLength(1);
    for (const { subscribed, resumed, failed } of reports) {
      expect([...subscribed, ...resumed]).toHaveLength(1);
      expect(failed).toEqual([]);
    }
    await Promise.all(instances.map(({ attached }) => attached.verified()));
    for (const { listener } of instances) await listener.immediateStop();
  });
});

describe('a process that was killed', () => {
  it('between writing and asking asks as soon as it is back, unless another may still be asking', async () => {
    const store = memoryStore();
    let isAlive = false;
    const dying: SubscriptionStore = {
      get: (id) => store.get(id),
      put: async (record, version) => {
        if (isAlive) return store.put(record, version);
        await store.put(record, version);
        throw new Error('killed');
      },
      delete: () => Promise.reject(new Error('killed')),
      list: () => store.list(),
      claimDue: (...due) => store.claimDue(...due),
    };
    const killed = new SubscriberListener(port, { store: dying, logger: silent, ports: { clock } });
    await killed.attachWithConfig(new Inbox(), { target: [hub.url, TOPIC] });
    await killed.start();
    await killed.immediateStop();
    expect(hub.requests).toEqual([]);
    isAlive = true;
    const early = await run(dying);
    expect(hub.requests).toEqual([]);
    await clock.advance(20_000);
    await early.attached.verified();
    await early.listener.immediateStop();
    expect(hub.requests).toHaveLength(1);
  });

  it('is asked for at the start itself, once nobody can be asking any more', async () => {
    const store = memoryStore();
    await hub.close();
    hub = await FakeHub.start({ verify: 'never' });
    const first = await run(store);
    await first.listener.immediateStop();
    await clock.advance(20_000);
    const second = await run(store);
    await until(() => expect(hub.requests).toHaveLength(2));
    expect(hub.requests[1]?.callback).toBe(hub.requests[0]?.callback);
    await second.listener.immediateStop();
  });

  it('between writing and asking finds its subscription pending, and asks', async () => {
    const store = sqliteStore(join(folder, 'subscriptions.db'));
    // The hub hangs: as if the process had died with the request on its way.
    hub.reply = () => new Promise(() => undefined);
    const listener = new SubscriberListener(port, { store, logger: silent, ports: { clock } });
    await listener.attachWithConfig(new Inbox(), { target: [hub.url, TOPIC] });
    const starting = listener.start();
    await until(() => expect(hub.requests).toHaveLength(1));
    const kept: unknown[] = [];
    for await (const one of store.list()) kept.push(one);
    expect(kept).toMatchObject([{ state: 'pending', pending: 'subscribe', topic: TOPIC }]);
    await listener.immediateStop();
    await starting;
  });
});
