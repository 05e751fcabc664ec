import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { intentUrl } from '@websub/shared';
import {
  SubscriberListener,
  SubscriptionGone,
  TOPIC_ID_HEADER,
  TOPIC_ID_HEADER_AND_PAYLOAD,
  TOPIC_ID_PAYLOAD_KEY,
  type Notification,
  type SubscriberServiceOptions,
  type SubscriptionVerification,
} from '@websub/subscriber';
import { FakeHub, type DeliverOptions } from '@websub/subscriber/testing';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { CERTIFICATE, PRIVATE_KEY } from '../support/tls.js';
import { Inbox, openWorld, silent, until, type World } from './world.js';

class Issue {
  declare id: number;
}

/** What the hub is asked for by an inbox with these options. */
async function asked(options: SubscriberServiceOptions): Promise<FakeHub['lastRequest']> {
  await using world = await openWorld();
  await world.start(options);
  return world.hub.lastRequest;
}

/** Attaches a service and starts. */
async function serve(world: World, service: object, options: SubscriberServiceOptions = {}): Promise<void> {
  await world.listener.attachWithConfig(service, { target: world.target, ...options });
  await world.listener.start();
}

/** The page names the hub, and what it was asked with is kept. */
function publish(world: World): string {
  world.site.pages.set('/page', {
    headers: { link: `<${world.hub.url}>; rel="hub", <${world.target[1]}>; rel="self"` },
  });
  return `${world.site.url}/page`;
}

/** Which methods ran, and whether they were given an Issue, when this is delivered by these tables. */
async function dispatched(
  tables: SubscriberServiceOptions,
  body: string,
  options: DeliverOptions,
): Promise<readonly unknown[]> {
  const ran: unknown[] = [];
  const service = { onIssue: (_n: Notification, issue: unknown) => void ran.push(issue instanceof Issue) };
  await using world = await openWorld();
  await serve(world, service, tables);
  await world.hub.deliver(world.hub.subscription, body, options);
  return ran;
}

/** undici's Agent, as far as a listener sees it: counts what goes through it, and refuses it. */
function dispatcher(): { readonly seen: unknown[]; dispatch(request: object, handler: object): boolean } {
  const seen: unknown[] = [];
  return {
    seen,
    dispatch(request, handler) {
      seen.push(request);
      (handler as { onError?: (error: Error) => void }).onError?.(new Error('no'));
      return true;
    },
  };
}

async function usesDispatcher(): Promise<void> {
  await using world = await openWorld();
  const own = dispatcher();
  const httpConfig = { dispatcher: own, retry: { attempts: 1 }, timeoutMs: 50 };
  await world.start({ httpConfig });
  expect(own.seen).toMatchObject([{ method: 'POST' }]);
}

const headerTables: SubscriberServiceOptions = {
  topicIdentifier: TOPIC_ID_HEADER,
  topicHeader: 'X-Event',
  headerResourceMap: { opened: ['onIssue', Issue] },
};

async function dispatchesByHeader(): Promise<void> {
  expect(await dispatched(headerTables, '{"id":1}', { headers: { 'x-event': 'opened' } })).toEqual([true]);
  expect(await dispatched(headerTables, '{"id":1}', { headers: { 'x-event': 'closed' } })).toEqual([]);
}

async function verifies(
  method: 'onSubscriptionVerification' | 'onUnsubscriptionVerification',
): Promise<void> {
  await using world = await openWorld();
  const seen: SubscriptionVerification[] = [];
  let accept = true;
  await serve(world, { [method]: (m: SubscriptionVerification) => (seen.push(m), { accept }) });
  const [view] = await world.listener.subscriptions.list();
  const mode = method === 'onSubscriptionVerification' ? 'subscribe' : 'unsubscribe';
  accept = false;
  await (mode === 'subscribe'
    ? world.listener.subscriptions.renew(view?.id ?? '')
    : world.listener.subscriptions.unsubscribe(view?.id ?? ''));
  await until(() => expect(world.hub.verifications.at(-1)?.status).toBe(404));
  expect(seen.at(-1)).toMatchObject({ mode, topic: world.target[1], expected: true });
}

/** One for each row of docs/ballerina.md, by its first column. */
const checks: Readonly<Record<string, () => Promise<void>>> = {
  '`target` (resource)': async () => {
    await using world = await openWorld();
    await world.start({ target: publish(world) });
    expect(world.hub.lastRequest.topic).toBe(world.target[1]);
  },
  '`target` (hub and topic)': async () => {
    await using world = await openWorld();
    await world.start({ target: [world.hub.url, 'https://topic.example/'] });
    expect(world.hub.lastRequest).toMatchObject({ mode: 'subscribe', topic: 'https://topic.example/' });
  },
  '`leaseSeconds`': async () =>
    expect(await asked({ leaseSeconds: 3_600 })).toMatchObject({ leaseSeconds: 3_600 }),
  '`callback`': async () => {
    expect((await asked({ callback: 'http://127.0.0.1:1/mine?x=1' })).callback).toBe(
      'http://127.0.0.1:1/mine?x=1',
    );
  },
  '`appendServicePath`': async () => {
    const options = { callback: 'http://127.0.0.1:1/mine', path: '/issues', appendServicePath: true };
    expect((await asked(options)).callback).toMatch(
      /^http:\/\/127\.0\.0\.1:1\/mine\/issues\/websub-[\w-]{24}$/,
    );
  },
  '`servicePath`': async () => {
    const [one, two] = await Promise.all([asked({}), asked({})]);
    const idOf = ({ callback }: { readonly callback: string }) => new URL(callback).pathname;
    expect(idOf(one)).toMatch(/^\/websub-[\w-]{24}$/);
    expect(idOf(one)).not.toBe(idOf(two));
  },
  '`path`': async () => {
    expect(new URL((await asked({ path: '/issues' })).callback).pathname).toMatch(
      /^\/issues\/websub-[\w-]{24}$/,
    );
  },
  '`secret`': async () => {
    expect((await asked({ secret: 's3cret' })).form.get('hub.secret')).toBe('s3cret');
    await using world = await openWorld();
    await world.start({ secret: 's3cret' });
    expect((await world.hub.deliver(world.hub.subscription, '1')).status).toBe(202);
    const forged = { signature: { value: `sha256=${'0'.repeat(64)}` } };
    expect((await world.hub.deliver(world.hub.subscription, '2', forged)).status).toBe(403);
    expect(world.inbox.texts).toEqual(['1']);
  },
  '`subscribeOnStartUp`': async () => {
    await using world = await openWorld();
    await world.start({ subscribeOnStartUp: false });
    expect(world.hub.requests).toEqual([]);
  },
  '`unsubscribeOnShutdown`': async () => {
    await using world = await openWorld();
    await world.start({ unsubscribeOnShutdown: true });
    await world.listener.gracefulStop();
    expect(world.hub.requests.map(({ mode }) => mode)).toEqual(['subscribe', 'unsubscribe']);
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
  },
  '`customParams`': async () => {
    expect((await asked({ customParams: { foo: 'bar' } })).form.get('foo')).toBe('bar');
  },
  '`customHeaders`': async () => {
    expect((await asked({ customHeaders: { 'X-Who': 'me' } })).headers['x-who']).toBe('me');
  },
  '`httpConfig`': async () => {
    expect((await asked({ httpConfig: { headers: { 'X-Http': '1' } } })).headers['x-http']).toBe('1');
  },
  '`discoveryConfig`': async () => {
    await using world = await openWorld();
    const headers = { 'X-Discovery': '1' };
    await world.start({ target: publish(world), discoveryConfig: { httpConfig: { headers } } });
    expect(world.site.requests[0]?.headers['x-discovery']).toBe('1');
    expect(world.hub.lastRequest.headers['x-discovery']).toBeUndefined();
  },
  '`accept`': async () => {
    await using world = await openWorld();
    await world.start({ target: publish(world), discoveryConfig: { accept: ['text/turtle', 'text/html'] } });
    expect(world.site.requests[0]?.headers.accept).toBe('text/turtle, text/html');
  },
  '`acceptLanguage`': async () => {
    await using world = await openWorld();
    await world.start({ target: publish(world), discoveryConfig: { acceptLanguage: 'si' } });
    expect(world.site.requests[0]?.headers['accept-language']).toBe('si');
  },
  '`publisherClientConfig`': () => checked('`discoveryConfig`'),
  '`hubClientConfig`': () => checked('`httpConfig`'),
  '`expectIntentVerification`': async () => {
    await using world = await openWorld();
    await world.start();
    expect(world.hub.verifications).toMatchObject([{ status: 200 }]);
    const { callback } = world.hub.subscription;
    const forged = {
      mode: 'subscribe',
      topic: 'https://evil.example/',
      challenge: 'x',
      leaseSeconds: 9,
    } as const;
    expect((await world.hub.ask(callback, forged)).status).toBe(404);
  },
  '`extensionConfig`': dispatchesByHeader,
  '`topicIdentifier`': async () => {
    const tables = { ...headerTables, payloadKeyResourceMap: { id: { '1': ['onIssue', Issue] } } } as const;
    expect(await dispatched(tables, '{"id":1}', {})).toEqual([]);
    const { topicIdentifier: _, ...inferred } = tables;
    expect(await dispatched(inferred, '{"id":1}', {})).toEqual([true]);
  },
  '`topicHeader`': dispatchesByHeader,
  '`headerResourceMap`': dispatchesByHeader,
  '`payloadKeyResourceMap`': async () => {
    const tables: SubscriberServiceOptions = {
      topicIdentifier: TOPIC_ID_PAYLOAD_KEY,
      payloadKeyResourceMap: { action: { opened: ['onIssue', Issue] } },
    };
    expect(await dispatched(tables, '{"action":"opened"}', {})).toEqual([true]);
    expect(await dispatched(tables, '{"action":"closed"}', {})).toEqual([]);
  },
  '`headerAndPayloadKeyResourceMap`': async () => {
    const tables: SubscriberServiceOptions = {
      topicIdentifier: TOPIC_ID_HEADER_AND_PAYLOAD,
      topicHeader: 'X-Event',
      headerAndPayloadKeyResourceMap: { issue: { action: { opened: ['onIssue', Issue] } } },
    };
    expect(await dispatched(tables, '{"action":"opened"}', { headers: { 'x-event': 'issue' } })).toEqual([
      true,
    ]);
    expect(await dispatched(tables, '{"action":"opened"}', {})).toEqual([]);
  },

  '`timeout`': async () => {
    await using world = await openWorld();
    world.hub.reply = () => new Promise(() => undefined);
    const { failed } = await world.start({ httpConfig: { timeoutMs: 30, retry: { attempts: 1 } } });
    expect(failed).toMatchObject([{ error: { code: 'timeout' } }]);
  },
  '`followRedirects`': async () => {
    await using world = await openWorld();
    world.site.pages.set('/moved', { status: 307, headers: { location: world.hub.url } });
    const target = [`${world.site.url}/moved`, world.target[1]] as const;
    const { failed } = await world.start({ target, httpConfig: { maxRedirects: 0 } });
    expect(failed).toHaveLength(1);
    await world.listener.subscriptions.subscribe(world.inbox, world.target);
    expect(world.hub.requests).toHaveLength(1);
  },
  '`retryConfig`': async () => {
    await using world = await openWorld();
    world.hub.reply = () => (world.hub.requests.length < 3 ? { status: 503 } : undefined);
    const started = world.start({ httpConfig: { retry: { attempts: 3, baseMs: 100 } } });
    for (const count of [2, 3]) {
      await until(() => expect(world.hub.requests).toHaveLength(count - 1));
      await until(async () => {
        await world.clock.advance(200);
        expect(world.hub.requests).toHaveLength(count);
      });
    }
    expect((await started).failed).toEqual([]);
  },
  '`auth`': async () => {
    const headers = { Authorization: 'Bearer k3y' };
    expect((await asked({ httpConfig: { headers } })).headers.authorization).toBe('Bearer k3y');
  },
  '`secureSocket`': usesDispatcher,
  '`poolConfig`': usesDispatcher,
  '`http1Settings`': usesDispatcher,
  '`http2Settings`': usesDispatcher,
  '`httpVersion`': usesDispatcher,
  '`circuitBreaker`': async () => {
    await using world = await openWorld();
    world.hub.reply = () => ({ status: 503 });
    await world.start({ httpConfig: { retry: { attempts: 1 } } });
    await world.clock.advance(86_400_000);
    expect(world.hub.requests.length).toBeLessThan(60);
  },
  '`responseLimits`': async () => {
    await using world = await openWorld();
    world.hub.reply = () => ({ status: 400, body: 'no '.repeat(1_000_000) });
    const { failed } = await world.start();
    expect(failed[0]?.error.message.length).toBeLessThan(2_000);
  },

  '`init(int)`': async () => {
    const port = await freePort();
    await using world = await openWorld({ port });
    await world.start();
    expect(new URL(world.hub.lastRequest.callback).port).toBe(String(port));
  },
  '`init(http:Listener)`': async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await using hub = await FakeHub.start();
    await using listener = new SubscriberListener(server, { logger: silent });
    const attached = await listener.attachWithConfig(new Inbox(), {
      target: [hub.url, 'https://t.example/'],
    });
    await listener.start();
    expect(attached.subscriptions).toMatchObject([{ state: 'active' }]);
    expect(new URL(hub.subscription.callback).port).toBe(String((server.address() as AddressInfo).port));
    server.close();
  },
  '`httpServiceSecureSocket`': async () => {
    const server = createSecureServer({ key: PRIVATE_KEY, cert: CERTIFICATE });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await using hub = await FakeHub.start({ verify: 'never' });
    await using listener = new SubscriberListener(server, { logger: silent });
    await listener.attachWithConfig(new Inbox(), { target: [hub.url, 'https://t.example/'] });
    await listener.start();
    const { callback, topic } = hub.lastRequest;
    expect(callback).toMatch(/^https:\/\/127\.0\.0\.1:/);
    const url = intentUrl(callback, { mode: 'subscribe', topic, challenge: 'x', leaseSeconds: 60 });
    const status = await new Promise((resolve, reject) =>
      get(url, { ca: CERTIFICATE, agent: false }, (response) => resolve(response.resume().statusCode)).on(
        'error',
        reject,
      ),
    );
    expect(status).toBe(200);
    server.close();
  },
  '`host`': async () => {
    await using world = await openWorld({ listener: { host: '127.0.0.2' } });
    await world.start();
    expect(new URL(world.hub.lastRequest.callback).hostname).toBe('127.0.0.2');
  },
  '`gracefulShutdownPeriod`': async () => {
    await using world = await openWorld({ listener: { gracefulShutdownPeriod: 1_000 } });
    let signal: AbortSignal | undefined;
    const service = {
      onEventNotification: (n: Notification) => ((signal = n.signal), new Promise<void>(() => undefined)),
    };
    await serve(world, service, { ack: 'received' });
    await world.hub.deliver(world.hub.subscription, '{}');
    const stopped = world.listener.gracefulStop();
    await world.clock.advance(999);
    expect(signal?.aborted).toBe(false);
    await until(() => world.clock.advance(1).then(() => expect(signal?.aborted).toBe(true)));
    await stopped;
  },
  '`requestLimits`': async () => {
    await using world = await openWorld();
    await world.start({ maxBodyBytes: 10 });
    expect((await world.hub.deliver(world.hub.subscription, 'x'.repeat(11))).status).toBe(413);
  },
  '`server`': async () => {
    await using world = await openWorld();
    await world.start();
    const reply = await world.hub.deliver(world.hub.subscription, '{}');
    expect(reply.header('server')).toBeUndefined();
    expect(reply.header('x-powered-by')).toBeUndefined();
  },
  '`attach`': async () => {
    await using world = await openWorld();
    await world.listener.start();
    await world.listener.attachWithConfig(new Inbox(), { target: world.target }, '/late');
    expect(new URL(world.hub.subscription.callback).pathname).toMatch(/^\/late\//);
  },
  '`attachWithConfig`': async () => {
    expect(await asked({ leaseSeconds: 77 })).toMatchObject({ leaseSeconds: 77 });
  },
  '`detach`': async () => {
    await using world = await openWorld();
    await world.start();
    const subscription = world.hub.subscription;
    await world.listener.detach(world.inbox, { unsubscribe: true });
    await until(() => expect(world.hub.subscriptions.size).toBe(0));
    await world.hub.deliver(subscription, '{}');
    expect(world.inbox.texts).toEqual([]);
  },
  '`start`': async () => {
    await using world = await openWorld();
    const nobody = `http://127.0.0.1:${await freePort()}/`;
    const report = await world.start({
      target: [
        { hub: nobody, topic: 'https://a.example/' },
        { hub: world.hub.url, topic: 'https://b.example/' },
      ],
      httpConfig: { retry: { attempts: 1 } },
    });
    expect(report).toMatchObject({
      failed: [{ target: { topic: 'https://a.example/' } }],
      subscribed: [{ topic: 'https://b.example/' }],
    });
  },
  '`gracefulStop`': async () => {
    await using world = await openWorld();
    const finish: (() => void)[] = [];
    const service = { onEventNotification: () => new Promise<void>((resolve) => finish.push(resolve)) };
    await serve(world, service, { ack: 'handled' });
    const reply = world.hub.deliver(world.hub.subscription, '{}');
    await until(() => expect(finish).toHaveLength(1));
    const stopped = world.listener.gracefulStop();
    finish[0]?.();
    expect((await reply).status).toBe(202);
    await stopped;
  },
  '`immediateStop`': async () => {
    await using world = await openWorld();
    let signal: AbortSignal | undefined;
    const service = {
      onEventNotification: (n: Notification) => ((signal = n.signal), new Promise<void>(() => undefined)),
    };
    await serve(world, service, { ack: 'received' });
    await world.hub.deliver(world.hub.subscription, '{}');
    await world.listener.immediateStop();
    expect(signal?.aborted).toBe(true);
  },

  '`onSubscriptionVerification`': () => verifies('onSubscriptionVerification'),
  '`onUnsubscriptionVerification`': () => verifies('onUnsubscriptionVerification'),
  '`onSubscriptionValidationDenied`': async () => {
    const denials: unknown[] = [];
    await using world = await openWorld();
    await serve(world, { onSubscriptionValidationDenied: (denial: object) => void denials.push(denial) });
    const { callback, topic } = world.hub.subscription;
    await world.hub.deny(callback, topic, 'unpaid');
    expect(denials).toMatchObject([{ topic, reason: 'unpaid' }]);
  },
  '`onEventNotification`': async () => {
    await using world = await openWorld();
    await world.start();
    const options = { contentType: 'application/atom+xml' };
    expect((await world.hub.deliver(world.hub.subscription, '<feed/>', options)).status).toBe(202);
    expect(world.inbox.texts).toEqual(['<feed/>']);
  },
  '`onHubError`': async () => {
    const errors: unknown[] = [];
    await using world = await openWorld();
    await serve(world, { onHubError: (error: object) => void errors.push(error) });
    const { callback, topic } = world.hub.subscription;
    const query = new URLSearchParams({
      'hub.mode': 'hub-error',
      'hub.topic': topic,
      'hub.reason': 'full disk',
    });
    expect((await fetch(`${callback}?${query.toString()}`)).status).toBe(200);
    expect(errors).toEqual([{ topic, reason: 'full disk' }]);
  },
  '`SUBSCRIPTION_DELETED_ERROR`': async () => {
    await using world = await openWorld();
    await serve(world, { onEventNotification: () => Promise.reject(new SubscriptionGone()) });
    const { subscription } = world.hub;
    expect((await world.hub.deliver(subscription, '{}')).status).toBe(410);
    expect((await world.hub.deliver(subscription, '{}')).status).toBe(410);
  },
  '`ACKNOWLEDGEMENT`': async () => {
    await using world = await openWorld();
    const answer = { status: 200, headers: { 'x-mine': '1' }, body: 'thanks' } as const;
    await serve(world, { onEventNotification: () => answer });
    const reply = await world.hub.deliver(world.hub.subscription, '{}');
    expect([reply.status, reply.header('x-mine'), reply.body]).toEqual([200, '1', 'thanks']);
  },
  '`msg.verifySubscription(topic)`': async () => {
    await using world = await openWorld();
    await serve(world, {
      onSubscriptionVerification: (m: SubscriptionVerification) => m.topic === 'https://other.example/',
    });
    expect(world.hub.verifications).toMatchObject([{ status: 404 }]);
  },
};

function checked(row: string): Promise<void> {
  const check = checks[row];
  if (check === undefined) throw new Error(`docs/ballerina.md has a row ${row} that no test here shows`);
  return check();
}

const text = await readFile(new URL('../../docs/ballerina.md', import.meta.url), 'utf8');
const rows = [...text.matchAll(/^\| (`[^|]*?) +\|/gm)].map(([, first = '']) => first);

describe('the counterpart of', () => {
  it('every field and method has a row, and every row a test', () => {
    expect(rows.toSorted()).toEqual(Object.keys(checks).toSorted());
  });

  it.each(rows)('%s works', (row) => checked(row));
});
