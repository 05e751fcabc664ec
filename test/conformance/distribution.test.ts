import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Reply } from '../support/listener.js';
import { linksOf } from '../support/http.js';
import {
  inState,
  listAll,
  ping,
  published,
  subscribe,
  subscribed,
  subscriptionsOf,
  type HubAddress,
} from '../support/requests.js';
import { CERTIFICATE, PRIVATE_KEY, writeCertificate } from '../support/tls.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld, useWorld, type World } from '../support/world.js';

const retries = ['--retry-delays', '0.1,0.1,0.1'];
const world = useWorld({ flags: retries });
/** Which thread signs, sends and reads the answer. */
const BY: readonly (readonly [by: string, where: World<HubAddress>])[] = [
  ["the hub's thread", world],
  ['delivery threads', useEmbeddedWorld({ flags: [...retries, '--workers', '2'] })],
];

describe('a delivery', () => {
  it('H38, H39 is a POST whose body is the payload, with the content type of the topic', async () => {
    const topic = world.topic();
    topic.body = '{"a":1}';
    topic.contentType = 'application/json';
    const callback = await world.subscriber(topic.url);
    await ping(world.hub, topic.url);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.method).toBe('POST');
    expect(delivery?.text).toBe('{"a":1}');
    expect(delivery?.headers['content-type']).toBe('application/json');
    expect(delivery?.headers['content-length']).toBe('7');
    expect(delivery?.headers['transfer-encoding']).toBeUndefined();
  });

  it.each([
    ['content', (topic: string) => published(world.hub, topic, 'by content')],
    ['ping', (topic: string) => ping(world.hub, topic)],
  ])('H42, H43, H44 by %s has one Link header that names the hub and the topic', async (_how, announce) => {
    const topic = world.topic('?a=1&b=%20x,y;z');
    const callback = await world.subscriber(topic.url);
    await announce(topic.url);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    const names = (delivery?.rawHeaders ?? []).filter((_each, index) => index % 2 === 0);
    expect(names.filter((name) => name.toLowerCase() === 'link')).toHaveLength(1);
    const links = linksOf(delivery?.headers['link']);
    expect(links.filter(({ rels }) => rels.includes('hub')).map(({ href }) => href)).toEqual([world.hub.url]);
    expect(links.filter(({ rels }) => rels.includes('self')).map(({ href }) => href)).toEqual([topic.url]);
  });

  it('H42 names the hub as it was told to call itself', async () => {
    const named = await world.startHub({ flags: ['--public-url', 'https://hub.example/push'] });
    const callback = world.callback();
    const topic = world.topic().url;
    await subscribed(named, callback, topic);
    await published(named, topic, 'an update');
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    const hubs = linksOf(delivery?.headers['link']).filter(({ rels }) => rels.includes('hub'));
    expect(hubs.map(({ href }) => href)).toEqual(['https://hub.example/push']);
  });

  it('H43 escapes what must not stand in a Link header', async () => {
    const topic = `${world.topics.origin}/x"y<z>;rel=hub,é`;
    const callback = world.callback();
    const answer = await subscribe(world.hub, callback.url, topic);
    if (answer.status === 400) return;
    await arrived('verifications', callback.intents, 1);
    await published(world.hub, topic, 'an update');
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    const links = linksOf(delivery?.headers['link']);
    expect(links).toHaveLength(2);
    expect(links.filter(({ rels }) => rels.includes('hub')).map(({ href }) => href)).toEqual([world.hub.url]);
    expect(delivery?.headers['link']).toMatch(/^[\x20-\x7e]+$/);
  });

  it.each(BY)(
    'carries Webhook-Id, Webhook-Timestamp, Hub-Cursor and Hub-Attempt; the id is the same on every attempt (%s)',
    async (_by, where) => {
      const topic = where.topic().url;
      const callback = where.callback();
      callback.onDelivery = (_delivery, nth) => ({ status: nth < 3 ? 500 : 204 });
      await subscribed(where.hub, callback, topic);
      const now = Date.now() / 1000;
      const cursor = await published(where.hub, topic, 'an update');
      const attempts = await arrived('attempts', callback.deliveries, 3);
      const values = (name: string): unknown[] => attempts.map(({ headers }) => headers[name]);
      const [id] = values('webhook-id');
      expect(id).toMatch(/^\S+$/);
      expect(values('webhook-id')).toEqual([id, id, id]);
      expect(values('hub-cursor')).toEqual([cursor, cursor, cursor]);
      expect(values('hub-attempt')).toEqual(['1', '2', '3']);
      for (const timestamp of values('webhook-timestamp')) {
        expect(timestamp).toMatch(/^\d+$/);
        expect(Math.abs(Number(timestamp) - now)).toBeLessThan(30);
      }
    },
  );

  it('gives different entries different ids, and all callbacks the same id of one entry', async () => {
    const topic = world.topic().url;
    const [one, two] = [await world.subscriber(topic), await world.subscriber(topic)];
    await published(world.hub, topic, 'first');
    await published(world.hub, topic, 'second');
    await arrived('deliveries', one.deliveries, 2);
    await arrived('deliveries', two.deliveries, 2);
    const ids = one.deliveries.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(2);
    expect(two.deliveries.map(({ headers }) => headers['webhook-id'])).toEqual(ids);
  });

  it('reaches everybody who subscribed to the topic, and nobody else', async () => {
    const [topic, other] = [world.topic().url, world.topic().url];
    const callbacks = await Promise.all(Array.from({ length: 10 }, () => world.subscriber(topic)));
    const stranger = await world.subscriber(other);
    await published(world.hub, topic, 'an update');
    for (const callback of callbacks) await arrived('deliveries', callback.deliveries, 1);
    await world.barrier(other, stranger);
    expect(stranger.texts).not.toContain('an update');
  });

  it('owes nothing that was published before the subscription', async () => {
    const topic = world.topic().url;
    await published(world.hub, topic, 'old');
    const callback = await world.subscriber(topic);
    await published(world.hub, topic, 'new');
    await arrived('deliveries', callback.deliveries, 1);
    expect(callback.texts).toEqual(['new']);
  });
});

describe('the signature', () => {
  it.each(['a secret of 20 bytes', 's', 'ß'.repeat(99), "it's: a=b&c+d%20"])(
    'H51, H52, H53, H55 is HMAC-SHA-256 in lower-case hex over the body, keyed by the secret %j',
    async (secret) => {
      const topic = world.topic().url;
      const callback = world.callback();
      await subscribed(world.hub, callback, topic, { 'hub.secret': secret });
      const body = Buffer.from([0, 255, 13, 10, 195, 40]);
      await published(world.hub, topic, body, { contentType: 'application/octet-stream' });
      const [delivery] = await arrived('deliveries', callback.deliveries, 1);
      expect(delivery?.headers['x-hub-signature']).toBe(
        `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      );
    },
  );

  it('H53 is over the bytes of a topic that was fetched, too', async () => {
    const topic = world.topic();
    topic.body = Buffer.from([0xe9, 0xff, 0x00]);
    topic.contentType = 'text/plain;charset=latin1';
    const callback = world.callback();
    await subscribed(world.hub, callback, topic.url, { 'hub.secret': 'a secret' });
    await ping(world.hub, topic.url);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    const expected = createHmac('sha256', 'a secret').update(topic.body).digest('hex');
    expect(delivery?.headers['x-hub-signature']).toBe(`sha256=${expected}`);
  });

  it.each(BY)('H51 is on every attempt (%s)', async (_by, where) => {
    const topic = where.topic().url;
    const callback = where.callback();
    callback.onDelivery = (_delivery, nth) => ({ status: nth < 3 ? 500 : 204 });
    await subscribed(where.hub, callback, topic, { 'hub.secret': 'a secret' });
    await published(where.hub, topic, 'an update');
    const attempts = await arrived('attempts', callback.deliveries, 3);
    const expected = `sha256=${createHmac('sha256', 'a secret').update('an update').digest('hex')}`;
    expect(attempts.map(({ headers }) => headers['x-hub-signature'])).toEqual([expected, expected, expected]);
  });

  it('H54 is absent without a secret', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(world.hub, callback, topic, { 'hub.secret': '' });
    const plain = await world.subscriber(topic);
    await published(world.hub, topic, 'an update');
    const [first] = await arrived('deliveries', callback.deliveries, 1);
    const [second] = await arrived('deliveries', plain.deliveries, 1);
    expect(first?.headers['x-hub-signature']).toBeUndefined();
    expect(second?.headers['x-hub-signature']).toBeUndefined();
  });

  it.each(BY)('H53 uses the secret of each subscription (%s)', async (_by, where) => {
    const topic = where.topic().url;
    const [one, two] = [where.callback(), where.callback()];
    await subscribed(where.hub, one, topic, { 'hub.secret': 'secret one' });
    await subscribed(where.hub, two, topic, { 'hub.secret': 'secret two' });
    await published(where.hub, topic, 'an update');
    const [first] = await arrived('deliveries', one.deliveries, 1);
    const [second] = await arrived('deliveries', two.deliveries, 1);
    expect(first?.headers['x-hub-signature']).not.toBe(second?.headers['x-hub-signature']);
  });
});

describe("a callback's answer", () => {
  it.each([200, 201, 202, 203, 204, 205, 206, 226, 299])('of %i means success', async (status) => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onDelivery = () => ({ status });
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'once');
    await published(world.hub, topic, 'next');
    await arrived('deliveries', callback.deliveries, 2);
    expect(callback.texts).toEqual(['once', 'next']);
  });

  it.each([
    300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 403, 404, 405, 409, 415, 422, 500, 501, 502, 504,
  ])('H45, H48 of %i is a failure, and the delivery is tried again', async (status) => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onDelivery = (_delivery, nth) => ({ status: nth === 1 ? status : 204 });
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'an update');
    const [, second] = await arrived('attempts', callback.deliveries, 2);
    expect(second?.headers['hub-attempt']).toBe('2');
    expect(callback.texts).toEqual(['an update', 'an update']);
  });

  it.each(
    [301, 302, 303, 307, 308].flatMap((status) => BY.map(([by, where]) => [status, by, where] as const)),
  )('H45 of %i is not followed (%s)', async (status, _by, where) => {
    const elsewhere = await where.callbackServer();
    const target = elsewhere.callback();
    const topic = where.topic().url;
    const callback = where.callback();
    callback.onDelivery = (_delivery, nth) =>
      nth === 1 ? { status, headers: { location: target.url } } : { status: 204 };
    await subscribed(where.hub, callback, topic);
    await published(where.hub, topic, 'an update');
    await arrived('attempts', callback.deliveries, 2);
    expect(elsewhere.connections()).toBe(0);
  });

  it.each(BY)(
    'H45 that is a broken connection, garbage or too many headers is a failure (%s)',
    async (_by, where) => {
      const bad: Reply[] = [
        'reset',
        (response) => response.socket?.end('this is not HTTP\r\n\r\n'),
        (response) =>
          response.socket?.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`),
      ];
      for (const reply of bad) {
        const topic = where.topic().url;
        const callback = where.callback();
        callback.onDelivery = (_delivery, nth) => (nth === 1 ? reply : { status: 204 });
        await subscribed(where.hub, callback, topic);
        await published(where.hub, topic, 'an update');
        await arrived('attempts', callback.deliveries, 2);
      }
    },
  );

  it('H47 has a body that does not matter: large, endless or odd', async () => {
    const server = await world.callbackServer();
    const bodies: Reply[] = [
      { status: 200, body: '<html>500 Internal Server Error</html>' },
      { status: 200, headers: { 'content-encoding': 'gzip' }, body: 'not gzip at all' },
      { status: 200, body: Buffer.alloc(1_000_000) },
      (response) => {
        response.writeHead(200, { 'content-type': 'text/plain' });
        const drip = setInterval(() => response.write('x'.repeat(10_000)), 5);
        response.on('close', () => clearInterval(drip));
      },
    ];
    for (const reply of bodies) {
      const topic = world.topic().url;
      const callback = server.callback();
      callback.onDelivery = () => reply;
      await subscribed(world.hub, callback, topic);
      await published(world.hub, topic, 'once');
      await published(world.hub, topic, 'next');
      await arrived('deliveries', callback.deliveries, 2);
      expect(callback.texts).toEqual(['once', 'next']);
    }
  });

  it.each(BY)(
    'H46 of 410 ends the subscription: no further attempt, no further update (%s)',
    async (_by, where) => {
      const topic = where.topic().url;
      const callback = where.callback();
      callback.onDelivery = () => ({ status: 410 });
      await subscribed(where.hub, callback, topic);
      await published(where.hub, topic, 'gone');
      await arrived('deliveries', callback.deliveries, 1);
      await until('it has ended', async () => (await subscriptionsOf(where.hub, callback.url)).length === 0);
      await where.barrier(topic, await where.subscriber(topic));
      expect(callback.texts).toEqual(['gone']);
    },
  );

  it('H46 of 410 ends the subscription of one topic and leaves the others of the callback', async () => {
    const [gone, kept] = [world.topic().url, world.topic().url];
    const callback = world.callback();
    callback.onDelivery = ({ text }) => ({ status: text === 'gone' ? 410 : 204 });
    await subscribed(world.hub, callback, gone);
    await subscribed(world.hub, callback, kept);
    await published(world.hub, gone, 'gone');
    await until('one is left', async () => (await subscriptionsOf(world.hub, callback.url)).length === 1);
    await published(world.hub, kept, 'kept');
    await until('it is delivered', () => callback.texts.includes('kept'));
  });

  it('H46 of 410 leaves a new subscription possible', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onDelivery = (_delivery, nth) => ({ status: nth === 1 ? 410 : 204 });
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'gone');
    await until('it has ended', async () => {
      return (
        callback.deliveries.length === 1 && (await subscriptionsOf(world.hub, callback.url)).length === 0
      );
    });
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'back');
    await until('it is delivered', () => callback.texts.at(-1) === 'back');
  });
});

describe('a failing callback', () => {
  it.each(BY)(
    'H48 is tried again as often as --retry-delays says, and then the entry is a dead letter (%s)',
    async (_by, where) => {
      const topic = where.topic().url;
      const callback = where.callback();
      callback.onDelivery = () => ({ status: 500 });
      await subscribed(where.hub, callback, topic);
      const cursor = await published(where.hub, topic, 'never taken', { id: 'poison' });
      await arrived('attempts', callback.deliveries, 4);
      const [letter] = await until('there is a dead letter', async () => {
        const letters = await listAll(where.hub, '/v1/dead-letters', { callback: callback.url });
        return letters.length > 0 && letters;
      });
      expect(letter).toMatchObject({ topic, callback: callback.url });
      expect(JSON.stringify(letter)).toContain('poison');
      expect(JSON.stringify(letter)).toContain(cursor.split('.')[1]);
      expect(callback.deliveries).toHaveLength(4);
    },
  );

  it('H49, H50 keeps its subscription, and is given the next update', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onDelivery = ({ text }) => ({ status: text === 'poison' ? 500 : 204 });
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'poison');
    await published(world.hub, topic, 'after the poison');
    await until('the next entry is delivered', () => callback.texts.includes('after the poison'));
    expect(callback.texts).toEqual(['poison', 'poison', 'poison', 'poison', 'after the poison']);
    await inState(world.hub, callback, 'active');
    await published(world.hub, topic, 'and on');
    await until('the next update is delivered', () => callback.texts.includes('and on'));
  });

  it('H49 is never dropped, however many updates fail', async () => {
    const hasty = await world.embedHub({ flags: ['--retry-delays', '0.01'] });
    const topic = world.topic().url;
    const callback = world.callback();
    let healthy = false;
    callback.onDelivery = () => ({ status: healthy ? 204 : 500 });
    await subscribed(hasty, callback, topic);
    for (let n = 0; n < 40; n++) await published(hasty, topic, `update ${n}`);
    await until(
      'all were tried twice',
      () => callback.texts.filter((text) => text === 'update 39').length === 2,
      15_000,
    );
    healthy = true;
    await published(hasty, topic, 'taken');
    await until('it is delivered', () => callback.texts.includes('taken'), 15_000);
    await inState(hasty, callback, 'active');
  });

  it('holds up nobody else of the topic', async () => {
    const topic = world.topic().url;
    const server = await world.callbackServer();
    const [hanging, failing] = [server.callback(), server.callback()];
    hanging.onDelivery = () => 'hang';
    failing.onDelivery = () => ({ status: 500 });
    await subscribed(world.hub, hanging, topic);
    await subscribed(world.hub, failing, topic);
    const healthy = await world.subscriber(topic);
    for (let n = 0; n < 5; n++) await published(world.hub, topic, `update ${n}`);
    await arrived('deliveries', healthy.deliveries, 5, 2_000);
  });

  it.each(BY)(
    'keeps the order of its entries: one request at a time, the next when the one before is settled (%s)',
    async (_by, where) => {
      const topic = where.topic().url;
      const callback = where.callback();
      let [inFlight, most] = [0, 0];
      callback.onDelivery = async (_delivery, nth) => {
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight--;
        return { status: nth % 3 === 1 ? 500 : 204 };
      };
      await subscribed(where.hub, callback, topic);
      for (let n = 0; n < 6; n++) await published(where.hub, topic, `update ${n}`);
      await until('the last is delivered', () => callback.deliveries.length >= 9);
      expect(most).toBe(1);
      const firsts = [...new Set(callback.texts)];
      expect(firsts).toEqual(Array.from({ length: 6 }, (_each, n) => `update ${n}`));
      expect(callback.texts).toEqual([...callback.texts].sort());
    },
  );
});

describe('the requests in flight', () => {
  it.each([
    ['--host-concurrency', ['--host-concurrency', '3'], 1],
    ['--max-in-flight', ['--max-in-flight', '3'], 2],
  ] as const)('are bounded by %s', async (_what, flags, hosts) => {
    const bounded = await world.embedHub({ flags });
    const servers = await Promise.all(Array.from({ length: hosts }, () => world.callbackServer()));
    const topic = world.topic().url;
    let [inFlight, most] = [0, 0];
    const callbacks = servers.flatMap((server) => Array.from({ length: 10 }, () => server.callback()));
    for (const callback of callbacks) {
      callback.onDelivery = async () => {
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setTimeout(resolve, 20));
        inFlight--;
        return { status: 204 };
      };
      await subscribed(bounded, callback, topic);
    }
    await published(bounded, topic, 'an update');
    for (const callback of callbacks) await arrived('deliveries', callback.deliveries, 1);
    expect(most).toBe(3);
  });
});

it('H10 a callback is verified at once, although deliveries to its origin hang', async () => {
  const bounded = await world.embedHub({ flags: ['--host-concurrency', '3'] });
  const server = await world.callbackServer();
  const topic = world.topic().url;
  const hanging = Array.from({ length: 3 }, () => server.callback());
  for (const callback of hanging) {
    callback.onDelivery = () => 'hang';
    await subscribed(bounded, callback, topic);
  }
  await published(bounded, topic, 'an update');
  for (const callback of hanging) await arrived('deliveries', callback.deliveries, 1);
  const newcomer = server.callback();
  await subscribe(bounded, newcomer.url, topic);
  await arrived('verifications', newcomer.intents, 1, 5_000);
});

describe.concurrent('a callback that is slow', () => {
  it.each(BY)(
    'H45 and never answers has failed after the time limit, and is tried again (%s)',
    async (_by, where) => {
      const server = await where.callbackServer();
      const callback = server.callback();
      callback.onDelivery = (_delivery, nth) => (nth === 1 ? 'hang' : { status: 204 });
      const topic = where.topic().url;
      await subscribed(where.hub, callback, topic);
      await published(where.hub, topic, 'an update');
      const [first, second] = await arrived('attempts', callback.deliveries, 2, 18_000);
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(5_000);
    },
  );
});

describe.concurrent('Retry-After', () => {
  it.each([429, 503])('H48 of a %i is honoured: not sooner, and then it is tried again', async (status) => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onDelivery = (_delivery, nth) =>
      nth === 1 ? { status, headers: { 'retry-after': '2' } } : { status: 204 };
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'an update');
    const [first, second] = await arrived('attempts', callback.deliveries, 2, 10_000);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_950);
    expect(second?.headers['hub-attempt']).toBe('2');
  });

  it('H48 may be a date', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onDelivery = (_delivery, nth) =>
      nth === 1
        ? { status: 503, headers: { 'retry-after': new Date(Date.now() + 3_000).toUTCString() } }
        : { status: 204 };
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'an update');
    const [first, second] = await arrived('attempts', callback.deliveries, 2, 12_000);
    // A date has whole seconds only.
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_900);
  });

  it('H48 that makes no sense does no harm', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    callback.onDelivery = (_delivery, nth) =>
      nth === 1 ? { status: 500, headers: { 'retry-after': 'soon, -1' } } : { status: 204 };
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'an update');
    await arrived('attempts', callback.deliveries, 2);
  });
});

describe('an https callback', () => {
  it('H56 is verified and served over TLS, never in the clear', async () => {
    const secure = await world.callbackServer({ tls: { key: PRIVATE_KEY, cert: CERTIFICATE } });
    const hub = await world.startHub({
      env: { NODE_EXTRA_CA_CERTS: await writeCertificate(world.hub.data) },
    });
    const callback = secure.callback('?a=b');
    const topic = world.topic().url;
    await subscribed(hub, callback, topic);
    await published(hub, topic, 'in private');
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(callback.url).toMatch(/^https:/);
    expect(delivery?.text).toBe('in private');
    expect(delivery?.path).toMatch(/\?a=b$/);
  });

  it('H56 whose certificate nobody vouches for is not verified', async () => {
    const secure = await world.callbackServer({ tls: { key: PRIVATE_KEY, cert: CERTIFICATE } });
    const callback = secure.callback();
    await subscribe(world.hub, callback.url, world.topic().url);
    await until('the hub has tried', () => secure.connections() > 0);
    await world.subscriber(world.topic().url);
    expect(callback.intents).toEqual([]);
  });
});
