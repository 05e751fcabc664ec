import { afterEach, describe, expect, it } from 'vitest';
import { ADMIN, bearer, createKey, GUARDED, revokeKey, ticketOf } from '../support/access.js';
import { keepPublishing, upTo } from '../support/keep-publishing.js';
import { publish, published, residentBytes } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';
import { returning, Ws, type Word, type WsOptions } from '../support/ws-clients.js';

const ORDERS = 'https://shop.example/orders';
const SALARIES = 'https://shop.example/salaries';
const world = useWorld();
const guarded = useWorld({
  dev: false,
  flags: [...GUARDED, '--read', 'closed', '--streams-per-address', '3'],
});
const clients: { close(): void }[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await until('nobody is connected', async () => (await guardedStreams()) === 0);
});

async function guardedStreams(): Promise<number> {
  const response = await fetch(new URL('/metrics', guarded.hub.url));
  return Number(/^websub_streams (\d+)/m.exec(await response.text())?.[1]);
}

async function open(hub = world.hub, options: WsOptions = {}): Promise<Ws> {
  const client = await Ws.open(hub, options);
  clients.push(client);
  return client;
}

const sub = (topic: string, more: object = {}): Word => ({ op: 'sub', sid: 's', topics: [topic], ...more });

describe('readers over WebSocket', () => {
  it('miss nothing and have nothing twice when the hub is killed, and when it is stopped, and started again under them', async () => {
    const topic = 'https://shop.example/ws/restarted';
    const readers = (['ws', 'ws', 'node', 'node'] as const).map((client) =>
      returning(client, world.hub, [topic]),
    );
    clients.push(...readers);
    const publisher = keepPublishing(world.hub, topic);
    for (const end of [() => world.hub.kill(), () => world.hub.terminate()]) {
      const before = readers.map(({ data }) => data.length);
      await until(
        'every reader gets on',
        () => readers.every(({ data }, nth) => data.length > before[nth]! + 5),
        30_000,
      );
      await end();
      await world.hub.restart();
    }
    await until('every reader is back', () => readers.every(({ connections }) => connections() >= 3), 30_000);
    const count = await publisher.stop();
    await until(
      'every reader has everything',
      () => readers.every(({ data }) => data.length >= count),
      30_000,
    );
    for (const { data, words } of readers) {
      expect(data).toEqual(upTo(count));
      expect(words.filter(({ op }) => op === 'gap' || op === 'err')).toEqual([]);
    }
  }, 90_000);

  it('LAW 7: one that takes nothing costs the others nothing, and has everything when it takes again', async () => {
    const topic = 'https://shop.example/ws/stalled';
    const bodyBytes = 256 * 1024;
    const count = 120;
    const stalled = await Promise.all(Array.from({ length: 10 }, () => open()));
    const taking = await Promise.all(Array.from({ length: 3 }, () => open()));
    for (const client of [...stalled, ...taking]) await client.ask(sub(topic));
    for (const client of stalled) client.pause();
    const before = await residentBytes(world.hub);
    for (let nth = 0; nth < count; nth++) {
      const { status } = await publish(world.hub, topic, `${nth} ${'x'.repeat(bodyBytes)}`);
      expect(status).toBe(202);
      // Each of them has it although ten others take nothing.
      await Promise.all(taking.map((client) => client.gets(nth + 1)));
    }
    // A queue for each of the ten would be 300 MiB.
    expect((await residentBytes(world.hub)) - before).toBeLessThan(200 * 1024 * 1024);
    const [first] = stalled;
    first!.resume();
    const data = await first!.gets(count, 30_000);
    expect(data.map((text) => String(text).split(' ', 1)[0])).toEqual(upTo(count));
  }, 60_000);

  it('and over Server-Sent Events go on where the other left off: a cursor is a place in the one log', async () => {
    const topic = 'https://shop.example/ws/cursor';
    const cursor = await published(world.hub, topic, 'one');
    await published(world.hub, topic, 'two');
    const client = await open();
    await client.ask(sub(topic, { from: cursor }));
    expect(await client.gets(1)).toEqual(['two']);
  });

  it('are given JSON that nests too deep as text, and the hub goes on', async () => {
    const topic = 'https://shop.example/ws/deep';
    const [deep, client] = ['['.repeat(50_000) + ']'.repeat(50_000), await open()];
    await client.ask(sub(topic, { where: ['payload.a!=1'] }));
    await published(world.hub, topic, deep, { contentType: 'application/json' });
    await published(world.hub, topic, 'next');
    expect(await client.gets(2)).toEqual([deep, 'next']);
    client.say({ op: 'pub', topic, data: JSON.parse('['.repeat(3_000) + ']'.repeat(3_000)) as unknown });
    await until('it is closed', () => client.closed !== undefined);
    expect(client.closed).toBe(4400);
    expect(world.hub.running).toBe(true);
  });

  it('publish too, to callbacks as to readers', async () => {
    const topic = 'https://shop.example/ws/published';
    const callback = await world.subscriber(topic);
    const client = await open();
    const answer = await client.ask({ op: 'pub', topic, id: 'order-7', type: 'paid', data: { id: 7 } });
    expect(answer).toMatchObject({ op: 'ok', ref: 'pub', id: 'order-7' });
    await until('the callback has it', () => callback.texts.length === 1);
    expect(callback.texts).toEqual(['{"id":7}']);
    expect(callback.deliveries[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'order-7',
    });
    const again = await client.ask({ op: 'pub', topic, id: 'order-7', type: 'paid', data: { id: 7 } });
    expect(again['cursor']).toBe(answer['cursor']);
  });
});

describe('who may read over WebSocket', () => {
  const readerOf = (...read: readonly string[]) => createKey(guarded.hub, { role: 'reader', read });
  const order = (text: string): Promise<string> => published(guarded.hub, ORDERS, text, { headers: ADMIN });

  it('a credential opens the topics that it names, and no other, however it is shown', async () => {
    const { key } = await readerOf(ORDERS);
    const ticket = await ticketOf(guarded.hub, key);
    const asSubprotocol = `hub.bearer.${Buffer.from(key).toString('base64url')}`;
    const shown = [
      await open(guarded.hub, { headers: bearer(key) }),
      await open(guarded.hub, { subprotocols: ['hub.v1.json', asSubprotocol] }),
      await open(guarded.hub, { query: `?ticket=${ticket}` }),
    ];
    for (const client of shown) {
      expect(await client.ask(sub(SALARIES))).toMatchObject({
        op: 'err',
        code: 4403,
        error: 'forbidden_topic',
      });
      expect(await client.ask(sub(ORDERS))).toMatchObject({ op: 'ok' });
    }
    await order('one');
    for (const client of shown) expect(await client.gets(1)).toEqual(['one']);
    expect(guarded.hub.output).not.toContain(key);
  });

  it('a credential that is not good is answered by a close frame', async () => {
    const client = await open(guarded.hub, { headers: bearer('reader.wrong') });
    await until('it is closed', () => client.closed !== undefined);
    expect([client.closed, client.words]).toEqual([
      4401,
      [{ op: 'bye', code: 4401, reason: 'unauthorized', reconnect: false }],
    ]);
  });

  it('one connection too many is told when to come back', async () => {
    for (let nth = 0; nth < 3; nth++) await open(guarded.hub, { headers: ADMIN });
    const refused = await open(guarded.hub, { headers: ADMIN });
    await until('it is closed', () => refused.closed !== undefined);
    expect(refused.closed).toBe(4013);
    expect(refused.words).toMatchObject([{ op: 'bye', code: 4013, reason: 'busy', reconnect: true }]);
  });

  it('LAW 13: a pattern gives the topics that the credential allows, of what was stored and of what comes', async () => {
    await published(guarded.hub, SALARIES, 'secret', { headers: ADMIN });
    await order('one');
    const { key } = await readerOf(ORDERS);
    const client = await open(guarded.hub, { headers: bearer(key) });
    await client.ask({ op: 'sub', sid: 's', match: ['*'], from: { last: 2 } });
    await published(guarded.hub, SALARIES, 'secret', { headers: ADMIN });
    await order('two');
    expect(await client.gets(2)).toEqual(['one', 'two']);
  });

  it('LAW 13: a connection ends when its credential is revoked, and nothing more is given', async () => {
    const { id, key } = await readerOf(ORDERS);
    const client = await open(guarded.hub, { headers: bearer(key) });
    await client.ask(sub(ORDERS));
    await order('one');
    await client.gets(1);
    await revokeKey(guarded.hub, id);
    await order('two');
    await until('it is closed', () => client.closed !== undefined);
    expect([client.closed, client.data]).toEqual([4499, ['one']]);
  });

  it('LAW 13: a connection ends when its credential expires, and its client is told before', async () => {
    const { key } = await createKey(guarded.hub, { role: 'reader', read: [ORDERS], expires_in: 2 });
    const client = await open(guarded.hub, { headers: bearer(key) });
    await until('it is closed', () => client.closed !== undefined);
    expect(client.words.map(({ op }) => op)).toEqual(['welcome', 'expiring', 'bye']);
    expect(client.closed).toBe(4401);
  });

  it('LAW 13: another credential on the way takes the place of the one before, subscriptions included', async () => {
    const [both, one] = [await readerOf(ORDERS, SALARIES), await readerOf(ORDERS)];
    const client = await open(guarded.hub, { headers: bearer(both.key) });
    await client.ask(sub(ORDERS, { sid: 'orders' }));
    await client.ask(sub(SALARIES, { sid: 'salaries' }));
    expect(await client.ask({ op: 'auth', token: one.key })).toEqual({ op: 'ok', ref: 'auth', exp: null });
    await until('a subscription has ended', () => client.of('err').length === 1);
    expect(client.of('err')).toMatchObject([{ ref: 'sub', sid: 'salaries', code: 4403 }]);
    await revokeKey(guarded.hub, both.id);
    await published(guarded.hub, SALARIES, 'secret', { headers: ADMIN });
    await order('one');
    expect(await client.gets(1)).toEqual(['one']);
    expect(client.closed).toBeUndefined();
  });
});
