import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { Inbox, openWorld, Site, until } from './world.js';
import { FakeHub } from '@websub/subscriber/testing';

describe('a subscription request', () => {
  it('S5, S6, S8 is a form by POST with mode, topic and callback', async () => {
    await using world = await openWorld();
    await world.start();
    const [request] = world.hub.requests;
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(request).toMatchObject({ mode: 'subscribe', topic: world.target[1] });
    expect(request?.callback).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
  });

  it('S7 is UTF-8', async () => {
    await using world = await openWorld();
    await world.start({ customParams: { who: 'Ærøskøbing ✓' } });
    expect(world.hub.requests[0]?.form.get('who')).toBe('Ærøskøbing ✓');
  });

  it('S10 asks for the lease that the options name, and for none otherwise', async () => {
    await using world = await openWorld();
    await world.start({ leaseSeconds: 86_400 });
    await world.listener.attachWithConfig(new Inbox(), { target: world.target, path: '/other' });
    expect(world.hub.requests.map(({ form }) => form.get('hub.lease_seconds'))).toEqual(['86400', null]);
  });

  it('S11, S14 carries a secret of 256 random bits, another one for each subscription', async () => {
    await using world = await openWorld();
    await world.start({
      target: [
        { hub: world.hub.url, topic: 'https://a.example/' },
        { hub: world.hub.url, topic: 'https://b.example/' },
      ],
    });
    const secrets = world.hub.requests.map(({ form }) => form.get('hub.secret'));
    expect(secrets).toEqual([expect.stringMatching(/^[\w-]{43}$/), expect.stringMatching(/^[\w-]{43}$/)]);
    expect(new Set(secrets).size).toBe(2);
  });

  it('is made once for a target that the options give twice, and reported once', async () => {
    await using world = await openWorld();
    const [hub, topic] = world.target;
    const { subscribed } = await world.start({
      target: [
        { hub, topic },
        { hub: [hub], topic },
      ],
    });
    expect(subscribed).toMatchObject([{ hub, topic }]);
    expect(world.hub.requests).toHaveLength(1);
  });

  it('S11 carries the secret that the options give, the first of several', async () => {
    await using world = await openWorld();
    await world.start({ secret: ['new', 'old'] });
    expect(world.hub.requests[0]?.form.get('hub.secret')).toBe('new');
  });

  it('asks for a signature that holds against replays, where there is a secret', async () => {
    await using world = await openWorld();
    await world.start({ secret: 's' });
    expect(world.hub.requests[0]?.form.get('hub.webhook_signature')).toBe('v1');
  });

  it('S11, S21 carries no secret where the options say so', async () => {
    await using world = await openWorld();
    await world.start({ secret: false });
    expect(world.hub.requests[0]?.form.has('hub.secret')).toBe(false);
    expect(world.hub.requests[0]?.form.has('hub.webhook_signature')).toBe(false);
    expect((await world.hub.deliver(world.hub.subscription, 'x', { contentType: 'text/plain' })).status).toBe(
      202,
    );
    expect(world.inbox.notifications[0]?.signature).toBe('unsigned');
  });

  it('S12 never carries a secret of 200 bytes and more', async () => {
    await using world = await openWorld();
    const refusal = {
      code: 'invalid_configuration',
      message: expect.stringContaining('shorter than 200 bytes') as unknown,
    };
    await expect(world.start({ secret: 'ü'.repeat(100) })).rejects.toMatchObject(refusal);
    await world.start({ secret: 'ü'.repeat(99) });
    expect(world.hub.subscription.secret).toBe('ü'.repeat(99));
  });

  it('S13 warns when a secret goes to a hub of the network without TLS', async () => {
    const warnings: string[] = [];
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, message: string) => warnings.push(message),
    };
    const http = {
      send: () =>
        Promise.resolve({ kind: 'response', status: 202, headers: {}, body: new Uint8Array() } as const),
      close: () => Promise.resolve(),
    };
    await using world = await openWorld({ listener: { logger, ports: { http } } });
    await world.start({ target: ['http://hub.example:8080/', 'https://topic.example/'] });
    expect(warnings).toEqual([
      "the secret for http://hub.example:8080/ is sent unencrypted: use the hub's https URL",
    ]);
  });

  it('S15 has a callback that nobody can guess, another one for each subscription', async () => {
    await using world = await openWorld();
    await world.start({
      path: '/issues',
      target: [
        { hub: world.hub.url, topic: 'https://a.example/' },
        { hub: world.hub.url, topic: 'https://b.example/' },
      ],
    });
    const paths = world.hub.requests.map(({ callback }) => new URL(callback).pathname);
    for (const path of paths) expect(path).toMatch(/^\/issues\/websub-[\w-]{24}$/);
    expect(new Set(paths).size).toBe(2);
  });

  it('S16 has the callback below the public URL', async () => {
    await using world = await openWorld({
      listener: { publicUrl: 'https://me.example/websub/', host: '127.0.0.1' },
      hub: { verify: 'never' },
    });
    await world.start({ path: 'issues/' });
    expect(world.hub.requests[0]?.callback).toMatch(
      /^https:\/\/me\.example\/websub\/issues\/websub-[\w-]{24}$/,
    );
  });

  it('S18 has exactly the callback that the options give, its query included', async () => {
    await using world = await openWorld({ port: await freePort() });
    const port = await freePort();
    await using other = await openWorld({ port });
    const callback = `http://127.0.0.1:${port}/my%20hook?tenant=1&hub.mode=x`;
    await other.start({ callback, target: [world.hub.url, 'https://topic.example/'] });
    expect(world.hub.subscription.callback).toBe(callback);
    expect((await world.hub.deliver(world.hub.subscription, '{}')).status).toBe(202);
    expect(other.inbox.notifications).toHaveLength(1);
  });

  it('tells callbacks apart that differ in their query alone, and refuses the same one twice', async () => {
    await using world = await openWorld({ port: await freePort() });
    const port = await freePort();
    await using other = await openWorld({ port });
    const inboxes = ['', '?s=1', '?s=2'].map((query) => ({ query, inbox: new Inbox() }));
    for (const { query, inbox } of inboxes) {
      await other.listener.attachWithConfig(inbox, {
        path: `/at${query.slice(-1)}`,
        callback: `http://127.0.0.1:${port}/cb${query}`,
        target: [world.hub.url, `https://topic.example/${query}`],
      });
    }
    await other.listener.start();
    const statuses: number[] = [];
    for (const one of world.hub.subscriptions.values())
      statuses.push((await world.hub.deliver(one, JSON.stringify(one.topic))).status);
    expect(statuses).toEqual([202, 202, 202]);
    expect(inboxes.map(({ inbox }) => inbox.texts)).toEqual(
      inboxes.map(({ query }) => [`"https://topic.example/${query}"`]),
    );
    await expect(
      other.listener.attachWithConfig(new Inbox(), {
        path: '/again',
        callback: `http://127.0.0.1:${port}/cb?s=1`,
      }),
    ).rejects.toThrow('another service has this callback');
  });

  it('has callbacks below the one that the options give, with appendServicePath', async () => {
    await using world = await openWorld({ hub: { verify: 'never' } });
    await world.start({
      callback: 'https://me.example/hooks?tenant=1',
      appendServicePath: true,
      path: '/issues',
    });
    expect(world.hub.requests[0]?.callback).toMatch(
      /^https:\/\/me\.example\/hooks\/issues\/websub-[\w-]{24}\?tenant=1$/,
    );
  });

  it('S20 carries the parameters and headers that a hub asks for', async () => {
    await using world = await openWorld();
    await world.start({
      customParams: { foo: 'bar' },
      customHeaders: { Authorization: 'Bearer k3y' },
      httpConfig: { headers: { 'X-Who': 'me' } },
    });
    expect(world.hub.requests[0]?.form.get('foo')).toBe('bar');
    expect(world.hub.requests[0]?.headers).toMatchObject({ authorization: 'Bearer k3y', 'x-who': 'me' });
  });

  it('is sent only when the callback is live, for hubs that verify inside it', async () => {
    await using world = await openWorld({ hub: { verify: 'before' } });
    const { subscribed } = await world.start();
    expect(world.hub.verifications[0]?.status).toBe(200);
    expect(subscribed).toMatchObject([{ state: 'active', hub: world.hub.url, topic: world.target[1] }]);
  });

  it('is verified later, by hubs that answer first', async () => {
    await using world = await openWorld({ hub: { verify: 'never' } });
    const attached = await world.listener.attachWithConfig(world.inbox, { target: world.target });
    const { subscribed } = await world.listener.start();
    expect(subscribed).toMatchObject([{ state: 'pending', pending: 'subscribe' }]);
    const verified = attached.verified();
    await world.hub.verify(world.hub.lastRequest);
    await verified;
    expect(attached.subscriptions).toMatchObject([{ state: 'active' }]);
  });

  it('is sent again when the hub does not verify it in time', async () => {
    await using world = await openWorld({ hub: { verify: 'never' } });
    await world.start();
    await world.clock.advance(5 * 60_000);
    await until(() => expect(world.hub.requests).toHaveLength(2));
    expect(world.hub.requests[1]?.callback).toBe(world.hub.requests[0]?.callback);
  });
});

describe('a hub that redirects', () => {
  it.each([307, 308])('S22 with %s gets the request again at the Location', async (status) => {
    await using world = await openWorld();
    await using front = await Site.start();
    front.pages.set('/hub', { status, headers: { location: world.hub.url } });
    await world.start({ target: [`${front.url}/hub`, world.target[1]] });
    expect(world.hub.requests).toHaveLength(1);
    expect(world.hub.subscription.topic).toBe(world.target[1]);
    expect(front.requests[0]?.method).toBe('POST');
  });

  it('S22 takes a Location that is relative', async () => {
    await using world = await openWorld();
    await using front = await Site.start();
    front.pages.set('/hub', { status: 308, headers: { location: 'there?x=1' } });
    front.pages.set('/there?x=1', { status: 202 });
    await world.start({ target: [`${front.url}/hub`, world.target[1]] });
    expect(front.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /hub',
      'POST /there?x=1',
    ]);
  });

  it('to another origin gets no credentials there', async () => {
    await using world = await openWorld();
    await using front = await Site.start();
    front.pages.set('/hub', { status: 307, headers: { location: world.hub.url } });
    await world.start({
      target: [`${front.url}/hub`, world.target[1]],
      customHeaders: { Authorization: 'Bearer k3y', 'X-Who': 'me' },
    });
    expect(front.requests[0]?.headers.authorization).toBe('Bearer k3y');
    expect(world.hub.requests[0]?.headers).toMatchObject({ 'x-who': 'me' });
    expect(world.hub.requests[0]?.headers.authorization).toBeUndefined();
  });

  it.each([301, 302, 303])('with %s has refused', async (status) => {
    await using world = await openWorld();
    world.hub.reply = () => ({ status, headers: { location: world.hub.url } });
    const { failed } = await world.start();
    expect(failed).toMatchObject([{ error: { code: 'hub_refused' } }]);
  });

  it('in circles has refused', async () => {
    await using world = await openWorld();
    world.hub.reply = () => ({ status: 307, headers: { location: world.hub.url } });
    const { failed } = await world.start();
    expect(failed).toMatchObject([{ error: { code: 'hub_refused' } }]);
    expect(world.hub.requests).toHaveLength(4);
  });
});

describe('several hubs', () => {
  it('S4, S17 are asked in order until one accepts, each with a callback of its own', async () => {
    await using world = await openWorld();
    await using second = await FakeHub.start();
    world.hub.reply = () => ({ status: 403, body: 'not here' });
    const { subscribed } = await world.start({
      target: { hub: [world.hub.url, second.url, 'https://third.example/'], topic: world.target[1] },
    });
    expect(subscribed).toMatchObject([{ hub: second.url, state: 'active' }]);
    expect(world.hub.requests[0]?.callback).not.toBe(second.requests[0]?.callback);
    expect(world.hub.requests[0]?.form.get('hub.secret')).not.toBe(
      second.requests[0]?.form.get('hub.secret'),
    );
    expect(await world.listener.subscriptions.list()).toHaveLength(1);
  });

  it('leave nothing behind at a hub that did not accept', async () => {
    await using world = await openWorld();
    await using second = await FakeHub.start();
    world.hub.reply = () => ({ status: 503 });
    await world.start({ target: { hub: [world.hub.url, second.url], topic: world.target[1] } });
    expect((await world.hub.verify(world.hub.lastRequest)).status).toBe(404);
  });
});

describe('a target that fails at start', () => {
  it('is reported with the reason, and does not keep the others', async () => {
    await using world = await openWorld();
    world.hub.reply = ({ topic }) =>
      topic.endsWith('/bad') ? { status: 400, body: 'no such\r\ntopic' } : undefined;
    const report = await world.start({
      target: [
        { hub: world.hub.url, topic: 'https://p.example/bad' },
        { hub: world.hub.url, topic: 'https://p.example/good' },
      ],
    });
    expect(report.subscribed).toMatchObject([{ topic: 'https://p.example/good' }]);
    expect(report.failed).toMatchObject([
      {
        target: { hub: world.hub.url, topic: 'https://p.example/bad' },
        error: {
          code: 'hub_refused',
          retryable: false,
          message: expect.stringContaining('it answered 400 "no such topic"') as unknown,
        },
      },
    ]);
  });

  it('is tried as often as httpConfig.retry says, and on in the background', async () => {
    await using world = await openWorld();
    world.hub.reply = () => ({ status: 503 });
    const starting = world.start({ httpConfig: { retry: { attempts: 3, baseMs: 1_000 } } });
    await until(() => expect(world.hub.requests).toHaveLength(1));
    await world.clock.advance(1_000);
    await until(() => expect(world.hub.requests).toHaveLength(2));
    await world.clock.advance(1_999);
    expect(world.hub.requests).toHaveLength(2);
    await world.clock.advance(1);
    expect((await starting).failed).toMatchObject([{ error: { code: 'hub_unavailable', retryable: true } }]);
    expect(world.hub.requests).toHaveLength(3);
    world.hub.reply = undefined;
    await world.clock.advance(10_000);
    await until(() => expect(world.told.verified).toHaveLength(1));
  });

  it('is tried again when the hub was not up yet', async () => {
    const port = await freePort();
    await using world = await openWorld();
    const hub = `http://127.0.0.1:${port}/`;
    const { failed } = await world.start({
      target: [hub, world.target[1]],
      httpConfig: { retry: { attempts: 1 } },
    });
    expect(failed).toMatchObject([{ error: { code: 'unreachable', retryable: true } }]);
    await using late = await Site.start(port);
    late.pages.set('/', { status: 202 });
    await world.clock.advance(10_000);
    await until(() => expect(late.requests).toHaveLength(1));
  });

  it('ends the start, with failFast', async () => {
    await using world = await openWorld({ listener: { failFast: true } });
    world.hub.reply = () => ({ status: 400 });
    await expect(world.start()).rejects.toMatchObject({ code: 'hub_refused' });
  });
});

describe('at run time', () => {
  it('S29 subscribes to further topics, and unsubscribes', async () => {
    await using world = await openWorld();
    await world.start({ target: [] });
    const { subscriptions } = world.listener;
    const view = await subscriptions.subscribe(
      world.inbox,
      { hub: world.hub.url, topic: 'https://p.example/42' },
      { leaseSeconds: 600, secret: 's' },
    );
    expect(view).toMatchObject({ state: 'active', topic: 'https://p.example/42' });
    expect(world.hub.subscription).toMatchObject({ leaseSeconds: 600, secret: 's' });
    await subscriptions.unsubscribe(view.id);
    expect(world.hub.subscriptions.size).toBe(0);
    expect(world.told.unsubscribed).toMatchObject([{ id: view.id, state: 'unsubscribed' }]);
    expect(world.hub.requests.map(({ mode }) => mode)).toEqual(['subscribe', 'unsubscribe']);
  });

  it('renews when it is asked to', async () => {
    await using world = await openWorld();
    await world.start();
    const [view] = await world.listener.subscriptions.list();
    await world.clock.advance(60_000);
    await world.listener.subscriptions.renew(view?.id ?? '');
    expect(world.told.renewed).toMatchObject([{ id: view?.id, state: 'active' }]);
    expect(world.told.renewed[0]?.expiresAt).toEqual(new Date(world.clock.now() + 864_000_000));
  });

  it('tells the caller when the hub refuses, and keeps nothing', async () => {
    await using world = await openWorld();
    await world.start({ target: [] });
    world.hub.reply = () => ({ status: 400 });
    await expect(world.listener.subscriptions.subscribe(world.inbox, world.target)).rejects.toMatchObject({
      code: 'hub_refused',
    });
    expect(await world.listener.subscriptions.list()).toEqual([]);
  });

  it('says so when there is no such subscription or service', async () => {
    await using world = await openWorld();
    await world.start();
    await expect(world.listener.subscriptions.renew('nothing')).rejects.toMatchObject({ code: 'gone' });
    await expect(world.listener.subscriptions.subscribe(new Inbox(), world.target)).rejects.toMatchObject({
      code: 'invalid_configuration',
    });
  });

  it('subscribes a service that is attached after the start, and lets it go with its subscriptions', async () => {
    await using world = await openWorld();
    await world.start({ target: [] });
    const late = new Inbox();
    const attached = await world.listener.attachWithConfig(late, { target: world.target, path: '/late' });
    await attached.verified();
    await world.hub.deliver(world.hub.subscription, '"hello"');
    expect(late.texts).toEqual(['"hello"']);
    await world.listener.detach(late, { unsubscribe: true });
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
  });
});

describe('addresses that are not public', () => {
  it('LAW 9 are refused with the cure, unless the developer wrote them or allows them', async () => {
    await using world = await openWorld();
    const { failed } = await world.start({
      httpConfig: { allowPrivateNetworks: false, retry: { attempts: 1 } },
    });
    expect(failed).toMatchObject([
      {
        error: {
          code: 'forbidden_address',
          message: expect.stringContaining('httpConfig.allowPrivateNetworks: true') as unknown,
        },
      },
    ]);
    expect(world.hub.requests).toEqual([]);
  });
});
