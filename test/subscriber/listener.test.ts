import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import express from 'express';
import { describe, expect, it } from 'vitest';
import {
  ConfigurationError,
  memoryStore,
  RetryLater,
  SubscriberListener,
  SubscriberService,
  type Notification,
  type SubscriberServiceOptions,
} from '@websub/subscriber';
import { FakeHub } from '@websub/subscriber/testing';
import { freePort } from '../support/free-port.js';
import { Inbox, openWorld, silent, Told, until } from './world.js';

const TOPIC = 'https://p.example/feed';

describe("a listener on a server of the user's", () => {
  it('takes callbacks and leaves other requests to the others', async () => {
    await using hub = await FakeHub.start();
    const server = createServer((request, response) => {
      if (request.url === '/mine') response.end('mine');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await using listener = new SubscriberListener(server, { logger: silent });
    const inbox = new Inbox();
    await listener.attachWithConfig(inbox, { target: [hub.url, TOPIC] });
    await listener.start();
    expect((await hub.deliver(hub.subscription, '{}')).status).toBe(202);
    const { origin } = new URL(hub.subscription.callback);
    expect(await (await fetch(`${origin}/mine`)).text()).toBe('mine');
    await listener.gracefulStop();
    expect((await hub.deliver(hub.subscription, '{}')).status).toBe(503);
    expect(server.listening).toBe(true);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('comes before an app that answers 404 to all it does not know, whichever was there first', async () => {
    const notMine = (_: IncomingMessage, response: ServerResponse): void =>
      void response.writeHead(404).end('no such page');
    for (const isFirst of [true, false]) {
      await using hub = await FakeHub.start();
      const server = isFirst ? createServer(notMine) : createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      await using listener = new SubscriberListener(server, { logger: silent });
      if (!isFirst) server.on('request', notMine);
      const inbox = new Inbox();
      await listener.attachWithConfig(inbox, { target: [hub.url, TOPIC] });
      await listener.start();
      expect((await hub.deliver(hub.subscription, '{}')).status).toBe(202);
      const { origin } = new URL(hub.subscription.callback);
      expect(await (await fetch(`${origin}/x`)).text()).toBe('no such page');
      expect(await (await fetch(`${origin}/websub-${'x'.repeat(24)}`)).text()).toBe('no such page');
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('shares it with another listener', async () => {
    await using hub = await FakeHub.start();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await using first = new SubscriberListener(server, { logger: silent });
    await using second = new SubscriberListener(server, { logger: silent });
    const inboxes = [new Inbox(), new Inbox()];
    await first.attachWithConfig(inboxes[0] ?? {}, { target: [hub.url, TOPIC] });
    await second.attachWithConfig(inboxes[1] ?? {}, { target: [hub.url, `${TOPIC}/2`] });
    await Promise.all([first.start(), second.start()]);
    for (const topic of [TOPIC, `${TOPIC}/2`])
      expect((await hub.deliver(hub.subscriptionTo(topic), '{}')).status).toBe(202);
    expect(inboxes.map(({ texts }) => texts)).toEqual([['{}'], ['{}']]);
    const { origin } = new URL(hub.subscriptionTo(TOPIC).callback);
    for (const path of ['x', `websub-${'x'.repeat(24)}`])
      expect((await fetch(`${origin}/${path}`)).status).toBe(404);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it.each(['/orders/507f1f77bcf86cd799439011', '/articles/all-about-websub-callbac'])(
    'leaves %s to the others before the start, while it is open, after the stop, and on a store that fails',
    async (path) => {
      const store = memoryStore();
      const server = createServer((_, response) => response.end('mine'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      await using listener = new SubscriberListener(server, { logger: silent, store });
      const { port } = server.address() as { port: number };
      const visit = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
      expect(await visit()).toBe('mine');
      await listener.start();
      store.get = () => Promise.reject(new Error('the disk is gone'));
      expect(await visit()).toBe('mine');
      await listener.gracefulStop();
      expect(await visit()).toBe('mine');
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  );

  it('answers 404 itself where nobody else listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await using listener = new SubscriberListener(server, { logger: silent });
    await listener.start();
    const { port } = server.address() as { port: number };
    expect((await fetch(`http://127.0.0.1:${port}/x`)).status).toBe(404);
    await new Promise((resolve) => server.close(resolve));
  });

  it('says what to do when the server does not listen yet', async () => {
    const listener = new SubscriberListener(createServer(), { logger: silent });
    await expect(listener.start()).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('call listen first') as unknown,
    });
  });
});

describe('a listener on an express app', () => {
  /** An app with a listener, a hub that knows it, and what the app is put together of. */
  async function served(build: (app: express.Express, make: () => SubscriberListener) => void) {
    const hub = await FakeHub.start();
    const app = express();
    const port = await freePort();
    let listener: SubscriberListener | undefined;
    build(
      app,
      () =>
        (listener = new SubscriberListener(app, {
          publicUrl: `http://127.0.0.1:${port}/websub`,
          logger: silent,
        })),
    );
    if (listener === undefined) throw new Error('no listener was made');
    const server = app.listen(port, '127.0.0.1');
    const inbox = new Inbox();
    const told = new Told(listener);
    await listener.attachWithConfig(inbox, { target: [hub.url, TOPIC], path: '/issues' });
    const made = listener;
    return {
      hub,
      inbox,
      told,
      url: `http://127.0.0.1:${port}`,
      listener: made,
      async [Symbol.asyncDispose]() {
        await made.gracefulStop();
        await hub.close();
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  it('has the raw body, before the body parsers, and the app has the rest', async () => {
    await using world = await served((app, make) => {
      const listener = make();
      // As the documentation of many frameworks has it; a second mount harms nothing.
      app.use('/websub', listener.handler());
      app.use(express.json());
      app.post('/mine', (request, response) => void response.json(request.body));
      app.get('/websub/page', (_, response) => void response.send('a page'));
    });
    await world.listener.start();
    expect(world.hub.subscription.callback).toMatch(/\/websub\/issues\/websub-[\w-]{24}$/);
    expect((await world.hub.deliver(world.hub.subscription, '{"a":  1}')).status).toBe(202);
    expect(world.inbox.texts).toEqual(['{"a":  1}']);
    const mine = await fetch(`${world.url}/mine`, {
      method: 'POST',
      body: '{"b":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await mine.json()).toEqual({ b: 1 });
    expect(await (await fetch(`${world.url}/websub/page`)).text()).toBe('a page');
    expect((await fetch(`${world.url}/websub/other`)).status).toBe(404);
  });

  it('takes the bytes that express.raw has read', async () => {
    await using world = await served((app, make) => {
      app.use(express.raw({ type: '*/*' }));
      make();
    });
    await world.listener.start();
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(202);
  });

  it('takes the bytes that express.json was told to keep, whatever it made of them', async () => {
    await using world = await served((app, make) => {
      const verify = (request: object, _: unknown, rawBody: Buffer): void =>
        void Object.assign(request, { rawBody });
      app.use(express.json({ verify }));
      make();
    });
    await world.listener.start();
    expect((await world.hub.deliver(world.hub.subscription, '{"a":  1}')).status).toBe(202);
    expect(world.inbox.texts).toEqual(['{"a":  1}']);
  });

  it.each([
    ['json', express.json()],
    ['text', express.text({ type: '*/*' })],
  ])('says at the first delivery when express.%s was before it', async (_, parser) => {
    await using world = await served((app, make) => {
      app.use(parser);
      make();
    });
    await world.listener.start();
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(500);
    expect(world.told.errors).toMatchObject([
      { code: 'invalid_configuration', message: expect.stringContaining('before express.json()') as unknown },
    ]);
    expect(world.inbox.notifications).toEqual([]);
  });

  it('takes a delivery whose empty body a parser before it has seen the end of', async () => {
    await using world = await served((app, make) => {
      app.use(express.json());
      make();
    });
    await world.listener.start();
    expect((await world.hub.deliver(world.hub.subscription, '')).status).toBe(202);
    expect(world.inbox.texts).toEqual(['']);
  });

  it('needs a public URL', () => {
    expect(() => new SubscriberListener(express())).toThrow(ConfigurationError);
  });
});

describe('a listener behind the Fetch standard', () => {
  it('takes requests and gives responses', async () => {
    await using hub = await FakeHub.start({ verify: 'never' });
    const app = express();
    await using listener = new SubscriberListener(app, { publicUrl: 'http://127.0.0.1:1/', logger: silent });
    const inbox = new Inbox();
    await listener.attachWithConfig(inbox, { target: [hub.url, TOPIC], secret: false });
    await listener.start();
    const { callback } = hub.lastRequest;
    const query = new URLSearchParams({
      'hub.mode': 'subscribe',
      'hub.topic': TOPIC,
      'hub.challenge': 'abc',
      'hub.lease_seconds': '60',
    });
    const verification = await listener.fetch(new Request(`${callback}?${query.toString()}`));
    expect([verification.status, await verification.text()]).toEqual([200, 'abc']);
    const delivery = await listener.fetch(
      new Request(callback, { method: 'POST', body: 'hello', headers: { 'content-type': 'text/plain' } }),
    );
    expect([delivery.status, inbox.texts]).toEqual([202, ['hello']]);
    expect((await listener.fetch(new Request('http://127.0.0.1:1/other'))).status).toBe(404);
    const long = await listener.fetch(new Request(callback, { method: 'POST', body: 'x'.repeat(6_000_000) }));
    expect(long.status).toBe(413);
  });
});

describe('attaching', () => {
  it('rejects with everything that is wrong with the options', async () => {
    await using world = await openWorld();
    const attaching = world.listener.attachWithConfig(new Inbox(), {
      target: 'not a url',
      callback: '/relative',
      secret: 'x'.repeat(200),
      leaseSeconds: -1,
      topicIdentifier: 'TOPIC_ID_HEADER',
      headerResourceMap: { a: ['onA'] },
    });
    const error: unknown = await attaching.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).errors.map(({ message }) => message)).toEqual([
      'target has a control character or a space: percent-encode it',
      'callback is not a URL: send an absolute http or https URL',
      'hub.secret has 200 bytes: it must be shorter than 200 bytes',
      'leaseSeconds is not a positive integer: give one, or leave it out',
      'a table goes by a header: name the header in topicHeader',
      'header (topicHeader): a names onA: the class has no such method',
    ]);
  });

  it('refuses an empty list of secrets, which would turn signatures off', async () => {
    await using world = await openWorld();
    const config: SubscriberServiceOptions = JSON.parse('{ "secret": [] }') as SubscriberServiceOptions;
    await expect(world.listener.attachWithConfig(world.inbox, config)).rejects.toThrow(
      'secret is an empty list',
    );
  });

  it.each([
    [{ tagret: 'https://a.example/' }, 'tagret is no option'],
    [{ target: 5 }, 'target does not fit'],
    [{ target: null }, 'target does not fit'],
    [{ target: [null] }, 'target does not fit'],
    [{ target: {} }, 'target does not fit'],
    [{ path: 5 }, 'path does not fit'],
    [{ secret: null }, 'secret does not fit'],
    [{ ack: 'recieved' }, 'ack does not fit'],
    [{ onNoMatch: 'refuse' }, 'onNoMatch does not fit'],
    [{ renewal: 'never' }, 'renewal does not fit'],
    [{ httpConfig: { timeoutMs: -1 } }, 'httpConfig.timeoutMs does not fit'],
    [{ httpConfig: { maxRedirects: -1 } }, 'httpConfig.maxRedirects does not fit'],
    [{ httpConfig: { retry: { attempts: 0 } } }, 'httpConfig.retry.attempts does not fit'],
    [{ discoveryConfig: { language: 'da' } }, 'discoveryConfig.language is no option'],
    [{ appendServicePath: true }, 'appendServicePath needs a callback'],
    [{ customHeaders: { 'bad name': 'x' } }, 'customHeaders does not fit'],
    [{ customHeaders: { a: 'x\ny' } }, 'customHeaders does not fit'],
    [{ customParams: { 'hub.mode': 'unsubscribe' } }, 'without the parameters of WebSub'],
  ])('refuses what does not compile as well: %j', async (config: object, why) => {
    await using world = await openWorld();
    const attaching = world.listener.attachWithConfig(world.inbox, config);
    await expect(attaching).rejects.toBeInstanceOf(ConfigurationError);
    await expect(attaching).rejects.toThrow(why);
  });

  it('refuses options of the listener that there are none of, and says which there are', () => {
    const options: object = { publicURL: 'https://me.example/', renewAfter: 5 };
    expect(() => new SubscriberListener(0, options)).toThrow(ConfigurationError);
    expect(() => new SubscriberListener(0, options)).toThrow(
      /publicURL is no option of a listener: use publicUrl, .*renewAfter is no option/s,
    );
  });

  it.each([
    [{ store: './subscriptions.db' }, 'store does not fit: give memoryStore(), sqliteStore(path)'],
    [{ logger: 'info' }, 'logger does not fit: give pino, console'],
    [{ container: {} }, 'container does not fit'],
    [{ publicUrl: new URL('https://me.example/') }, 'publicUrl does not fit: give a URL, or a function'],
    [{ gracefulShutdownPeriod: '20' }, 'gracefulShutdownPeriod does not fit: give a number'],
    [{ signals: 'SIGTERM' }, 'signals does not fit: give true or false'],
  ])('refuses an option of the listener that does not compile as well: %j', (options: object, why) => {
    expect(() => new SubscriberListener(0, options)).toThrow(ConfigurationError);
    expect(() => new SubscriberListener(0, options)).toThrow(why);
  });

  it.each([
    ['9090', '"9090"'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{}, 'object'],
  ])('refuses to be made on %j, and says on what it is', (on: unknown, name) => {
    const make = (): unknown => new SubscriberListener(on as number, { publicUrl: 'https://me.example/' });
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(`not made on ${name}: give a port, a server or an express app`);
  });

  it.each([
    [
      'whose decorator was forgotten',
      new (class Feed {
        onEventNotification(): void {}
      })(),
      {},
      'Feed has no options: decorate its class with @SubscriberService, use attachWithConfig, or subscribe it at run time',
    ],
    [
      'whose method is spelt wrong',
      new (class Feed {
        onEventNotificaton(): void {}
      })(),
      { path: '/feed' },
      '/feed has no method that takes updates: add onEventNotification, or name a method by @OnEvent or in a table',
    ],
  ])('warns of a service %s', async (_, service, options, warning) => {
    const warned: string[] = [];
    const logger = { ...silent, warn: (_fields: object, message: string) => void warned.push(message) };
    await using listener = new SubscriberListener(0, { logger });
    await listener.attachWithConfig(service, options);
    expect(warned).toEqual([warning]);
  });

  it('refuses what is no service, no method, no port and no time', async () => {
    await using world = await openWorld();
    const nothing: unknown = null;
    for (const none of [nothing, () => undefined])
      await expect(world.listener.attach(none as object)).rejects.toThrow('an object or a class');
    const wrong: object = { onEventNotification: 5 };
    await expect(world.listener.attach(wrong)).rejects.toThrow('onEventNotification is no method');
    for (const port of [-1, 70_000, 1.5])
      expect(() => new SubscriberListener(port)).toThrow('give one from 0 to 65535');
    expect(() => new RetryLater(Number.NaN)).toThrow(ConfigurationError);
    await expect(
      world.listener
        .attach(world.inbox)
        .then(() => world.listener.subscriptions.subscribe(world.inbox, nothing as string)),
    ).rejects.toThrow('target does not fit');
  });

  it('refuses a service twice, and two of one name', async () => {
    await using world = await openWorld();
    await world.listener.attach(world.inbox);
    await expect(world.listener.attach(world.inbox)).rejects.toThrow('attached already');
    await expect(world.listener.attach(new Inbox())).rejects.toThrow('give each a path');
    await world.listener.attach(new Inbox(), '/other');
  });

  it('refuses one callback for several targets', async () => {
    await using world = await openWorld();
    const options = {
      callback: 'https://me.example/cb',
      target: [{ resource: 'https://a.example/' }, { resource: 'https://b.example/' }],
    };
    await expect(world.listener.attachWithConfig(world.inbox, options)).rejects.toThrow(
      'one callback serves one target',
    );
  });

  it('makes services that are classes, by a container where there is one', async () => {
    await using hub = await FakeHub.start();
    const notified: string[] = [];
    @SubscriberService({ target: [hub.url, TOPIC] })
    class Decorated {
      readonly #name: string;

      constructor(name = 'plain') {
        this.#name = name;
      }

      onEventNotification(notification: Notification): void {
        notified.push(`${this.#name} ${notification.text()}`);
      }
    }
    class Container {
      static get<T>(): T {
        return new Decorated('injected by a class') as T;
      }
    }
    for (const container of [
      undefined,
      Container,
      { get: <T>(): Promise<T> => Promise.resolve(new Decorated('injected') as T) },
    ]) {
      await using listener = new SubscriberListener(0, {
        logger: silent,
        ...(container === undefined ? {} : { container }),
      });
      await listener.attach(Decorated);
      await listener.start();
      await hub.deliver([...hub.subscriptions.values()].at(-1) ?? hub.subscription, 'hi', {
        contentType: 'text/plain',
      });
    }
    expect(notified).toEqual(['plain hi', 'injected by a class hi', 'injected hi']);
  });
});

describe('stopping', () => {
  it('gracefully leaves the subscriptions for the next start, and answers hubs 503 meanwhile', async () => {
    await using world = await openWorld({ port: await freePort() });
    await world.start();
    await world.listener.gracefulStop();
    await world.listener.gracefulStop();
    expect(world.hub.requests).toHaveLength(1);
    const request = new Request(world.hub.subscription.callback, { method: 'POST' });
    expect((await world.listener.fetch(request)).status).toBe(503);
    await world.listener.start();
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(202);
    expect(world.hub.requests).toHaveLength(1);
  });

  it('gracefully ends the subscriptions where the options say so, while their hubs can still verify it', async () => {
    await using world = await openWorld({ hub: { verify: 'after' } });
    const attached = await world.listener.attachWithConfig(world.inbox, {
      target: world.target,
      unsubscribeOnShutdown: true,
    });
    await world.listener.start();
    await attached.verified();
    await world.listener.gracefulStop();
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
    expect(world.hub.requests.map(({ mode }) => mode)).toEqual(['subscribe', 'unsubscribe']);
    expect(world.told.unsubscribed).toHaveLength(1);
  });

  it('gracefully waits for handlers, and not for ever', async () => {
    await using world = await openWorld({ listener: { gracefulShutdownPeriod: 10_000 } });
    const seen: Notification[] = [];
    const service = {
      onEventNotification(notification: Notification) {
        seen.push(notification);
        return new Promise<void>((_, reject) => {
          notification.signal.addEventListener('abort', () => reject(new Error('told to stop')));
        });
      },
    };
    await world.listener.attachWithConfig(service, { target: world.target, ack: 'received' });
    await world.listener.start();
    await world.hub.deliver(world.hub.subscription, '{}');
    let stopped = false;
    const stopping = world.listener.gracefulStop().then(() => (stopped = true));
    await world.clock.advance(9_999);
    expect([stopped, seen[0]?.signal.aborted]).toEqual([false, false]);
    await world.clock.advance(1);
    await stopping;
    expect(seen[0]?.signal.aborted).toBe(true);
    await until(() =>
      expect(world.told.errors).toMatchObject([{ message: 'onEventNotification failed: told to stop' }]),
    );
  });

  it('at once tells handlers and cuts off connections', async () => {
    await using world = await openWorld();
    await world.start();
    const { port } = new URL(world.hub.subscription.callback);
    await world.listener.immediateStop();
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
  });

  it('on SIGTERM, where the options say so', async () => {
    await using world = await openWorld({ listener: { signals: true } });
    await world.start({ unsubscribeOnShutdown: true });
    process.emit('SIGTERM');
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
  });
});

it('says what to do when its port is taken', async () => {
  await using world = await openWorld();
  await world.start();
  const port = Number(new URL(world.hub.subscription.callback).port);
  const second = new SubscriberListener(port, { logger: silent });
  await expect(second.start()).rejects.toMatchObject({
    code: 'invalid_configuration',
    message: expect.stringContaining(`port ${port}`) as unknown,
  });
});

it('says that it is the address which this machine does not have', async () => {
  const listener = new SubscriberListener(0, { host: '203.0.113.7', logger: silent });
  await expect(listener.start()).rejects.toMatchObject({
    code: 'invalid_configuration',
    message: expect.stringMatching(
      /^host 203\.0\.113\.7 cannot be listened on \(EADDRNOTAVAIL\): /,
    ) as unknown,
  });
});

it('logs no secret, no callback and no query', async () => {
  const lines: string[] = [];
  const log = (fields: object, message: string): void => void lines.push(JSON.stringify(fields) + message);
  await using world = await openWorld({
    listener: { logger: { debug: log, info: log, warn: log, error: log } },
  });
  await world.start({ target: [`${world.hub.url}?key=s3cret`, 'https://p.example/feed?token=s3cret'] });
  const { callback, secret, topic } = world.hub.subscription;
  await world.hub.deliver(world.hub.subscription, 'body-s3cret', { signature: 'none' });
  await world.hub.deny(callback, topic, 'line\r\nbreak');
  expect(lines.length).toBeGreaterThan(2);
  const id = new URL(callback).pathname.slice(1);
  for (const planted of ['s3cret', secret ?? '', id, '\n', '\r']) {
    expect(lines.filter((line) => line.includes(planted))).toEqual([]);
  }
});

it('goes on when a listener of an event throws', async () => {
  await using world = await openWorld();
  world.listener.on('verified', () => {
    throw new Error('mine');
  });
  await world.start();
  expect(world.told.verified).toHaveLength(1);
});
