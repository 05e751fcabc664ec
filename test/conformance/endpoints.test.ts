import { STATUS_CODES } from 'node:http';
import { describe, expect, it } from 'vitest';
import { send, type Answer } from '../support/http.js';
import {
  inState,
  listAll,
  metric,
  page,
  ping,
  postForm,
  publish,
  published,
  subscribe,
  subscribed,
} from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld({ flags: ['--retry-delays', '0.01'] });

function at(path: string, base = world.hub.url): string {
  return new URL(path, base).href;
}

function expectProblem(answer: Answer, status: number, path: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(answer.text) as Record<string, unknown>;
  const text: unknown = expect.any(String);
  expect(problem).toMatchObject({
    status,
    type: 'about:blank',
    title: STATUS_CODES[status],
    detail: text,
    instance: path.split('?')[0],
  });
}

describe('GET /', () => {
  it('is a short page for people that says what this is', async () => {
    const answer = await send(world.hub.url, {
      headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/html/);
    expect(answer.text).toMatch(/<!doctype html>/i);
    expect(answer.text).toMatch(/WebSub/);
    expect(answer.text).toContain(world.hub.url);
  });

  it('gives name, version and links as JSON to who asks for it', async () => {
    const answer = await send(world.hub.url, { headers: { accept: 'application/json' } });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    const body = JSON.parse(answer.text) as Record<string, unknown>;
    expect(body['name']).toEqual(expect.any(String));
    expect(body['version']).toMatch(/^\d+\.\d+\.\d+/);
    expect(body['links']).toEqual(expect.any(Object));
  });

  it('answers a method that it does not know 405 and tells which it does', async () => {
    const answer = await send(world.hub.url, { method: 'PUT', body: '' });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toMatch(/POST/);
  });

  it.each([
    ['POST', '/sse/session-7', 'GET, HEAD'],
    ['PUT', '/issuer2/events', 'GET, HEAD'],
    ['POST', '/tenant/v1/sse/wallet/proofs/proof_id/7/done', 'GET, HEAD'],
    ['GET', '/push_events', 'POST'],
    ['PUT', '/drop_user', 'POST'],
    ['DELETE', '/clients', 'GET, HEAD'],
  ])('answers %s at %s, a route of another system, 405 and tells %s', async (method, path, allowed) => {
    const answer = await send(new URL(path, world.hub.url).href, { method });
    expect([answer.status, answer.headers.allow]).toEqual([405, allowed]);
  });
});

describe('the health of the hub', () => {
  it('is 200 at /healthz and /readyz when it listens', async () => {
    expect((await send(at('/healthz'))).status).toBe(200);
    expect((await send(at('/readyz'))).status).toBe(200);
  });

  it('is told to Prometheus at /metrics', async () => {
    const answer = await send(at('/metrics'));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(answer.text).toMatch(/^# TYPE /m);
    expect(await metric(world.hub, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  });
});

describe('the management API', () => {
  it('lists subscriptions with topic, callback and state, and filters by each', async () => {
    const topic = world.topic().url;
    const [active, pending] = [world.callback(), world.callback()];
    pending.onIntent = () => ({ status: 503 });
    await subscribed(world.hub, active, topic);
    await subscribed(world.hub, pending, topic);
    await inState(world.hub, active, 'active');
    await inState(world.hub, pending, 'pending');
    const callbacksOf = async (query: Record<string, string>): Promise<ReadonlySet<unknown>> =>
      new Set((await listAll(world.hub, '/v1/subscriptions', query)).map((row) => row['callback']));
    expect(await callbacksOf({ topic })).toEqual(new Set([active.url, pending.url]));
    expect(await callbacksOf({ topic, state: 'active' })).toEqual(new Set([active.url]));
    expect(await callbacksOf({ topic, state: 'pending' })).toEqual(new Set([pending.url]));
    expect(await callbacksOf({ callback: active.url })).toEqual(new Set([active.url]));
    expect(await callbacksOf({ callback: active.url, state: 'pending' })).toEqual(new Set());
    const [row] = await listAll(world.hub, '/v1/subscriptions', { callback: active.url });
    expect(row).toMatchObject({ id: expect.any(String) as unknown, topic, state: 'active' });
  });

  it('shows no secret', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(world.hub, callback, topic, { 'hub.secret': 'planted-secret-in-the-list' });
    await inState(world.hub, callback, 'active');
    for (const path of [
      '/v1/subscriptions',
      '/v1/topics',
      '/v1/dead-letters',
      '/v1/stats',
      '/metrics',
      '/',
    ]) {
      expect((await send(at(path))).text).not.toContain('planted-secret-in-the-list');
    }
    expect(world.hub.output).not.toContain('planted-secret-in-the-list');
  });

  it('lists topics, and filters by topic', async () => {
    const topic = world.topic().url;
    await world.subscriber(topic);
    const rows = await listAll(world.hub, '/v1/topics', { topic });
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows[0])).toContain(topic);
  });

  it('lists dead letters, and filters by topic and callback', async () => {
    const topic = world.topic().url;
    const [failing, other] = [world.callback(), world.callback()];
    for (const callback of [failing, other]) {
      callback.onDelivery = () => ({ status: 500 });
      await subscribed(world.hub, callback, topic);
    }
    await published(world.hub, topic, 'never taken');
    await until(
      'there are two',
      async () => (await listAll(world.hub, '/v1/dead-letters', { topic })).length === 2,
    );
    const rows = await listAll(world.hub, '/v1/dead-letters', { callback: failing.url });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ id: expect.any(String) as unknown, topic, callback: failing.url });
  });

  it('counts at /v1/stats', async () => {
    const answer = await send(at('/v1/stats'));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(JSON.parse(answer.text)).toMatchObject({
      topics: expect.any(Number) as unknown,
      subscriptions: expect.any(Number) as unknown,
    });
  });

  it.each(['/v1/subscriptions', '/v1/topics', '/v1/dead-letters'])(
    'pages %s by limit and after',
    async (path) => {
      const own = await world.embedHub({ flags: ['--retry-delays', '0'] });
      const [one, two] = [world.topic().url, world.topic().url];
      const topics = [one, two, world.topic().url, world.topic().url, world.topic().url];
      for (const topic of topics) {
        const callback = world.callback();
        callback.onDelivery = () => ({ status: 500 });
        await subscribed(own, callback, topic);
        await published(own, topic, 'never taken');
      }
      await until('there are five', async () => (await listAll(own, path)).length === 5);
      const whole = await page(own, path, { limit: 5 });
      const first = await page(own, path, { limit: 2 });
      const second = await page(own, path, { limit: 2, after: first.next ?? '' });
      const third = await page(own, path, { limit: 2, after: second.next ?? '' });
      expect([first.items.length, second.items.length, third.items.length]).toEqual([2, 2, 1]);
      expect(third.next).toBeUndefined();
      expect(whole.next).toBeUndefined();
      const seen = [...first.items, ...second.items, ...third.items].map(keyOf);
      expect(new Set(seen).size).toBe(5);
      expect(seen).toEqual(whole.items.map(keyOf));
    },
  );

  it.each([
    '/v1/subscriptions?limit=0',
    '/v1/subscriptions?limit=many',
    '/v1/subscriptions?state=odd',
    '/v1/topics?limit=-1',
  ])('answers %s with a problem that tells the cure', async (path) =>
    expectProblem(await send(at(path)), 400, path),
  );

  it('says where to look up what a parameter or a body of the wrong kind should be', async () => {
    const asked = [
      send(at('/v1/topics?limit=1&limit=2')),
      send(at('/v1/dead-letters/redeliver'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '[]',
      }),
    ];
    for (const { status, body } of await Promise.all(asked)) {
      expect(status).toBe(400);
      expect(body.toString()).toMatch(/"detail":"(limit|the body) is not of the form .*: see/);
    }
  });

  it('answers what it does not know 404 with a problem', async () => {
    expectProblem(await send(at('/v1/nothing')), 404, '/v1/nothing');
    expect((await send(at('/nothing'))).status).toBe(404);
  });

  it('is closed without --dev and without a key: 403', async () => {
    const closed = await world.embedHub({ dev: false });
    for (const path of ['/v1/subscriptions', '/v1/topics', '/v1/dead-letters', '/v1/stats']) {
      expectProblem(await send(at(path, closed.url)), 403, path);
      expectProblem(
        await send(at(path, closed.url), { headers: { authorization: 'Bearer guessed' } }),
        403,
        path,
      );
    }
    expect((await send(at('/healthz', closed.url))).status).toBe(200);
  });

  it('opens with the admin key and with nothing else', async () => {
    const key = 'the-admin-key-of-the-test';
    const keyed = await world.startHub({ dev: false, env: { WEBSUB_ADMIN_KEY: key } });
    const status = async (authorization?: string): Promise<number> =>
      (
        await send(at('/v1/stats', keyed.url), {
          headers: authorization === undefined ? {} : { authorization },
        })
      ).status;
    expect(await status(`Bearer ${key}`)).toBe(200);
    for (const wrong of [
      undefined,
      '',
      'Bearer',
      `Bearer ${key}x`,
      `Bearer ${key.slice(1)}`,
      `Basic ${key}`,
      key,
    ]) {
      expect([401, 403]).toContain(await status(wrong));
    }
    expect(keyed.output).not.toContain(key);
  });
});

describe('who may publish', () => {
  const key = { authorization: 'Bearer the-admin-key-of-the-test' };
  const flags = ['--allow-network', '127.0.0.0/8', '--admin-key', 'the-admin-key-of-the-test'];

  it.each([
    ['by default', [], { ping: 202, content: 403 }],
    ['with --publish ping', ['--publish', 'ping'], { ping: 202, content: 403 }],
    ['with --publish open', ['--publish', 'open'], { ping: 202, content: 202 }],
    ['with --publish closed', ['--publish', 'closed'], { ping: 403, content: 403 }],
  ] as const)('H1 %s: without a credential %o', async (_what, more, expected) => {
    const hub = await world.embedHub({ dev: false, flags: [...flags, ...more] });
    const topic = world.topic();
    const callback = world.callback();
    await subscribed(hub, callback, topic.url);
    const pinged = await ping(hub, topic.url);
    const content = await publish(hub, topic.url, 'content');
    expect([expected.ping, expected.ping === 403 ? 401 : 0]).toContain(pinged.status);
    expect([expected.content, expected.content === 403 ? 401 : 0]).toContain(content.status);
    for (const refused of [pinged, content].filter(({ status }) => status !== 202)) {
      expect(refused.headers['content-type']).toMatch(/^text\/plain/);
    }
    // With the credential, both.
    expect((await publish(hub, topic.url, 'with a key', { headers: key })).status).toBe(202);
    const keyedPing = await postForm(hub, { 'hub.mode': 'publish', 'hub.url': topic.url }, key);
    expect(keyedPing.status).toBe(202);
    await until('it is delivered', () => callback.texts.includes('with a key'));
    expect(callback.texts.includes('content')).toBe(expected.content === 202);
  });

  it.each(['register', 'deregister'])('%s needs a credential, and is 202 with it', async (mode) => {
    const hub = await world.embedHub({ dev: false, flags });
    const topic = world.topic().url;
    expect([401, 403]).toContain((await postForm(hub, { 'hub.mode': mode, 'hub.topic': topic })).status);
    expect((await postForm(hub, { 'hub.mode': mode, 'hub.topic': topic }, key)).status).toBe(202);
  });

  it('register and deregister are 202 in --dev, and 400 without a topic', async () => {
    for (const mode of ['register', 'deregister']) {
      expect((await postForm(world.hub, { 'hub.mode': mode, 'hub.topic': world.topic().url })).status).toBe(
        202,
      );
      expect((await postForm(world.hub, { 'hub.mode': mode })).status).toBe(400);
    }
  });

  it('a registered topic is listed, and a deregistered one still serves its subscribers', async () => {
    const topic = world.topic();
    await postForm(world.hub, { 'hub.mode': 'register', 'hub.topic': topic.url });
    expect(await listAll(world.hub, '/v1/topics', { topic: topic.url })).toHaveLength(1);
    const callback = await world.subscriber(topic.url);
    await postForm(world.hub, { 'hub.mode': 'deregister', 'hub.topic': topic.url });
    await ping(world.hub, topic.url);
    await arrived('deliveries', callback.deliveries, 1);
  });

  it('a callback that knows neither key nor flag may always subscribe', async () => {
    const hub = await world.embedHub({ dev: false, flags: [...flags, '--publish', 'closed'] });
    const callback = world.callback();
    expect((await subscribe(hub, callback.url, world.topic().url)).status).toBe(202);
    await arrived('verifications', callback.intents, 1);
  });
});

function keyOf(row: Readonly<Record<string, unknown>>): unknown {
  return row['id'] ?? row['topic'];
}
