import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  OnEvent,
  sqliteStore,
  SubscriberListener,
  SubscriberService,
  type ListenerOptions,
  type Notification,
  type SubscriberHandlers,
  type SubscriptionDenial,
} from '@websub/subscriber';
import { freePort } from '../support/free-port.js';
import { embedHub } from '../support/hub-in-process.js';
import { HubProcess } from '../support/hub-process.js';
import { manage } from '../support/manage.js';
import { ping, published } from '../support/requests.js';
import { startTopics, type Topic, type TopicServer } from '../support/topics.js';
import { until } from '../support/until.js';
import { silent, Told } from './world.js';

let hub: HubProcess;
let topics: TopicServer;
let folder: string;

beforeAll(async () => {
  hub = await HubProcess.start();
  topics = await startTopics(hub.url);
});

afterAll(async () => {
  await topics.close();
  await hub.terminate();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'websub-end-to-end-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the subscriber of all these tests was told; each starts with nothing. */
const heard = { issues: [] as string[], other: [] as string[], denials: [] as SubscriptionDenial[] };

beforeEach(() => {
  for (const list of Object.values(heard)) list.length = 0;
});

@SubscriberService({ path: '/issues' })
class Issues implements SubscriberHandlers {
  @OnEvent({ payload: ['action', 'opened'] })
  onOpened(_: Notification, issue: { readonly title: string }): void {
    heard.issues.push(issue.title);
  }

  onEventNotification(notification: Notification): void {
    heard.other.push(notification.text());
  }

  onSubscriptionValidationDenied(denial: SubscriptionDenial): void {
    heard.denials.push(denial);
  }
}

interface Subscriber extends AsyncDisposable {
  readonly listener: SubscriberListener;
  readonly told: Told;
}

/** The class as a user starts it, on a port and a store that a restart finds again. */
async function start(
  target: string | readonly [string, string],
  port: number,
  { leaseSeconds, ...options }: ListenerOptions & { readonly leaseSeconds?: number } = {},
): Promise<Subscriber> {
  const store = sqliteStore(join(folder, 'subscriptions.db'));
  const listener = new SubscriberListener(port, { store, logger: silent, ...options });
  const told = new Told(listener);
  const attached = await listener.attachWithConfig(Issues, {
    target,
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
  });
  const { failed } = await listener.start();
  expect(failed).toEqual([]);
  // The one with a public URL is denied.
  if (options.publicUrl === undefined) await attached.verified();
  return { listener, told, [Symbol.asyncDispose]: () => listener.immediateStop() };
}

async function update(topic: Topic, body: string): Promise<void> {
  topic.body = body;
  expect((await ping(hub, topic.url)).status).toBe(202);
}

const opened = (title: string): string => JSON.stringify({ action: 'opened', title });

it('a decorated class finds its hub, subscribes at start, and is given what is published', async () => {
  const topic = topics.topic();
  topic.contentType = 'application/json';
  await using subscriber = await start(topic.url, await freePort());
  expect(subscriber.told.verified).toMatchObject([{ hub: hub.url, topic: topic.url, state: 'active' }]);
  await update(topic, opened('one'));
  await until('the first was handled', () => heard.issues.length === 1);
  await update(topic, '{"action":"closed"}');
  await until('the second was handled', () => heard.other.length === 1);
  expect(heard).toMatchObject({ issues: ['one'], other: ['{"action":"closed"}'] });
});

it('a subscriber that restarts resumes, and is given what was published while it was away', async () => {
  const topic = topics.topic();
  topic.contentType = 'application/json';
  const port = await freePort();
  const first = await start(topic.url, port);
  await first.listener.gracefulStop();
  await update(topic, opened('meanwhile'));
  await using second = await start(topic.url, port);
  // The hub may have tried while nobody was there; it comes again after five seconds.
  await until('the update was handled', () => heard.issues.length > 0, 15_000);
  expect(heard.issues).toEqual(['meanwhile']);
  expect(second.told.verified).toEqual([]);
});

it('a subscriber of a topic that is delivered without order hears each update once', async () => {
  const topic = 'https://publisher.example/fast';
  await manage(hub, 'PUT', `/topics/${encodeURIComponent(topic)}/policy`, { policy: 'unordered' });
  await using subscriber = await start([hub.url, topic], await freePort());
  expect(subscriber.told.verified).toMatchObject([{ topic, state: 'active' }]);
  const titles = Array.from({ length: 40 }, (_, at) => `update ${at}`);
  await Promise.all(
    titles.map((title) => published(hub, topic, opened(title), { contentType: 'application/json' })),
  );
  await until('all are heard', () => heard.issues.length >= titles.length);
  expect(heard.issues).toHaveLength(titles.length);
  expect(new Set(heard.issues)).toEqual(new Set(titles));
});

it('S28 leases of seconds are renewed at the hub, and nothing is missed or heard twice', async () => {
  const topic = topics.topic();
  topic.contentType = 'application/json';
  await using subscriber = await start(topic.url, await freePort(), { leaseSeconds: 2 });
  const titles: string[] = [];
  for (let nr = 0; subscriber.told.renewed.length < 3; nr++) {
    titles.push(`nr ${nr}`);
    await update(topic, opened(`nr ${nr}`));
    await until(`nr ${nr} was handled`, () => heard.issues.includes(`nr ${nr}`));
    // Hundreds of updates are enough to meet every moment of a renewal.
    await pause(15);
  }
  expect(heard.issues).toEqual(titles);
  const callbacks = subscriber.told.renewed.map(({ callback }) => callback);
  expect(new Set(callbacks).size).toBe(callbacks.length);
  expect(new Set(subscriber.told.renewed.map(({ id }) => id)).size).toBe(1);
});

it('a hub that is killed and comes back delivers on, and nobody subscribes anew', async () => {
  const topic = topics.topic();
  topic.contentType = 'application/json';
  await using subscriber = await start(topic.url, await freePort());
  await update(topic, opened('before'));
  await until('the first was handled', () => heard.issues.length === 1);
  await hub.kill();
  await hub.restart();
  await update(topic, opened('after'));
  await until('the second was handled', () => heard.issues.includes('after'));
  expect(heard.issues.at(-1)).toBe('after');
  expect(subscriber.told.verified).toHaveLength(1);
});

it('S29 a subscription that is ended at its hub is given nothing more', async () => {
  const topic = topics.topic();
  topic.contentType = 'application/json';
  await using subscriber = await start(topic.url, await freePort());
  const [view] = await subscriber.listener.subscriptions.list();
  await subscriber.listener.subscriptions.unsubscribe(view?.id ?? '');
  await until('the hub has asked', () => subscriber.told.unsubscribed.length === 1);
  await using witness = await start(topic.url, await freePort(), { store: sqliteStore(':memory:') });
  await update(topic, opened('after the end'));
  await until('the other one heard', () => heard.issues.length > 0);
  expect(heard.issues).toEqual(['after the end']);
  expect(witness.told.verified).toHaveLength(1);
});

it('S23 a hub that refuses the topic after it accepted the request tells the class why', async () => {
  // This hub may connect to one loopback address only. "localhost" has others, so it refuses a topic there.
  const host = '127.0.0.2';
  const strict = await embedHub({ dev: false, flags: ['--allow-network', `${host}/32`] });
  const port = await freePort();
  const topic = 'http://localhost:9/topic';
  await using subscriber = await start([strict.url, topic], port, {
    host,
    publicUrl: `http://${host}:${port}/`,
  });
  await until('the denial came', () => heard.denials.length === 1);
  expect(heard.denials).toMatchObject([{ topic, subscription: { state: 'denied' } }]);
  expect(heard.denials[0]?.reason).toMatch(/topic/);
  expect(subscriber.told.verified).toEqual([]);
  await strict.stop();
});
