import { readFile } from 'node:fs/promises';
import { HubEmitter } from '@websub/hub';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from '../../packages/hub/dist/http/app.js';
import { send, type Answer } from '../support/http.js';
import { idOf, manage } from '../support/manage.js';
import {
  inState,
  listAll,
  published,
  statusAddress,
  subscribe,
  subscribed,
  type HubAddress,
} from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ flags: ['--retry-delays', ''] });

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema: Json }>> }>
  >;
}
interface Document extends Json {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let served: Document;
let routes: readonly (readonly [method: string, path: string, operation: Operation])[];
const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);

beforeAll(async () => {
  served = JSON.parse((await manage(world.hub, 'GET', '/openapi.json')).text) as Document;
  ajv.addSchema(served, 'openapi');
  routes = Object.entries(served.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [method, path, operation] as const),
  );
});

/** What is answered at once, and not a stream. */
function isOfApi(path: string): boolean {
  return path.startsWith('/v1/') && !/^\/v1\/(sse|c)\//.test(path);
}

/** Holds a schema of the document, wherever in it it stands. */
function validator(schema: Json): ValidateFunction {
  const reference = typeof schema['$ref'] === 'string' ? schema['$ref'] : '';
  const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1];
  return ajv.compile(name === undefined ? schema : { $ref: `openapi#/components/schemas/${name}` });
}

/** The answer is one that the document tells of. */
function expectDescribed(method: string, path: string, answer: Answer): void {
  const operation = routes.find(([m, p]) => m === method && p === path)?.[2];
  const described = operation?.responses[String(answer.status)];
  expect(described, `${method} ${path} answered ${answer.status}: ${answer.text}`).toBeDefined();
  const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? '';
  const content = described?.content?.[type];
  expect(content === undefined, `${method} ${path} as ${type}`).toBe(answer.text === '');
  if (content === undefined || !type.endsWith('json')) return;
  const validate = validator(content.schema);
  validate(JSON.parse(answer.text));
  expect(validate.errors ?? [], `${method} ${path}: ${answer.text}`).toEqual([]);
}

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1, and the one in docs/', async () => {
    expect(served.openapi).toMatch(/^3\.1\./);
    const kept = await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
    expect(JSON.parse(kept), 'run npm run openapi').toEqual(served);
  });

  // OpenAPI knows neither QUERY nor streams of events: docs/bridges.md tells of those.
  it('tells of every route of the router but the streams, and of no other', () => {
    const told = routesOf(router()).filter(
      (route) => !/^_all \/(?:v1\/(?:sse|wait)|api\/v1\/events)$/.test(route),
    );
    expect(new Set(told)).toEqual(
      new Set(routes.map(([method, path]) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)),
    );
  });

  it('describes what each of its routes answers, of a hub that has something of everything', async () => {
    const { hub } = world;
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onDelivery = () => ({ status: 500 });
    const address = statusAddress(await subscribe(hub, callback.url, topic, { 'hub.secret': 'a secret' }));
    await inState(hub, callback, 'active');
    const cursor = await published(hub, topic, 'an update');
    const [letter] = await until('it is given up', async () => {
      const letters = await listAll(hub, '/v1/dead-letters', { topic });
      return letters.length === 1 ? letters : undefined;
    });
    const pending = world.callback();
    pending.onIntent = () => ({ status: 503 });
    await subscribed(hub, pending, topic);
    const id = await idOf(hub, callback);
    const bodies: Readonly<Record<string, unknown>> = {
      '/v1/topics/{id}/policy': { policy: 'latest' },
      '/v1/subscriptions/{id}/replay': { cursor },
      '/v1/dead-letters/redeliver': { topic },
      '/v1/credentials': { role: 'reader', read: ['*'] },
      '/v1/revocations': { jti: 'a token' },
      '/v1/targets/{target}/updates': { target: 'session', event: 'STATUS_CHANGED', session: {} },
      '/v1/targets/{target}/notifications': { webhook: { url: callback.url } },
    };
    const credential = await manage(hub, 'POST', '/credentials', { role: 'publisher', publish: ['*'] });
    const reader = await manage(hub, 'POST', '/credentials', { role: 'reader', read: ['*'] });
    const { key } = JSON.parse(reader.text) as { key: string };
    const again = await published(hub, topic, 'another update');
    const reading = new URL('/v1/sse?consumer=one&ack=explicit&since=earliest', hub.url);
    reading.searchParams.set('topic', topic);
    const stream = await Stream.open(reading.href, { headers: { authorization: `Bearer ${key}` } });
    onTestFinished(() => stream.close());
    await stream.gets(2);
    const streamBodies: Readonly<Record<string, unknown>> = {
      '/v1/streams/{id}/token': { token: key },
      '/v1/streams/{id}/ack': { cursor },
      '/v1/streams/{id}/nack': { cursor: again },
      '/v1/consumers/{id}/seek': { cursor },
    };
    const things: Readonly<Record<string, string>> = {
      'dead-letters': String(letter?.['id']),
      credentials: (JSON.parse(credential.text) as { id: string }).id,
      subscriptions: id,
      topics: encodeURIComponent(topic),
      targets: 'session',
      consumers: await idOfConsumer(hub, topic),
      streams: String(stream.headers['hub-stream']),
    };
    // Whatever makes something comes first, whatever ends something last.
    const order = ['put', 'get', 'post', 'delete'];
    const inOrder = routes.toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    for (const [method, path] of inOrder.filter(([, each]) => isOfApi(each))) {
      const noun = path.split('/')[2] ?? '';
      const asked = noun === 'presence' ? `?topic=${encodeURIComponent(topic)}` : '';
      const real = path.slice('/v1'.length).replace(/\{\w+\}/, things[noun] ?? '') + asked;
      const body = method === 'post' || method === 'put' ? { ...bodies, ...streamBodies }[path] : undefined;
      const answer = await manage(hub, method.toUpperCase(), real, body);
      expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
      expectDescribed(method, path, answer);
    }
    const status = await send(address, { headers: { accept: 'application/json' } });
    expectDescribed('get', '/status/{request}', status);
    for (const path of ['/', '/healthz', '/readyz', '/metrics'])
      expectDescribed('get', path, await send(new URL(path, hub.url).href));
    expectDescribed('post', '/', await subscribe(hub, callback.url, topic));
    expectDescribed('post', '/', await send(hub.url, { method: 'POST', body: 'x' }));
  });

  it('describes the problems, too', async () => {
    const closed = await world.embedHub({ dev: false });
    const keyed = await world.embedHub({
      dev: false,
      env: { WEBSUB_ADMIN_KEY: 'the-admin-key-of-the-test' },
    });
    for (const [method, path] of routes.filter(([, each]) => isOfApi(each) && !each.endsWith('.json'))) {
      const real = path.slice('/v1'.length).replace(/\{\w+\}/, 'nobody');
      for (const hub of [closed, keyed]) {
        // Who asks is looked at when what is asked makes sense.
        const body = path.endsWith('/seek') ? { cursor: 'x.1' } : undefined;
        const answer = await manage(hub, method.toUpperCase(), real, body);
        // Of a stream its id is all that is asked for, and who is there anybody may know here.
        const isOpen = path.startsWith('/v1/streams/') || path === '/v1/presence';
        const refused = isOpen ? [400, 404] : [401, 403];
        expect(refused).toContain(answer.status);
        expectDescribed(method, path, answer);
      }
      const answer = await manage(world.hub, method.toUpperCase(), `${real}?limit=0`, []);
      if (answer.status >= 400) expectDescribed(method, path, answer);
    }
  });
});

/** A consumer that nobody reads with at the moment. */
async function idOfConsumer(hub: HubAddress, topic: string): Promise<string> {
  const waiting = new URL('/v1/wait?consumer=idle&client=a-client-of-the-test&since=earliest', hub.url);
  waiting.searchParams.set('topic', topic);
  expect((await send(waiting.href)).status).toBe(200);
  type Page = { readonly items: readonly { readonly id: string; readonly name: string }[] };
  const { items } = JSON.parse((await manage(hub, 'GET', '/consumers')).text) as Page;
  return items.find(({ name }) => name === 'idle')!.id;
}

/** The hub's router; nothing is asked of it, so it needs none of what its handlers work with. */
function router(): unknown {
  const options = {
    endpoint: () => undefined,
    guard: () => undefined,
    management: {},
    status: {},
    metrics: {},
    events: new HubEmitter(),
    hubUrl: () => '',
    isReady: () => true,
    isTrusted: () => false,
    protocols: [],
  };
  // Only the routes are looked at.
  return createApp(options as unknown as Parameters<typeof createApp>[0]).router;
}

interface Layer {
  readonly route?: {
    readonly path: string | readonly string[];
    readonly methods: Readonly<Record<string, boolean>>;
  };
  readonly handle?: { readonly stack?: readonly Layer[] };
}

/** Every route with its method. */
function routesOf(app: unknown, prefix = ''): string[] {
  return (app as { stack: readonly Layer[] }).stack.flatMap(({ route, handle }) => {
    const methods = Object.keys(route?.methods ?? {});
    // A route for every method says which ones there are.
    if (route !== undefined) {
      const paths = [route.path].flat().map((path) => (path.startsWith('/api/') ? path : prefix + path));
      return methods.length > 5 ? [] : methods.flatMap((method) => paths.map((path) => `${method} ${path}`));
    }
    // Routers below the top are the API's, but for those of paths that others have drawn.
    return handle?.stack === undefined ? [] : routesOf(handle, '/v1');
  });
}
