import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHub } from '@websub/hub';
import { TestClock } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../contract/opener.js';
import {
  ADMIN,
  ADMIN_KEY,
  askTicket,
  bearer,
  createKey,
  GUARDED,
  postJson,
  revokeKey,
} from '../support/access.js';
import { send, sendRaw } from '../support/http.js';
import { listAll, postForm, publish, published, subscribed, unsubscribe } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({
  dev: false,
  flags: [...GUARDED, '--publish', 'closed', '--read', 'closed'],
});

const at = (path: string): string => new URL(path, world.hub.url).href;

describe('an API key', () => {
  it('is shown once, when it is made, and told to nobody on the way', async () => {
    const fields = { role: 'publisher', tenant: 'acme', name: 'shop', publish: ['https://shop.example/*'] };
    const answer = await postJson(world.hub, '/v1/credentials', fields);
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    const { key, ...view } = JSON.parse(answer.text) as Record<string, unknown>;
    expect(key).toMatch(/^publisher\.[\w-]{43}$/);
    expect(view).toMatchObject({ ...fields, read: [], expires_at: null });
    const rows = await listAll(world.hub, '/v1/credentials', { tenant: 'acme' }, ADMIN);
    expect(rows).toEqual([view]);
  });

  it('is listed page by page, by role and by tenant', async () => {
    const made = [];
    for (const tenant of ['one', 'two', 'one'])
      made.push(await createKey(world.hub, { role: 'reader', tenant, read: ['*'] }));
    const ids = (rows: readonly Readonly<Record<string, unknown>>[]): unknown[] => rows.map(({ id }) => id);
    const ofOne = [made[0]!.id, made[2]!.id].toSorted();
    expect(ids(await listAll(world.hub, '/v1/credentials', { tenant: 'one' }, ADMIN))).toEqual(ofOne);
    expect(ids(await listAll(world.hub, '/v1/credentials', { tenant: 'one', limit: 1 }, ADMIN))).toEqual(
      ofOne,
    );
    expect(await listAll(world.hub, '/v1/credentials', { tenant: 'two', role: 'admin' }, ADMIN)).toEqual([]);
  });

  it.each([
    [{}, 'role'],
    [{ role: 'owner' }, 'role'],
    [{ role: 'publisher' }, 'publish is missing'],
    [{ role: 'reader' }, 'read is missing'],
    [{ role: 'reader', read: ['*'], publish: ['*'] }, 'publisher'],
    [{ role: 'admin', read: ['*'] }, 'leave out'],
    [{ role: 'publisher', publish: ['https://shop.example*'] }, 'whole host'],
    [{ role: 'publisher', publish: 'https://shop.example/*' }, 'publish'],
    [{ role: 'reader', read: ['*'], tenant: 'a b' }, 'tenant'],
    [{ role: 'reader', read: ['*'], expires_in: 0.5 }, 'expires_in'],
    [{ role: 'reader', read: ['*'], expires_in: 1e13 }, 'ten years'],
    [{ role: 'reader', read: ['*'], secret: 'mine' }, 'secret is not known'],
    [[], ''],
    [null, ''],
    ['reader', ''],
  ])('is not made of %j: 400, with the cure', async (fields, cure) => {
    const answer = await postJson(world.hub, '/v1/credentials', fields);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.text).toContain(cure);
  });

  it('is made by nobody but who manages', async () => {
    const { key } = await createKey(world.hub, { role: 'publisher', publish: ['*'], read: ['*'] });
    const fields = { role: 'admin' };
    expect((await postJson(world.hub, '/v1/credentials', fields, {})).status).toBe(401);
    expect((await postJson(world.hub, '/v1/credentials', fields, bearer(key))).status).toBe(403);
    expect((await postJson(world.hub, '/v1/revocations', { tenant: 'x' }, bearer(key))).status).toBe(403);
    expect((await send(at('/v1/stats'), { headers: bearer(key) })).status).toBe(403);
    const admin = await createKey(world.hub, fields);
    expect((await send(at('/v1/stats'), { headers: bearer(admin.key) })).status).toBe(200);
  });

  it('is good as bearer, as password and as x-api-key', async () => {
    const { key } = await createKey(world.hub, { role: 'reader', read: ['*'] });
    const password = Buffer.from(`anybody:${key}`).toString('base64');
    for (const headers of [bearer(key), { authorization: `Basic ${password}` }, { 'x-api-key': key }])
      expect((await postJson(world.hub, '/v1/tickets', {}, headers)).status).toBe(201);
  });

  it.each([
    '.',
    '..',
    'reader',
    'reader.',
    '.secret',
    'reader.x',
    'constructor.x',
    '__proto__.x',
    `${'x'.repeat(8_000)}`,
    ADMIN_KEY.slice(1),
    `${ADMIN_KEY}x`,
    ADMIN_KEY.toUpperCase(),
    'eyJ.eyJ.x',
    '\u00e9'.repeat(20),
  ])('is not %s: 401, whatever its length', async (wrong) => {
    const answer = await askTicket(world.hub, wrong);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    expect(answer.text).not.toContain(wrong.length > 5 ? wrong : '\0');
  });

  it('is not another one with the same secret, or with a part of it', async () => {
    const { key } = await createKey(world.hub, { role: 'reader', read: ['*'] });
    const secret = key.slice('reader.'.length);
    for (const wrong of [
      secret,
      `admin.${secret}`,
      `publisher.${secret}`,
      key.slice(0, -1),
      `${key}A`,
      key.toUpperCase(),
    ])
      expect((await askTicket(world.hub, wrong)).status).toBe(401);
  });
});

describe('publishing with a key', () => {
  it('is for its topics only, by ping, by content and by registration', async () => {
    const hub = await world.embedHub({ dev: false, flags: [...GUARDED, '--publish', 'closed'] });
    const mine = `${world.topics.origin}/mine/1`;
    const other = `${world.topics.origin}/other/1`;
    const { key } = await createKey(hub, { role: 'publisher', publish: [`${world.topics.origin}/mine/*`] });
    const statuses = async (topic: string, headers: Readonly<Record<string, string>>): Promise<number[]> => {
      const answers = await Promise.all([
        publish(hub, topic, 'content', { headers }),
        postForm(hub, { 'hub.mode': 'publish', 'hub.url': topic }, headers),
        postForm(hub, { 'hub.mode': 'register', 'hub.topic': topic }, headers),
      ]);
      for (const { headers: had } of answers) expect(had['content-type']).toMatch(/^text\/plain/);
      return answers.map(({ status }) => status);
    };
    expect(await statuses(mine, bearer(key))).toEqual([202, 202, 202]);
    expect(await statuses(other, bearer(key))).toEqual([403, 403, 403]);
    expect(await statuses(mine, {})).toEqual([401, 401, 401]);
    const both = await postForm(hub, { 'hub.mode': 'publish', 'hub.url': [mine, other] }, bearer(key));
    expect(both.status).toBe(403);
  });

  it('a reader may do nothing but read', async () => {
    const topic = world.topic().url;
    const { key } = await createKey(world.hub, { role: 'reader', read: ['*'] });
    expect((await publish(world.hub, topic, 'content', { headers: bearer(key) })).status).toBe(403);
    expect((await postForm(world.hub, { 'hub.mode': 'publish', 'hub.url': topic }, bearer(key))).status).toBe(
      403,
    );
  });

  it('a credential that means nothing here takes nothing away from what anybody may', async () => {
    const hub = await world.embedHub({ dev: false, flags: [...GUARDED, '--publish', 'open'] });
    const answer = await publish(hub, world.topic().url, 'content', {
      headers: bearer('of-a-proxy-in-front'),
    });
    expect(answer.status).toBe(202);
  });
});

describe('subscribing where reading is closed', () => {
  it('needs a key for the topic; unsubscribing needs none', async () => {
    const topic = world.topic().url;
    const callback = world.callback();
    const { key } = await createKey(world.hub, { role: 'reader', read: [topic] });
    const ask = async (url: string, headers: Readonly<Record<string, string>>): Promise<number> =>
      (
        await postForm(
          world.hub,
          { 'hub.mode': 'subscribe', 'hub.callback': callback.url, 'hub.topic': url },
          headers,
        )
      ).status;
    expect(await ask(topic, {})).toBe(401);
    expect(await ask(world.topic().url, bearer(key))).toBe(403);
    expect(callback.intents).toEqual([]);
    expect(await ask(topic, bearer(key))).toBe(202);
    await until('it is active', async () => (await stateOf(callback.url)) === 'active');
    await published(world.hub, topic, 'for readers', { headers: ADMIN });
    await arrived('deliveries', callback.deliveries, 1);
    expect((await unsubscribe(world.hub, callback.url, topic)).status).toBe(202);
    await until('it has ended', async () => (await stateOf(callback.url)) === undefined);
  });
});

describe('revoking a key', () => {
  it('LAW 13: ends what was subscribed to with it within a second; the callback is told, and given nothing more', async () => {
    const topic = world.topic().url;
    const [mine, other] = [world.callback(), world.callback()];
    const key = await createKey(world.hub, { role: 'reader', read: [topic] });
    const another = await createKey(world.hub, { role: 'reader', read: [topic] });
    await subscribedWith(key.key, mine.url, topic);
    await subscribedWith(another.key, other.url, topic);
    await revokeKey(world.hub, key.id);
    const revokedAt = performance.now();
    await published(world.hub, topic, 'after', { headers: ADMIN });
    const denied = await until('it is told', () => mine.intents.find(({ mode }) => mode === 'denied'));
    expect(denied.at - revokedAt).toBeLessThan(1_000);
    expect(denied.query.get('hub.reason')).toContain('credential');
    await arrived('deliveries', other.deliveries, 1);
    expect(mine.deliveries).toEqual([]);
    expect(await stateOf(other.url)).toBe('active');
    expect((await askTicket(world.hub, key.key)).status).toBe(401);
  });

  it('cuts a publication off that is still being sent, and stores nothing of it', async () => {
    const topic = world.topic().url;
    const reader = await createKey(world.hub, { role: 'reader', read: [topic] });
    const callback = world.callback();
    await subscribedWith(reader.key, callback.url, topic);
    const { id, key } = await createKey(world.hub, { role: 'publisher', publish: [topic] });
    const head = `POST /?hub.mode=publish&hub.topic=${encodeURIComponent(topic)} HTTP/1.1\r\nHost: hub\r\n`;
    const sent = sendRaw(
      world.hub.url,
      `${head}Authorization: Bearer ${key}\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nhalf`,
      { timeoutMs: 10_000 },
    );
    // Answered on another connection after the upload has begun there.
    expect((await askTicket(world.hub, key)).status).toBe(201);
    await revokeKey(world.hub, id);
    const answer = await sent;
    expect([answer.status, answer.closed]).toEqual([401, true]);
    await published(world.hub, topic, 'whole', { headers: ADMIN });
    await arrived('deliveries', callback.deliveries, 1);
    expect(callback.texts).toEqual(['whole']);
  });

  it('that is not there is 404, and needs the admin key', async () => {
    const remove = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await send(at('/v1/credentials/none'), { method: 'DELETE', headers })).status;
    expect(await remove(ADMIN)).toBe(404);
    expect(await remove({})).toBe(401);
  });
});

describe('after a restart', () => {
  it('keys, revocations and what was subscribed to with them are as before, and a closed door stays closed', async () => {
    const flags = [...GUARDED, '--read', 'closed'];
    const hub = await world.startHub({ dev: false, flags });
    const topic = world.topic().url;
    const [kept, revoked] = [world.callback(), world.callback()];
    const good = await createKey(hub, { role: 'reader', read: [topic] });
    const bad = await createKey(hub, { role: 'reader', read: [topic] });
    await subscribedWith(good.key, kept.url, topic, hub);
    await subscribedWith(bad.key, revoked.url, topic, hub);
    await revokeKey(hub, bad.id);
    await hub.kill();
    await hub.restart();
    expect((await askTicket(hub, good.key)).status).toBe(201);
    expect((await askTicket(hub, bad.key)).status).toBe(401);
    await published(hub, topic, 'after', { headers: ADMIN });
    await arrived('deliveries', kept.deliveries, 1);
    await until('it is told', () => revoked.intents.some(({ mode }) => mode === 'denied'));
    expect(revoked.deliveries).toEqual([]);
  });

  it('what anybody subscribed to ends when reading was closed meanwhile', async () => {
    const data = await temporaryFolder();
    const open = await world.embedHub({ dev: false, data, flags: GUARDED });
    const topic = world.topic().url;
    const callback = world.callback();
    await subscribed(open, callback, topic);
    await until('it is active', async () => (await stateOf(callback.url, open)) === 'active');
    await open.stop();
    const closed = await world.embedHub({ dev: false, data, flags: [...GUARDED, '--read', 'closed'] });
    await until('it is told', () => callback.intents.some(({ mode }) => mode === 'denied'));
    await until('it has ended', async () => (await stateOf(callback.url, closed)) === undefined);
    await closed.stop();
  });
});

describe('an API key that expires', () => {
  it('opens nothing from then on, and ends what was begun with it', async () => {
    const clock = new TestClock(Date.now());
    const hub = await createHub({
      port: 0,
      data: ':memory:',
      read: 'closed',
      adminKey: ADMIN_KEY,
      allowNetwork: ['127.0.0.0/8'],
      ports: { clock },
    });
    try {
      const topic = world.topic().url;
      const callback = world.callback();
      const { key } = await createKey(hub, { role: 'reader', read: [topic], expires_in: 600 });
      await subscribedWith(key, callback.url, topic, hub);
      expect(callback.intents[0]?.query.get('hub.lease_seconds')).toBe('600');
      await clock.advance(599_000);
      expect((await askTicket(hub, key)).status).toBe(201);
      await published(hub, topic, 'before', { headers: ADMIN });
      await arrived('deliveries', callback.deliveries, 1);
      await clock.advance(1_001);
      expect((await askTicket(hub, key)).status).toBe(401);
      await published(hub, topic, 'after', { headers: ADMIN });
      await until('it has ended', async () => (await stateOf(callback.url, hub)) === undefined);
      expect(callback.texts).toEqual(['before']);
    } finally {
      await hub.stop();
    }
  });
});

describe('tenants', () => {
  it('26: of two tenants, none is given, or told of, anything of the other', async () => {
    const clock = new TestClock(Date.now());
    const hub = await createHub({
      port: 0,
      data: ':memory:',
      read: 'closed',
      publish: 'closed',
      adminKey: ADMIN_KEY,
      allowNetwork: ['127.0.0.0/8'],
      ports: { clock },
    });
    const tenants = ['red', 'blue'];
    try {
      const server = await world.callbackServer();
      const keys = await Promise.all(
        tenants.map((tenant) => {
          const topics = [`https://${tenant}.example/*`];
          return createKey(hub, { role: 'publisher', tenant, publish: topics, read: topics });
        }),
      );
      const callbacks = tenants.map(() => server.callback());
      for (let n = 0; n < 40; n++) {
        // The client's requests are bounded by the clock.
        await clock.advance(5_000);
        for (const [by, { key }] of keys.entries()) {
          for (const [of, tenant] of tenants.entries()) {
            const topic = `https://${tenant}.example/topics/${n}`;
            const asked = await postForm(
              hub,
              {
                'hub.mode': 'subscribe',
                'hub.callback': `${callbacks[by]!.url}/${n}/${of}`,
                'hub.topic': topic,
              },
              bearer(key),
            );
            expect(asked.status).toBe(by === of ? 202 : 403);
          }
        }
      }
      const active = async (): Promise<number> =>
        (await listAll(hub, '/v1/subscriptions', { state: 'active' }, ADMIN)).length;
      await until('all are active', async () => (await active()) === 80);
      for (let n = 0; n < 40; n++) {
        await clock.advance(5_000);
        for (const [by, { key }] of keys.entries()) {
          for (const [of, tenant] of tenants.entries()) {
            const topic = `https://${tenant}.example/topics/${n}`;
            const answer = await publish(hub, topic, `${tenants[by]} ${n}`, { headers: bearer(key) });
            expect(answer.status).toBe(by === of ? 202 : 403);
          }
        }
      }
      for (const [index, callback] of callbacks.entries()) {
        await arrived('deliveries', callback.deliveries, 40);
        expect(callback.texts.filter((text) => !text.startsWith(`${tenants[index]} `))).toEqual([]);
      }
    } finally {
      await hub.stop();
    }
  });
});

describe('LAW 10: secrets', () => {
  it('of credentials are in no log, no list, no metric, no error and no file', async () => {
    const hub = await world.startHub({
      dev: false,
      flags: [...GUARDED, '--read', 'closed', '--query-token', '--log-level', 'trace'],
    });
    const { key } = await createKey(hub, { role: 'publisher', publish: ['*'], read: ['*'] });
    const secret = key.slice('publisher.'.length);
    const ticket = JSON.parse((await askTicket(hub, key)).text) as { ticket: string };
    const topic = world.topic().url;
    await publish(hub, topic, 'content', { headers: bearer(key) });
    const seen = [
      await send(new URL(`/v1/nothing?token=${key}`, hub.url).href),
      await send(new URL(`/v1/stats?token=${key}`, hub.url).href),
      await send(new URL(`/nothing?ticket=${ticket.ticket}`, hub.url).href),
      await send(new URL('/v1/credentials', hub.url).href, { headers: ADMIN }),
      await send(new URL('/metrics', hub.url).href),
      await postJson(hub, '/v1/credentials', { role: key, name: key }),
      await postForm(hub, { 'hub.mode': 'register', 'hub.topic': topic }, { 'x-api-key': `${key}x` }),
    ];
    await hub.terminate();
    const files = await Promise.all(
      (await readdir(hub.data)).map((name) => readFile(join(hub.data, name), 'latin1')),
    );
    const told = [hub.output, ...files, ...seen.map(({ text }) => text)];
    for (const text of told) {
      for (const planted of [secret, ticket.ticket, ADMIN_KEY]) expect(text.includes(planted)).toBe(false);
    }
  });
});

async function stateOf(callback: string, hub: { readonly url: string } = world.hub): Promise<unknown> {
  const rows = await listAll(hub, '/v1/subscriptions', { callback }, ADMIN);
  return rows[0]?.['state'];
}

async function subscribedWith(
  key: string,
  callback: string,
  topic: string,
  hub: { readonly url: string } = world.hub,
): Promise<void> {
  const fields = { 'hub.mode': 'subscribe', 'hub.callback': callback, 'hub.topic': topic };
  const answer = await postForm(hub, fields, bearer(key));
  if (answer.status !== 202)
    throw new Error(`the subscription was answered ${answer.status}: ${answer.text}`);
  await until('it is active', async () => (await stateOf(callback, hub)) === 'active');
}
