import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { sign } from '@websub/shared';
import {
  memoryStore,
  RetryLater,
  SubscriptionGone,
  type Notification,
  type SubscriberHandlers,
  type SubscriberServiceOptions,
  type SubscriptionStore,
} from '@websub/subscriber';
import { Inbox, openWorld, until } from './world.js';

describe('a delivery', () => {
  it('S31 is answered 2xx, and reaches the handler with all that came', async () => {
    await using world = await openWorld();
    await world.start();
    const reply = await world.hub.deliver(world.hub.subscription, '{"n":1}', {
      contentType: 'application/json; charset=utf-8',
      headers: { 'webhook-id': 'id-1', 'hub-attempt': '3', 'x-event': 'opened' },
    });
    expect(reply).toMatchObject({ status: 202, body: '' });
    const [notification] = world.inbox.notifications;
    expect(notification).toMatchObject({
      topic: world.target[1],
      contentType: 'application/json; charset=utf-8',
      payload: { n: 1 },
      deliveryId: 'id-1',
      attempt: 3,
      signature: 'verified',
      subscription: { state: 'active', topic: world.target[1] },
    });
    expect(notification?.headers.get('X-Event')).toBe('opened');
    expect(notification?.links).toEqual([
      { rel: 'hub', href: world.hub.url },
      { rel: 'self', href: world.target[1] },
    ]);
    expect(notification?.json()).toEqual({ n: 1 });
    expect(Buffer.from(notification?.raw ?? []).toString()).toBe('{"n":1}');
  });

  it('S30 belongs to the subscription of its callback, whatever its Link header says', async () => {
    await using world = await openWorld();
    await world.start({
      target: [
        { hub: world.hub.url, topic: 'https://a.example/' },
        { hub: world.hub.url, topic: 'https://b.example/' },
      ],
    });
    const a = world.hub.subscriptionTo('https://a.example/');
    const link = '<https://hub.evil/>; rel="hub", <https://b.example/>; rel="self"';
    expect((await world.hub.deliver(a, '{}', { headers: { link } })).status).toBe(202);
    expect((await world.hub.deliver(a, '{}', { headers: { link: 'garbage' } })).status).toBe(202);
    expect(world.inbox.notifications.map(({ topic }) => topic)).toEqual([
      'https://a.example/',
      'https://a.example/',
    ]);
  });

  it('arrives byte for byte', async () => {
    await using world = await openWorld();
    await world.start();
    const bytes = Uint8Array.from({ length: 1_048_576 }, (_, at) => (at * 7919) % 256);
    await world.hub.deliver(world.hub.subscription, bytes, { contentType: 'image/x-unknown' });
    expect(Buffer.from(world.inbox.notifications[0]?.raw ?? []).equals(bytes)).toBe(true);
    expect(world.inbox.notifications[0]?.payload).toBeInstanceOf(Uint8Array);
  });

  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/ld+json', '[1]', [1]],
    ['application/json', 'no json', 'no json'],
    ['application/atom+xml', '<feed/>', '<feed/>'],
    ['text/plain; charset=iso-8859-1', Uint8Array.of(0xfc), 'ü'],
    ['text/plain; charset=no-such', 'ü', 'ü'],
  ])('of type %s is parsed and never refused', async (contentType, body, payload) => {
    await using world = await openWorld();
    await world.start();
    expect((await world.hub.deliver(world.hub.subscription, body, { contentType })).status).toBe(202);
    expect(world.inbox.notifications[0]?.payload).toEqual(payload);
  });

  it('of a form is parsed as its parameters', async () => {
    await using world = await openWorld();
    await world.start();
    await world.hub.deliver(world.hub.subscription, 'a=1&a=2', {
      contentType: 'application/x-www-form-urlencoded',
    });
    const payload = world.inbox.notifications[0]?.payload;
    expect(payload).toBeInstanceOf(URLSearchParams);
    expect(String(payload)).toBe('a=1&a=2');
  });

  it('S31 that is empty is one too', async () => {
    await using world = await openWorld();
    await world.start();
    expect((await world.hub.deliver(world.hub.subscription, '', { contentType: 'text/plain' })).status).toBe(
      202,
    );
    expect(world.inbox.texts).toEqual(['']);
  });

  it('longer than maxBodyBytes is answered 413, also where nobody said how long it is', async () => {
    await using world = await openWorld();
    await world.start({ maxBodyBytes: 1_000 });
    expect(
      (await world.hub.deliver(world.hub.subscription, 'x'.repeat(1_000), { contentType: 'text/plain' }))
        .status,
    ).toBe(202);
    expect(
      (await world.hub.deliver(world.hub.subscription, 'x'.repeat(1_001), { contentType: 'text/plain' }))
        .status,
    ).toBe(413);
    const chunked = new Blob(['x'.repeat(5_000)]).stream();
    const reply = await fetch(world.hub.subscription.callback, {
      method: 'POST',
      body: chunked,
      duplex: 'half',
    } as RequestInit);
    expect(reply.status).toBe(413);
    expect(world.inbox.notifications).toHaveLength(1);
  });

  it('S31, S32 to a subscription that was never verified is unknown, and to one that ended is gone', async () => {
    await using world = await openWorld({ hub: { verify: 'never' } });
    await world.start();
    const request = world.hub.lastRequest;
    const early = { callback: request.callback, topic: request.topic, secret: 'x', leaseSeconds: 1 };
    expect((await world.hub.deliver(early, '{}')).status).toBe(404);
    await world.hub.verify(request);
    const subscription = world.hub.subscription;
    const [view] = await world.listener.subscriptions.list();
    await world.listener.subscriptions.unsubscribe(view?.id ?? '');
    expect((await world.hub.deliver(subscription, '{}')).status).toBe(202);
    await world.hub.verify(world.hub.lastRequest);
    expect((await world.hub.deliver(subscription, '{}')).status).toBe(410);
    expect(world.inbox.notifications).toHaveLength(1);
  });

  it('S35 to a subscription that ended is told 410 after a day no more', async () => {
    await using world = await openWorld();
    await world.start();
    const subscription = world.hub.subscription;
    const [view] = await world.listener.subscriptions.list();
    await world.listener.subscriptions.unsubscribe(view?.id ?? '');
    expect((await world.hub.deliver(subscription, '{}')).status).toBe(410);
    await world.clock.advance(86_400_000);
    expect((await world.hub.deliver(subscription, '{}')).status).toBe(404);
    expect(await world.listener.subscriptions.list()).toEqual([]);
  });
});

describe('a signature', () => {
  it.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)(
    'S37, S38 by %s is checked by that method',
    async (method) => {
      await using world = await openWorld();
      await world.start();
      expect((await world.hub.deliver(world.hub.subscription, '{}', { signature: method })).status).toBe(202);
      expect(world.inbox.notifications).toHaveLength(1);
    },
  );

  it('S36 that is missing is refused, where a secret was sent', async () => {
    await using world = await openWorld();
    await world.start();
    expect((await world.hub.deliver(world.hub.subscription, '{}', { signature: 'none' })).status).toBe(403);
    expect(world.inbox.notifications).toEqual([]);
    expect(world.told.errors).toMatchObject([{ code: 'invalid_signature' }]);
  });

  it('S38, S39 that does not match is refused by neither 410 nor 5xx, and nobody is told the content', async () => {
    await using world = await openWorld();
    await world.start();
    const wrong = [
      'sha256=' + 'a'.repeat(64),
      'sha256=' + 'a'.repeat(63),
      'sha256=' + 'z'.repeat(64),
      'sha256=',
      'sha256',
      '=',
      'md5=' + 'a'.repeat(32),
      'constructor=' + 'a'.repeat(64),
      '__proto__=aa',
      'sha1=' + 'a'.repeat(64),
      'SHA512=' + 'a'.repeat(128),
      'sha256=' + 'a'.repeat(64) + ', sha256=' + 'a'.repeat(64),
      'sha256=ü',
      'x'.repeat(8_000),
    ];
    for (const value of wrong) {
      const reply = await world.hub.deliver(world.hub.subscription, '{}', {
        signature: { value: encodeURI(value) },
      });
      expect(reply.status).toBe(403);
    }
    expect(world.inbox.notifications).toEqual([]);
  });

  it('S39 of other bytes is refused', async () => {
    await using world = await openWorld();
    await world.start();
    const value = sign(Buffer.from('{"a":1}'), world.hub.subscription.secret ?? '');
    expect(
      (await world.hub.deliver(world.hub.subscription, '{"a": 1}', { signature: { value } })).status,
    ).toBe(403);
    expect(world.told.errors[0]?.message).toContain('its signature does not match.');
    expect(
      (await world.hub.deliver(world.hub.subscription, '{"a":1}', { signature: { value } })).status,
    ).toBe(202);
  });

  it('S40 that does not match is answered 202 where the options say so, and is dropped all the same', async () => {
    await using world = await openWorld();
    await world.start({ onBadSignature: 'ack' });
    expect((await world.hub.deliver(world.hub.subscription, '{}', { signature: 'none' })).status).toBe(202);
    expect(world.inbox.notifications).toEqual([]);
  });

  it('by sha1 is refused once a stronger one was seen', async () => {
    await using world = await openWorld();
    await world.start();
    await world.hub.deliver(world.hub.subscription, '{}', { signature: 'sha256' });
    expect((await world.hub.deliver(world.hub.subscription, '{}', { signature: 'sha1' })).status).toBe(403);
  });

  it('S21 by any of several live secrets counts', async () => {
    await using world = await openWorld();
    await world.start({ secret: ['new', 'old'] });
    for (const secret of ['new', 'old']) {
      expect((await world.hub.deliver({ ...world.hub.subscription, secret }, '{}')).status).toBe(202);
    }
    expect((await world.hub.deliver({ ...world.hub.subscription, secret: 'older' }, '{}')).status).toBe(403);
  });

  it("of another topic's delivery does not count", async () => {
    await using world = await openWorld();
    await world.start({
      target: [
        { hub: world.hub.url, topic: 'https://a.example/' },
        { hub: world.hub.url, topic: 'https://b.example/' },
      ],
    });
    const a = world.hub.subscriptionTo('https://a.example/');
    const b = world.hub.subscriptionTo('https://b.example/');
    expect((await world.hub.deliver({ ...b, secret: a.secret }, '{}')).status).toBe(403);
  });
});

describe('the answer', () => {
  /** A service whose handler does as the test says. */
  class Puppet {
    readonly seen: Notification[] = [];
    act: (notification: Notification) => unknown = () => undefined;

    onEventNotification(notification: Notification): never {
      this.seen.push(notification);
      // Whatever a handler in JavaScript may return.
      return this.act(notification) as never;
    }
  }

  async function puppetShow(options = {}, listener = {}) {
    const world = await openWorld({ listener });
    const puppet = new Puppet();
    await world.listener.attachWithConfig(puppet, { target: world.target, ...options });
    await world.listener.start();
    return {
      world,
      puppet,
      deliver: (headers = {}) => world.hub.deliver(world.hub.subscription, '{}', { headers }),
    };
  }

  it('S31 is what the handler says', async () => {
    const { world, puppet, deliver } = await puppetShow();
    await using _ = world;
    puppet.act = () => ({ status: 200, body: 'thanks', headers: { 'x-mine': '1' } });
    const reply = await deliver();
    expect(reply).toMatchObject({ status: 200, body: 'thanks' });
    expect(reply.header('x-mine')).toBe('1');
  });

  it('is 500 when the handler fails, so that the hub comes again, and the failure is told', async () => {
    const { world, puppet, deliver } = await puppetShow();
    await using _ = world;
    puppet.act = () => Promise.reject(new Error('no database'));
    expect((await deliver()).status).toBe(500);
    expect(world.told.errors).toMatchObject([
      { code: 'handler_failed', message: 'onEventNotification failed: no database' },
    ]);
  });

  it.each<[string, unknown]>([
    ['a header that no response can carry', { headers: { 'x-echo': '5 € off' } }],
    ['a header with a line break', { headers: { 'x-echo': 'a\nb: c' } }],
    ['a header whose name is none', { headers: { 'x echo': 'a' } }],
    ['a header that is no text', { headers: { 'x-echo': 5 } }],
    ['a status that is none', { status: 'later' }],
    ['a status of no final answer', { status: 101 }],
    ['a body that is no text', { body: { a: 1 } }],
  ])('is 500, and that is told, where the handler returns %s', async (_, result) => {
    await using world = await openWorld();
    const service = { onEventNotification: (): unknown => result } as SubscriberHandlers;
    await world.listener.attachWithConfig(service, { target: world.target });
    await world.listener.start();
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(500);
    const error = world.told.errors.map(({ code, message }) => [code, message]);
    expect(error).toEqual([['handler_failed', expect.stringContaining('onEventNotification failed')]]);
  });

  it('is 503 with Retry-After when the handler says later', async () => {
    const { world, puppet, deliver } = await puppetShow();
    await using _ = world;
    puppet.act = () => {
      throw new RetryLater(90);
    };
    const reply = await deliver();
    expect(reply.status).toBe(503);
    expect(reply.header('retry-after')).toBe('90');
    expect(world.told.errors).toEqual([]);
  });

  it('S35 is 410 when the handler gives the subscription up, and then for every delivery', async () => {
    const { world, puppet, deliver } = await puppetShow();
    await using _ = world;
    puppet.act = () => {
      throw new SubscriptionGone();
    };
    expect((await deliver()).status).toBe(410);
    expect((await deliver()).status).toBe(410);
    expect(puppet.seen).toHaveLength(1);
    expect(world.told.unsubscribed).toHaveLength(1);
    await world.clock.advance(10 * 86_400_000);
    expect(world.hub.requests).toHaveLength(1);
  });

  it('S33, S34 comes after five seconds at the latest, while the handler goes on', async () => {
    const { world, puppet, deliver } = await puppetShow();
    await using _ = world;
    let finish: (error: Error) => void = () => undefined;
    puppet.act = () => new Promise((_resolve, reject) => (finish = reject));
    const replying = deliver();
    await until(() => expect(puppet.seen).toHaveLength(1));
    await world.clock.advance(5_000);
    expect((await replying).status).toBe(202);
    finish(new Error('too late'));
    await until(() => expect(world.told.errors).toMatchObject([{ code: 'handler_failed' }]));
  });

  it('S34 comes before the handler runs, with ack: received', async () => {
    const { world, puppet, deliver } = await puppetShow({ ack: 'received' });
    await using _ = world;
    puppet.act = () => new Promise(() => undefined);
    expect((await deliver()).status).toBe(202);
    expect(puppet.seen).toHaveLength(1);
  });

  it.each<[string, SubscriberServiceOptions['ack']]>([
    ['with ack: received', 'received'],
    ['past its deadline', { deadlineMs: 1_000 }],
  ])('cannot be "later" any more once it was given, %s, and that is told', async (_, ack) => {
    await using world = await openWorld();
    let fail: ((error: Error) => void) | undefined;
    const service = { onEventNotification: () => new Promise<void>((_resolve, reject) => (fail = reject)) };
    await world.listener.attachWithConfig(service, { target: world.target, ...(ack && { ack }) });
    await world.listener.start();
    const delivering = world.hub.deliver(world.hub.subscription, '{}');
    await until(() => expect(fail).toBeDefined());
    await world.clock.advance(1_000);
    expect((await delivering).status).toBe(202);
    fail?.(new RetryLater(30));
    await until(() =>
      expect(world.told.errors).toMatchObject([
        { code: 'retry_later', message: expect.stringContaining("ack: 'handled'") as unknown },
      ]),
    );
  });

  it('waits for the handler as long as it takes, with ack: handled', async () => {
    const { world, puppet, deliver } = await puppetShow({ ack: 'handled' });
    await using _ = world;
    let finish: (result: unknown) => void = () => undefined;
    puppet.act = () => new Promise((resolve) => (finish = resolve));
    const replying = deliver();
    await until(() => expect(puppet.seen).toHaveLength(1));
    await world.clock.advance(60_000);
    finish({ status: 204 });
    expect((await replying).status).toBe(204);
  });

  it('is 202 and an unhandled event where no method takes the notification, or 404 where the options say so', async () => {
    await using world = await openWorld();
    await world.listener.attachWithConfig({}, { target: world.target, path: '/a' });
    await world.listener.attachWithConfig(
      { on: 1 },
      { target: [world.hub.url, 'https://b.example/'], path: '/b', onNoMatch: 'reject' },
    );
    await world.listener.start();
    const a = world.hub.subscriptionTo(world.target[1]);
    const b = world.hub.subscriptionTo('https://b.example/');
    expect((await world.hub.deliver(a, '{}')).status).toBe(202);
    expect((await world.hub.deliver(b, '{}')).status).toBe(404);
    expect(world.told.unhandled).toHaveLength(2);
  });

  it("to a delivery that comes again is the first one's, and the handler runs once", async () => {
    const { world, puppet, deliver } = await puppetShow();
    await using _ = world;
    puppet.act = () => ({ status: 200, body: `${puppet.seen.length}` });
    const replies = await Promise.all([
      deliver({ 'webhook-id': 'a' }),
      deliver({ 'webhook-id': 'a' }),
      deliver({ 'webhook-id': 'b' }),
    ]);
    expect(replies.map(({ body }) => body).toSorted()).toEqual(['1', '1', '2']);
    await world.clock.advance(86_400_000);
    await deliver({ 'webhook-id': 'a' });
    expect(puppet.seen).toHaveLength(3);
  });

  it('is given to what is older than what came before, too: a hub may deliver without order', async () => {
    const { world, puppet, deliver } = await puppetShow();
    await using _ = world;
    for (const at of [3, 1, 2, 1]) await deliver({ 'webhook-id': `id-${at}`, 'hub-cursor': `epoch.${at}` });
    expect(puppet.seen.map(({ headers }) => headers.get('hub-cursor'))).toEqual([
      'epoch.3',
      'epoch.1',
      'epoch.2',
    ]);
  });

  it('that failed is not remembered: the next attempt is handled', async () => {
    const { world, puppet, deliver } = await puppetShow();
    await using _ = world;
    puppet.act = () => {
      throw new Error('first');
    };
    expect((await deliver({ 'webhook-id': 'a' })).status).toBe(500);
    puppet.act = () => undefined;
    expect((await deliver({ 'webhook-id': 'a' })).status).toBe(202);
    expect(puppet.seen).toHaveLength(2);
  });

  it('goes by the key that the options give, or by none', async () => {
    const { world, puppet, deliver } = await puppetShow({
      dedupe: { key: (n: Notification) => n.headers.get('x-id') ?? undefined, ttlMs: 1_000 },
    });
    await using _ = world;
    for (const id of ['a', 'a', 'b']) await deliver({ 'x-id': id });
    expect(puppet.seen).toHaveLength(2);
    const other = await puppetShow({ dedupe: false });
    await using _other = other.world;
    for (const id of ['a', 'a']) await other.deliver({ 'webhook-id': id });
    expect(other.puppet.seen).toHaveLength(2);
  });

  it('is 503 with Retry-After when too much waits', async () => {
    const { world, puppet, deliver } = await puppetShow({ concurrency: 1, ack: 'received' });
    await using _ = world;
    puppet.act = () => new Promise(() => undefined);
    const replies = await Promise.all(Array.from({ length: 258 }, () => deliver()));
    expect(replies.map(({ status }) => status).filter((status) => status === 503)).toHaveLength(1);
    expect(replies.find(({ status }) => status === 503)?.header('retry-after')).toBe('10');
    expect(puppet.seen).toHaveLength(1);
  });

  it('comes in order for notifications of one key, while other keys go on', async () => {
    const { world, puppet, deliver } = await puppetShow({
      ack: 'received',
      orderBy: (n: Notification) => n.headers.get('x-key') ?? undefined,
    });
    await using _ = world;
    const finish: (() => void)[] = [];
    puppet.act = () => new Promise<void>((resolve) => finish.push(resolve));
    for (const key of ['a', 'a', 'b']) await deliver({ 'x-key': key });
    expect(puppet.seen.map(({ headers }) => headers.get('x-key'))).toEqual(['a', 'b']);
    finish[0]?.();
    await until(() => expect(puppet.seen).toHaveLength(3));
  });

  it('does not wait for waitUntil, whose failure is told', async () => {
    const { world, puppet, deliver } = await puppetShow();
    await using _ = world;
    puppet.act = (notification) => notification.waitUntil(Promise.reject(new Error('later')));
    expect((await deliver()).status).toBe(202);
    await until(() =>
      expect(world.told.errors).toMatchObject([{ code: 'handler_failed', message: 'waitUntil: later' }]),
    );
  });

  it('is 500 where a function of the options throws, and that is told', async () => {
    const { world, deliver } = await puppetShow({
      orderBy: () => {
        throw new Error('bad key');
      },
    });
    await using _ = world;
    expect((await deliver()).status).toBe(500);
    expect(world.told.errors).toMatchObject([{ code: 'handler_failed' }]);
  });
});

describe('a delivery that the store fails at', () => {
  /** A store of which one method may fail. */
  function breakable(): {
    readonly store: SubscriptionStore;
    readonly breakBy: (method: 'get' | 'put') => void;
  } {
    let broken = 'nothing';
    const inner = memoryStore();
    const reached = (name: string): Promise<void> =>
      name === broken ? Promise.reject(new Error('disk gone')) : Promise.resolve();
    const store: SubscriptionStore = {
      get: (id) => reached('get').then(() => inner.get(id)),
      put: (...values) => reached('put').then(() => inner.put(...values)),
      delete: (id) => inner.delete(id),
      list: () => inner.list(),
      claimDue: (...values) => inner.claimDue(...values),
    };
    return { store, breakBy: (method) => (broken = method) };
  }

  it.each(['get', 'put'] as const)('by %s is answered 500, and that is told', async (method) => {
    const { store, breakBy } = breakable();
    await using world = await openWorld({ listener: { store } });
    await world.start();
    breakBy(method);
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(500);
    expect(world.told.errors).toMatchObject([{ message: expect.stringContaining('disk gone') as unknown }]);
    const request = new Request(world.hub.subscription.callback, { method: 'GET' });
    expect((await world.listener.fetch(request)).status).toBe(method === 'get' ? 500 : 404);
    expect(world.inbox.notifications).toEqual([]);
  });

  it('is answered 500 where a function of the options throws as well, and ends no process', async () => {
    const unhandled = vi.fn<(reason: unknown) => void>();
    process.on('unhandledRejection', unhandled);
    onTestFinished(() => void process.off('unhandledRejection', unhandled));
    const { store, breakBy } = breakable();
    await using world = await openWorld({ listener: { store } });
    await world.start({
      orderBy: () => {
        throw new Error('bad key');
      },
    });
    breakBy('put');
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(500);
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
  });
});

it('keeps the order in which deliveries of one key came, however long the store takes', async () => {
  let slow: (() => void) | undefined;
  const store = memoryStore();
  const put = store.put.bind(store);
  let holding = false;
  store.put = async (...values) => {
    // Only the first is held up, as a write over a network may be.
    if (holding) {
      holding = false;
      await new Promise<void>((resolve) => (slow = resolve));
    }
    return put(...values);
  };
  await using world = await openWorld({ listener: { store } });
  await world.start({ orderBy: () => 'one key' });
  holding = true;
  const first = world.hub.deliver(world.hub.subscription, '"first"');
  await until(() => expect(slow).toBeDefined());
  const { secret = '', callback } = world.hub.subscription;
  let answered = false;
  const second = world.listener
    .fetch(
      new Request(callback, {
        method: 'POST',
        body: '"second"',
        headers: {
          'content-type': 'application/json',
          'x-hub-signature': sign(Buffer.from('"second"'), secret),
        },
      }),
    )
    .finally(() => (answered = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect([answered, world.inbox.texts]).toEqual([false, []]);
  slow?.();
  expect([(await first).status, (await second).status]).toEqual([202, 202]);
  expect(world.inbox.texts).toEqual(['"first"', '"second"']);
});

it('answers 415 to a delivery that is compressed, before it reads it, and tells so', async () => {
  await using world = await openWorld();
  await world.start();
  const body = gzipSync('{"a":1}');
  const headers = { 'content-encoding': 'gzip' };
  const reply = await world.hub.deliver(world.hub.subscription, body, { headers });
  expect([reply.status, reply.header('accept-encoding')]).toEqual([415, 'identity']);
  expect(world.told.errors).toMatchObject([
    { code: 'unsupported_media_type', message: expect.stringContaining('gzip') as unknown },
  ]);
  const plain = { headers: { 'content-encoding': 'identity' } };
  expect((await world.hub.deliver(world.hub.subscription, '{"a":1}', plain)).status).toBe(202);
  expect(world.inbox.texts).toEqual(['{"a":1}']);
});

it('counts lastDeliveryAt by the deliveries that were taken', async () => {
  await using world = await openWorld();
  await world.start();
  await world.clock.advance(5_000);
  await world.hub.deliver(world.hub.subscription, '{}', { signature: 'none' });
  expect((await world.listener.subscriptions.list())[0]?.lastDeliveryAt).toBeUndefined();
  await world.hub.deliver(world.hub.subscription, '{}');
  expect((await world.listener.subscriptions.list())[0]?.lastDeliveryAt).toEqual(new Date(world.clock.now()));
  expect(new Inbox().texts).toEqual([]);
});
