import { describe, expect, it } from 'vitest';
import { ADMIN, ADMIN_KEY, bearer, createKey, GUARDED } from '../support/access.js';
import { send } from '../support/http.js';
import {
  listAll,
  ping,
  postForm,
  publish,
  statusAddress,
  subscribe,
  subscribed,
} from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

// Hardly anything is asked of the world's own hub here: these are hubs as they run in production, which refuse every
// address that is not public.
const world = useEmbeddedWorld();

/** Hosts of loopback, in every spelling that some library or other takes for it. */
const LOOPBACK = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '%31%32%37.0.0.1',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '0',
  '0.0.0.0',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
] as const;

/** Hosts of other ranges that are not public. */
const NOT_PUBLIC = [
  '10.0.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '192.0.0.1',
  '192.0.2.1',
  '192.168.0.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[fe80::1]',
  '[fec0::1]',
  '[fc00::1]',
  '[fd00::1]',
  '[ff02::1]',
  '[2001::1]',
  '[2001:db8::1]',
] as const;

const PUBLIC = 'http://example.com/x';

describe('an address that is not public, without --dev', () => {
  it('H8 is refused with 400 as a callback, in every spelling, and nobody connects to it', async () => {
    const hub = await world.embedHub({ dev: false });
    const victim = await world.callbackServer();
    const { port } = new URL(victim.origin);
    for (const host of [...LOOPBACK, ...NOT_PUBLIC]) {
      const answer = await subscribe(hub, `http://${host}:${port}/callback`, PUBLIC);
      expect(`${host} ${answer.status}`).toBe(`${host} 400`);
      expect(answer.text).toMatch(/hub\.callback/);
    }
    expect(victim.connections()).toBe(0);
  });

  it('H8 is refused with 400 as a topic of a subscription, in every spelling', async () => {
    const hub = await world.embedHub({ dev: false });
    for (const host of [...LOOPBACK, ...NOT_PUBLIC]) {
      const answer = await subscribe(hub, PUBLIC, `http://${host}:9/topic`);
      expect(`${host} ${answer.status}`).toBe(`${host} 400`);
      expect(answer.text).toMatch(/hub\.topic/);
    }
  });

  it('is not fetched for a ping: 400, or 202 as for every topic that nobody knows', async () => {
    const hub = await world.embedHub({ dev: false });
    const victim = await world.callbackServer();
    const { port } = new URL(victim.origin);
    for (const host of LOOPBACK) {
      expect([202, 400]).toContain((await ping(hub, `http://${host}:${port}/topic`)).status);
    }
    expect(victim.connections()).toBe(0);
  });

  it('behind a name is answered 202, and then nobody connects to it and nothing comes of it', async () => {
    const hub = await world.embedHub({ dev: false, flags: ['--admin-key', ADMIN_KEY] });
    const victim = await world.callbackServer();
    const callback = `http://localhost:${new URL(victim.origin).port}/callback`;
    const answer = await subscribe(hub, callback, PUBLIC);
    expect(answer.status).toBe(202);
    const headers = ADMIN;
    await until('the hub has settled it', async () => {
      const rows = await listAll(hub, '/v1/subscriptions', { state: 'pending' }, headers);
      return rows.length === 0;
    });
    const status = await send(statusAddress(answer), { headers: { accept: 'application/json' } });
    expect(status.body.toString()).toMatch(/it has an address that this hub may not connect to/);
    expect(await listAll(hub, '/v1/subscriptions', { state: 'active' }, headers)).toEqual([]);
    expect(victim.connections()).toBe(0);
  });

  it('is not reached by the redirect of a topic', async () => {
    const allowed = '127.0.0.2';
    const hub = await world.embedHub({ dev: false, flags: ['--allow-network', `${allowed}/32`] });
    const publisher = await world.topicServer({ host: allowed });
    const callbacks = await world.callbackServer({ host: allowed });
    const victim = await world.callbackServer();
    const { port } = new URL(victim.origin);
    const callback = callbacks.callback();
    for (const target of [
      `http://127.0.0.1:${port}/`,
      `http://localhost:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
    ]) {
      const topic = publisher.topic();
      topic.onRequest = (request, nth) =>
        nth === 1 ? { status: 302, headers: { location: target } } : topic.content(request);
      await subscribed(hub, callback, topic.url);
      await ping(hub, topic.url);
      await arrived('fetches', topic.requests, 1);
      const before = callback.deliveries.length;
      await ping(hub, topic.url);
      await arrived('deliveries', callback.deliveries, before + 1);
    }
    expect(callback.texts).toEqual(callback.texts.map(() => 'first content'));
    expect(victim.connections()).toBe(0);
  });

  it('is reached when --allow-network names it, and no other is', async () => {
    const hub = await world.embedHub({ dev: false, flags: ['--allow-network', '127.0.0.1/32'] });
    const callback = world.callback();
    await subscribed(hub, callback, `${world.topics.origin}/x`);
    expect((await subscribe(hub, 'http://127.0.0.3/callback', `${world.topics.origin}/x`)).status).toBe(400);
  });

  it('is reached as a callback only, or as a topic only, when a rule of its own names it', async () => {
    const [callbacksAt, topicsAt] = ['127.0.0.2', '127.0.0.3'];
    const flags = [
      ['--allow-callback-network', `${callbacksAt}/32`],
      ['--allow-topic-network', `${topicsAt}/32`],
    ];
    const hub = await world.embedHub({ dev: false, flags: flags.flat() });
    const publisher = await world.topicServer({ host: topicsAt });
    const callback = (await world.callbackServer({ host: callbacksAt })).callback();
    const inside = (await world.topicServer({ host: callbacksAt })).topic();
    const topic = publisher.topic();
    await subscribed(hub, callback, topic.url);

    // A topic may not lead to where callbacks are, not even by a redirect.
    topic.onRequest = () => ({ status: 302, headers: { location: inside.url } });
    await ping(hub, topic.url);
    await arrived('fetches', topic.requests, 1);
    topic.onRequest = (request) => topic.content(request);
    await ping(hub, topic.url);
    await arrived('deliveries', callback.deliveries, 1);

    expect((await subscribe(hub, callback.url, inside.url)).status).toBe(400);
    expect((await subscribe(hub, `${publisher.origin}/callback`, topic.url)).status).toBe(400);
    expect(inside.requests).toEqual([]);
  });
});

describe('an address that --dev does not open either', () => {
  it.each(['169.254.169.254', '10.0.0.1', '192.168.0.1', '[fe80::1]', '[fd00::1]', '0.0.0.0'])(
    '%s is refused',
    async (host) => {
      expect((await subscribe(world.hub, `http://${host}/callback`, PUBLIC)).status).toBe(400);
    },
  );
});

describe('a client that asks too much, without --dev', () => {
  it('is answered 429 with Retry-After, and a callback host is not flooded', async () => {
    const hub = await world.embedHub({ dev: false, flags: ['--allow-network', '127.0.0.0/8'] });
    const answers = await Promise.all(
      Array.from({ length: 120 }, () => subscribe(hub, world.callback().url, `${world.topics.origin}/x`)),
    );
    const counted = new Map<number, number>();
    for (const { status } of answers) counted.set(status, (counted.get(status) ?? 0) + 1);
    expect([...counted.keys()].toSorted((a, b) => a - b)).toEqual([202, 429]);
    expect(counted.get(202)).toBeLessThanOrEqual(60);
    for (const { status, headers, text } of answers) {
      if (status !== 429) continue;
      expect(headers['retry-after']).toMatch(/^\d+$/);
      expect(text).not.toBe('');
    }
  });

  it('for one and the same subscription is answered 429 after a few', async () => {
    const hub = await world.embedHub({ dev: false, flags: ['--allow-network', '127.0.0.0/8'] });
    const callback = world.callback();
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) {
      statuses.push((await subscribe(hub, callback.url, `${world.topics.origin}/x`)).status);
    }
    expect(statuses.slice(0, 5)).toEqual([202, 202, 202, 202, 202]);
    expect(statuses.slice(6)).toContain(429);
    expect(callback.intents.length).toBeLessThanOrEqual(statuses.filter((status) => status === 202).length);
  });

  it('is counted by its /64 where it has an IPv6 address, and alone where it has an IPv4 one', async () => {
    const flags = ['--trust-proxy', '127.0.0.0/8'];
    const hub = await world.embedHub({ dev: false, flags });
    const ask = async (client: string): Promise<number> => {
      const headers = { 'x-forwarded-for': client };
      return (await send(new URL('/status/nothing', hub.url).href, { headers })).status;
    };
    const of = (clientOf: (n: number) => string): Promise<number[]> =>
      Promise.all(Array.from({ length: 150 }, (_each, n) => ask(clientOf(n))));
    expect(await of((n) => `2001:db8:0:1::${n.toString(16)}`)).toContain(429);
    expect(await ask('2001:db8:0:2::1')).toBe(404);
    expect(await of((n) => `203.0.113.${n}`)).not.toContain(429);
    expect(await of((n) => (n % 2 === 0 ? '198.51.100.7' : '::ffff:198.51.100.7'))).toContain(429);
  });

  it("publishes as fast as the hub can with a publisher's credential, and subscribes no faster", async () => {
    const hub = await world.embedHub({ dev: false, flags: GUARDED });
    const topic = `${world.topics.origin}/x`;
    const headers = bearer((await createKey(hub, { role: 'publisher', publish: ['*'] })).key);
    const many = async (request: (n: number) => Promise<{ readonly status: number }>): Promise<number[]> => {
      const answers = await Promise.all(Array.from({ length: 150 }, (_each, n) => request(n)));
      return [...new Set(answers.map(({ status }) => status))].toSorted((a, b) => a - b);
    };
    const pings = (more: Readonly<Record<string, string>>) =>
      many(() => postForm(hub, { 'hub.mode': 'publish', 'hub.url': topic }, more));
    expect(await many(() => publish(hub, topic, 'x', { headers }))).toEqual([202]);
    expect(await pings(headers)).toEqual([202]);
    const subscriptions = await many((n) =>
      postForm(
        hub,
        { 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.callback': `http://127.0.0.${n}:9/callback` },
        headers,
      ),
    );
    expect(subscriptions).toEqual([202, 429]);
    expect(await pings({ authorization: 'Bearer another' })).toContain(429);
  });

  it('a callback that never answers is asked at most three times for each request', async () => {
    // The second and third try come after 5 and 30 s: this sees the first two.
    const hub = await world.embedHub({ dev: false, flags: ['--allow-network', '127.0.0.0/8'] });
    const callback = world.callback();
    callback.onIntent = () => ({ status: 500 });
    await postForm(hub, {
      'hub.mode': 'subscribe',
      'hub.callback': callback.url,
      'hub.topic': `${world.topics.origin}/x`,
    });
    await arrived('verifications', callback.intents, 2, 15_000);
    expect(callback.intents).toHaveLength(2);
  });
});

it('a secret that came over plain http is refused, unless it came from this machine or the own network', async () => {
  const hub = await world.embedHub({
    dev: false,
    flags: ['--allow-network', '127.0.0.0/8,10.0.0.0/8', '--trust-proxy', '127.0.0.0/8'],
  });
  const ask = async (headers: Readonly<Record<string, string>>) => {
    const fields = {
      'hub.mode': 'subscribe',
      'hub.topic': `${world.topics.origin}/x`,
      'hub.callback': world.callback().url,
    };
    const withSecret = await postForm(hub, { ...fields, 'hub.secret': 's3cret' }, headers);
    expect((await postForm(hub, fields, headers)).status).toBe(202);
    return withSecret;
  };
  const refused = await ask({ 'x-forwarded-for': '198.51.100.7' });
  expect([refused.status, refused.text]).toEqual([
    400,
    'hub.secret came over plain http, where others can read it: send it over https, or leave it out\n',
  ]);
  const tls = { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https' };
  for (const headers of [tls, {}, { 'x-forwarded-for': '10.1.2.3' }])
    expect((await ask(headers)).status).toBe(202);
});
