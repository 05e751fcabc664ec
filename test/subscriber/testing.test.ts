import { createServer } from 'node:http';
import {
  ConfigurationError,
  memoryStore,
  OnEvent,
  PayloadValidationError,
  SubscriberService,
  testSubscriber,
  type Notification,
  type StoredSubscription,
  type SubscriptionDenial,
  type SubscriptionStore,
  type SubscriptionVerification,
} from '@websub/subscriber';
import { FakeHub, storeContract, testSubscriber as fromTestingEntry } from '@websub/subscriber/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const DAY_MS = 86_400_000;
const Numbered = z.object({ n: z.number() });

@SubscriberService({ target: ['https://hub.example/', 'https://api.example/issues'], leaseSeconds: 86_400 })
class Issues {
  readonly seen: Notification[] = [];
  readonly denials: SubscriptionDenial[] = [];
  readonly verifications: SubscriptionVerification[] = [];
  readonly ready: string;

  constructor(ready = 'by default') {
    this.ready = ready;
  }

  @OnEvent({ header: ['X-Event', 'numbered'] }, Numbered)
  onNumbered(notification: Notification<{ n: number }>): void {
    this.seen.push(notification);
  }

  onEventNotification(notification: Notification): void {
    if (notification.headers.has('x-fail')) throw new Error('no luck');
    this.seen.push(notification);
  }

  onSubscriptionVerification(asked: SubscriptionVerification): boolean {
    this.verifications.push(asked);
    return asked.leaseSeconds !== 13;
  }

  onSubscriptionValidationDenied(denial: SubscriptionDenial): void {
    this.denials.push(denial);
  }
}

describe('testSubscriber', () => {
  it('is the same at the package and at its testing entry', () => {
    expect(fromTestingEntry).toBe(testSubscriber);
  });

  it('makes the service, with the arguments given', async () => {
    await using plain = await testSubscriber(Issues);
    await using withArgs = await testSubscriber(Issues, { args: ['by me'] });
    expect([plain.service.ready, withArgs.service.ready]).toEqual(['by default', 'by me']);
    expect(plain.service).toBeInstanceOf(Issues);
  });

  it('takes an instance instead', async () => {
    const instance = new Issues('before');
    await using test = await testSubscriber(Issues, { instance });
    await test.notify('hello');
    expect(test.service).toBe(instance);
    expect(instance.seen).toHaveLength(1);
  });

  it('lets options override those of the decorator', async () => {
    await using test = await testSubscriber(Issues, {
      config: { target: ['https://hub.example/', 'https://api.example/other'], secret: false },
    });
    await test.notify('hello');
    expect(test.service.seen[0]).toMatchObject({
      topic: 'https://api.example/other',
      signature: 'unsigned',
    });
  });

  it('rejects options that cannot work, with all that is wrong', async () => {
    const config = { leaseSeconds: -1, target: 'no url' };
    const error: unknown = await testSubscriber(Issues, { config }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).errors).toHaveLength(2);
  });

  it('gives a service without a target one, so that it can be notified', async () => {
    class Bare {
      readonly texts: string[] = [];
      onEventNotification(notification: Notification): void {
        this.texts.push(notification.text());
      }
    }
    await using test = await testSubscriber(Bare);
    expect(await test.notify('hello')).toMatchObject({ status: 202 });
    expect(test.service.texts).toEqual(['hello']);
  });

  it('subscribes also what would subscribe at run time only', async () => {
    await using test = await testSubscriber(Issues, { config: { subscribeOnStartUp: false } });
    expect((await test.notify('hello')).status).toBe(202);
  });

  it('discovers the hub of a resource without any network', async () => {
    await using test = await testSubscriber(Issues, { config: { target: 'https://blog.example/feed' } });
    expect(test.subscriptions).toMatchObject([{ topic: 'https://blog.example/feed', state: 'pending' }]);
    expect((await test.notify('<feed/>', { contentType: 'application/atom+xml' })).status).toBe(202);
  });

  it('starts its clock where it is told to', async () => {
    await using test = await testSubscriber(Issues, { now: new Date('2030-06-01T00:00:00Z') });
    await test.verify({ leaseSeconds: 60 });
    expect(test.subscriptions[0]?.expiresAt).toEqual(new Date('2030-06-01T00:01:00Z'));
  });
});

describe('verify', () => {
  it('is answered with the challenge, and makes the subscription active', async () => {
    await using test = await testSubscriber(Issues);
    expect(test.subscriptions).toMatchObject([{ state: 'pending', pending: 'subscribe' }]);
    const reply = await test.verify({ leaseSeconds: 60 });
    expect(reply.status).toBe(200);
    expect(test.service.verifications).toMatchObject([
      { mode: 'subscribe', expected: true, leaseSeconds: 60, challenge: reply.body },
    ]);
    expect(test.subscriptions).toMatchObject([{ state: 'active' }]);
  });

  it('of a topic or an end that nobody asked for is refused', async () => {
    await using test = await testSubscriber(Issues);
    expect((await test.verify({ topic: 'https://evil.example/' })).status).toBe(404);
    expect((await test.verify()).status).toBe(200);
    expect((await test.verify({ mode: 'unsubscribe' })).status).toBe(404);
    expect(test.subscriptions).toMatchObject([{ state: 'active' }]);
  });

  it('is refused where the handler refuses', async () => {
    await using test = await testSubscriber(Issues);
    expect((await test.verify({ leaseSeconds: 13 })).status).toBe(404);
    expect(test.subscriptions).toMatchObject([{ state: 'denied' }]);
  });
});

describe('deny', () => {
  it('reaches the handler with topic and reason, and ends the subscription', async () => {
    await using test = await testSubscriber(Issues);
    await test.verify();
    expect(await test.deny({ reason: 'unpaid' })).toEqual({ status: 200 });
    expect(test.service.denials).toMatchObject([
      { topic: 'https://api.example/issues', reason: 'unpaid', subscription: { state: 'denied' } },
    ]);
  });

  it('of another topic is refused', async () => {
    await using test = await testSubscriber(Issues);
    expect(await test.deny({ topic: 'https://evil.example/' })).toEqual({ status: 404 });
    expect(test.service.denials).toEqual([]);
  });
});

describe('notify', () => {
  it('tells the method that ran and what chose it', async () => {
    await using test = await testSubscriber(Issues);
    expect(await test.notify({ n: 1 }, { headers: { 'X-Event': 'numbered' } })).toEqual({
      status: 202,
      body: '',
      handler: 'onNumbered',
      matchedBy: 'header',
    });
    expect(await test.notify({ n: 1 })).toMatchObject({
      handler: 'onEventNotification',
      matchedBy: 'fallback',
    });
    expect(test.service.seen.map(({ payload }) => payload)).toEqual([{ n: 1 }, { n: 1 }]);
  });

  it('tells that no method takes it', async () => {
    class Deaf {}
    await using test = await testSubscriber(Deaf);
    expect(await test.notify({})).toEqual({ status: 202, body: '', handler: undefined, matchedBy: 'none' });
  });

  it('tells why a payload was refused, and by which method', async () => {
    await using test = await testSubscriber(Issues);
    const result = await test.notify({ n: 'one' }, { headers: { 'X-Event': 'numbered' } });
    expect(result).toMatchObject({ status: 422, handler: 'onNumbered', matchedBy: 'header' });
    expect(result.error).toBeInstanceOf(PayloadValidationError);
    expect((result.error as PayloadValidationError).issues[0]?.path).toEqual(['n']);
  });

  it('tells how a handler failed', async () => {
    await using test = await testSubscriber(Issues);
    const result = await test.notify('x', { headers: { 'X-Fail': '1' } });
    expect(result).toMatchObject({ status: 500, handler: 'onEventNotification' });
    expect(result.error).toMatchObject({ code: 'handler_failed' });
    expect(result.error?.message).toContain('no luck');
  });

  it.each([
    ['valid', 202],
    ['sha512', 202],
    ['invalid', 403],
    ['missing', 403],
  ] as const)('with a signature that is %s is answered %d', async (sign, status) => {
    await using test = await testSubscriber(Issues);
    expect((await test.notify('x', { sign })).status).toBe(status);
    expect(test.service.seen.map(({ signature }) => signature)).toEqual(status === 202 ? ['verified'] : []);
  });

  it.each([
    [{ a: 1 }, undefined, 'application/json', { a: 1 }],
    ['text', undefined, 'text/plain; charset=utf-8', 'text'],
    [Uint8Array.of(1, 2), undefined, 'application/octet-stream', Uint8Array.of(1, 2)],
    ['<feed/>', 'application/atom+xml', 'application/atom+xml', '<feed/>'],
    ['{"a":1}', 'application/ld+json', 'application/ld+json', { a: 1 }],
  ])('sends %o of type %s as %s', async (payload, contentType, sent, received) => {
    await using test = await testSubscriber(Issues);
    await test.notify(payload, contentType === undefined ? {} : { contentType });
    const [notification] = test.service.seen;
    expect(notification?.contentType).toBe(sent);
    expect(notification?.payload).toEqual(received instanceof Uint8Array ? Buffer.from(received) : received);
  });

  it('sends URLSearchParams as a form', async () => {
    await using test = await testSubscriber(Issues);
    await test.notify(new URLSearchParams({ a: 'ü' }));
    expect(String(test.service.seen[0]?.payload)).toBe('a=%C3%BC');
  });

  it('goes to the topic that is named', async () => {
    const hub = 'https://hub.example/';
    await using test = await testSubscriber(Issues, {
      config: {
        target: [
          { hub, topic: 'https://a.example/' },
          { hub, topic: 'https://b.example/' },
        ],
      },
    });
    await test.notify('1');
    await test.notify('2', { topic: 'https://b.example/' });
    expect(test.service.seen.map(({ topic }) => topic)).toEqual(['https://a.example/', 'https://b.example/']);
    await expect(test.notify('3', { topic: 'https://c.example/' })).rejects.toThrow('no subscription');
  });

  it('is handled once for one Webhook-Id', async () => {
    await using test = await testSubscriber(Issues);
    for (const status of [202, 202])
      expect((await test.notify('x', { headers: { 'Webhook-Id': 'one' } })).status).toBe(status);
    expect(test.service.seen).toHaveLength(1);
  });
});

describe('time in a test', () => {
  it('renews leases as they fall due, with a hub that verifies them', async () => {
    await using test = await testSubscriber(Issues);
    await test.verify();
    await test.advance(10 * DAY_MS);
    const [first] = test.subscriptions;
    expect(first?.state).toBe('active');
    expect(Number(first?.expiresAt)).toBeGreaterThan(Date.UTC(2026, 0, 11));
    expect((await test.notify('still there')).status).toBe(202);
  });

  it('ends a lease that nobody renews', async () => {
    class Once {
      #asked = 0;
      onSubscriptionVerification(): boolean {
        return this.#asked++ === 0;
      }
    }
    await using test = await testSubscriber(Once);
    await test.verify({ leaseSeconds: 3_600 });
    await test.advance(3_601_000);
    expect(test.subscriptions).toMatchObject([{ state: 'denied' }]);
  });

  it('passes the deadline of an answer, and tells whom it was early for', async () => {
    let finish = (): void => undefined;
    class Slow {
      onEventNotification(): Promise<void> {
        return new Promise((resolve) => (finish = resolve));
      }
    }
    await using test = await testSubscriber(Slow, { config: { ack: { deadlineMs: 5_000 } } });
    const answered = test.notify('x');
    await test.advance(5_000);
    expect(await answered).toMatchObject({ status: 202, handler: 'onEventNotification' });
    finish();
    await test.idle();
  });

  it('is waited for by idle: handlers answered for early, and what they left running', async () => {
    const done: string[] = [];
    class Early {
      async onEventNotification(notification: Notification): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        done.push('handler');
        notification.waitUntil(new Promise((resolve) => setImmediate(resolve)).then(() => done.push('work')));
      }
    }
    await using test = await testSubscriber(Early, { config: { ack: 'received' } });
    expect((await test.notify('x')).handler).toBe('onEventNotification');
    await test.idle();
    expect(done).toEqual(['handler', 'work']);
  });

  it('ends with the test: handlers are told by their signal', async () => {
    const test = await testSubscriber(Issues);
    await test.notify('x');
    const signal = test.service.seen[0]?.signal;
    expect(signal?.aborted).toBe(false);
    await test[Symbol.asyncDispose]();
    expect(signal?.aborted).toBe(true);
  });
});

describe('FakeHub', () => {
  it('subscribes nobody who does not echo the challenge', async () => {
    const server = createServer((_request, response) => response.end('not the challenge'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const callback = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
    await using hub = await FakeHub.start();
    const form = { 'hub.mode': 'subscribe', 'hub.callback': callback, 'hub.topic': 'https://t.example/' };
    const reply = await fetch(hub.url, { method: 'POST', body: new URLSearchParams(form) });
    expect(reply.status).toBe(202);
    expect(hub.verifications).toMatchObject([{ status: 200, body: 'not the challenge' }]);
    expect(() => hub.subscription).toThrow('0 subscriptions');
    expect(() => hub.subscriptionTo('https://t.example/')).toThrow('no subscription to');
    expect(hub.lastRequest).toMatchObject({ mode: 'subscribe', topic: 'https://t.example/' });
    server.close();
  });

  it('answers what is no request for a subscription 400', async () => {
    await using hub = await FakeHub.start();
    const publish = new URLSearchParams({ 'hub.mode': 'publish', 'hub.url': 'https://t.example/' });
    expect((await fetch(hub.url, { method: 'POST', body: publish })).status).toBe(400);
    expect(() => hub.lastRequest).toThrow('not asked');
  });
});

/** A store that works but for what `over` changes. */
function broken(over: (store: SubscriptionStore) => Partial<SubscriptionStore>): SubscriptionStore {
  const store = memoryStore();
  const whole: SubscriptionStore = {
    get: (id) => store.get(id),
    put: (subscription, version) => store.put(subscription, version),
    delete: (id) => store.delete(id),
    list: () => store.list(),
    claimDue: (before, owner, holdMs) => store.claimDue(before, owner, holdMs),
  };
  return { ...whole, ...over(store) };
}

async function failuresOf(open: () => SubscriptionStore): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { title, run } of storeContract) await run(open()).catch(() => failed.push(title));
  return failed;
}

describe('storeContract', () => {
  it('finds nothing wrong with a store that keeps its promises', async () => {
    expect(await failuresOf(memoryStore)).toEqual([]);
  });

  it.each<[string, string, () => SubscriptionStore]>([
    [
      'loses dates',
      'gives back what was put, dates and lists included',
      () =>
        broken((store) => ({
          get: async (id) => JSON.parse(JSON.stringify(await store.get(id))) as StoredSubscription,
        })),
    ],
    [
      'does not delete',
      'knows nothing of an id that was never put, or was deleted',
      () => broken(() => ({ delete: () => Promise.resolve() })),
    ],
    [
      'overwrites whatever is there',
      'refuses a write that was made from another version',
      () =>
        broken((store) => ({
          put: async (subscription) =>
            store.put(subscription, (await store.get(subscription.id))?.version ?? undefined),
        })),
    ],
    [
      'makes what was to be changed',
      'refuses a write over something that is not there',
      () =>
        broken((store) => ({
          put: async (subscription, version) =>
            store.put(subscription, (await store.get(subscription.id)) === undefined ? undefined : version),
        })),
    ],
    [
      'checks and writes in two steps',
      'lets one of many writers of the same version win',
      () =>
        broken((store) => ({
          put: async (subscription, version) => {
            const there = await store.get(subscription.id);
            await new Promise((resolve) => setImmediate(resolve));
            if (there?.version !== version) return false;
            return store.put(subscription, (await store.get(subscription.id))?.version);
          },
        })),
    ],
    ['lists nothing', 'lists all', () => broken(() => ({ list: () => memoryStore().list() }))],
    [
      'hands out all there is',
      'hands out what is due, and nothing else',
      () =>
        broken((store) => ({
          claimDue: async () => {
            const all: StoredSubscription[] = [];
            for await (const one of store.list()) all.push(one);
            return all;
          },
        })),
    ],
    [
      'knows no owners',
      'hands out nothing that another owner holds, until the hold ends',
      () => broken((store) => ({ claimDue: (before) => store.claimDue(before, 'everybody', 60_000) })),
    ],
    [
      'holds for ever',
      'releases a hold when the subscription is written',
      () => {
        const held = new Set<string>();
        return broken((store) => ({
          claimDue: async (before, owner, holdMs) => {
            const due = await store.claimDue(before, owner, holdMs);
            const free = due.filter(({ id }) => !held.has(id));
            for (const { id } of free) held.add(id);
            return free;
          },
        }));
      },
    ],
  ])('catches a store that %s', async (_what, title, open) => {
    expect(await failuresOf(open)).toContain(title);
  });
});
