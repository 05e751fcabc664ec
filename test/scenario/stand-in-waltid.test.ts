import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EventSource } from 'eventsource';
import { afterEach, describe, expect, it } from 'vitest';
import { ADMIN, bearer, createKey, GUARDED, revokeKey } from '../support/access.js';
import type { Answer } from '../support/http.js';
import { manage, subscription } from '../support/manage.js';
import { listAll, publish, published, type HubAddress, type Row } from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { itSurvives, type Survival } from '../support/survival.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld({ flags: ['--retry-delays', '0.05,0.05'] });
const clients: { close(): void }[] = [];
let targets = 0;

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function newTarget(): string {
  targets += 1;
  return `session-${targets}`;
}

function updateOf(target: string, nth: number, more: object = {}): object {
  return { target, event: 'STATUS_CHANGED', session: { status: 'ACTIVE', nth }, ...more };
}

async function update(target: string, nth: number, hub: HubAddress = world.hub): Promise<void> {
  const path = `/targets/${target}/updates?hub.id=update-${nth}`;
  const answer = await manage(hub, 'POST', path, updateOf(target, nth));
  if (answer.status !== 202) throw new Error(`the update was answered ${answer.status}: ${answer.text}`);
}

/** Publishes the update, however often the hub is killed meanwhile. */
async function updateInTheEnd(target: string, nth: number): Promise<void> {
  await until('the update is accepted', () =>
    update(target, nth).then(
      () => true,
      () => false,
    ),
  );
}

function addressOf(path: string): string {
  return new URL(path, world.hub.url).href;
}

async function open(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Stream> {
  const stream = await Stream.open(addressOf(path), { headers });
  clients.push(stream);
  return stream;
}

const numbersOf = (data: readonly string[]): number[] =>
  data.map((text) => (JSON.parse(text) as { nth: number }).nth);
const upTo = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_each, nth) => first + nth);

const SURVIVALS: Readonly<Record<string, Survival>> = {
  async *'S000: 12 updates before any subscriber are the last 10 for an unmodified EventSource, with ids, and a kill in between loses and repeats none'() {
    const target = newTarget();
    for (const nth of upTo(1, 12)) await update(target, nth);
    const got: { readonly id: string; readonly data: string }[] = [];
    const source = new EventSource(addressOf(`/sse/${target}`));
    source.addEventListener(
      'STATUS_CHANGED',
      ({ data, lastEventId }: { data: string; lastEventId: string }) => got.push({ data, id: lastEventId }),
    );
    await until('it has the last ten', () => got.length >= 10);
    yield;
    yield;
    clients.push(source);
    for (const nth of upTo(13, 20)) await updateInTheEnd(target, nth);
    await until('it has everything', () => got.length >= 18, 30_000);
    expect(numbersOf(got.map(({ data }) => data))).toEqual(upTo(3, 20));
    expect(got.map(({ id }) => id).filter((id) => !/^\w+\.\d+$/.test(id))).toEqual([]);
  },

  async *'a webhook goes on with its credential, and ends when it is removed'(hub) {
    const target = newTarget();
    const callback = world.callback();
    const { subscription: id } = await webhookOf(target, { url: callback.url, bearer_token: 'kept' });
    expect(await subscription(hub, String(id))).toMatchObject({
      lease_seconds: null,
      lease_ends_at: null,
    });
    yield;
    yield;
    await update(target, 1);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery!.headers['authorization']).toBe('Bearer kept');
    const removed = await manage(hub, 'DELETE', `/targets/${target}/notifications`);
    expect(removed.status).toBe(204);
    for (const method of ['GET', 'DELETE'])
      expect((await manage(hub, method, `/targets/${target}/notifications`)).status).toBe(404);
    expect((await manage(hub, 'GET', `/subscriptions/${String(id)}`)).status).toBe(404);
    expect(callback.intents).toEqual([]);
  },
};

describe('when the hub is killed and started again', () => {
  itSurvives(() => world.hub, SURVIVALS);
});

describe('the streams of walt.id', () => {
  it('is the session in an event of its name, byte for byte as it was published', async () => {
    const target = newTarget();
    const session = '{ "status" : "ACTIVE", "serial": 12345678901234567890 }';
    const body = `{"target":"${target}",\n "event":"issuance_status_changed",\n "session": ${session}}`;
    const answer = await fetch(addressOf(`/v1/targets/${target}/updates`), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const { cursor } = (await answer.json()) as { cursor: string };
    const stream = await open(`/sse/${target}`);
    await until('it is there', () => stream.events.length > 0);
    expect(stream.text).toMatch(/^:\nretry: \d+\n/);
    expect(stream.text.replace(/^:\nretry: \d+\n/, '')).toBe(
      `id: ${cursor}\nevent: issuance_status_changed\ndata: ${session}\n\n`,
    );
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
    });
  });

  it.each([
    ['/verification-session/TARGET/events', undefined],
    ['/issuer2/sessions/TARGET/events', undefined],
    ['/issuer2/events', 'issuer2'],
  ])('%s begins with data: {} and gives whole updates without a name', async (path, fixed) => {
    const target = fixed ?? newTarget();
    const stream = await open(path.replace('TARGET', target));
    expect(await stream.gets(1)).toEqual(['{}']);
    await update(target, 1);
    const messages = await stream.gets(2);
    expect(JSON.parse(messages[1]!)).toEqual(updateOf(target, 1));
    expect(stream.text.replace(/^:\nretry: \d+\n/, '')).toMatch(
      /^data: \{\}\n\nid: \w+\.\d+\ndata: \{"target".*\}\n\n$/,
    );
  });

  it('resumes behind the id that a client comes back with, and begins where since says', async () => {
    const target = newTarget();
    for (const nth of upTo(1, 12)) await update(target, nth);
    const first = await open(`/sse/${target}?since=earliest`);
    await until('everything is there', () => first.events.length >= 12);
    const back = await open(`/sse/${target}`, { 'last-event-id': first.events[4]!.id });
    await until('the rest is there', () => back.events.length >= 7);
    expect(numbersOf(back.events.map(({ data }) => data))).toEqual(upTo(6, 12));
  });

  it('LAW 7: a stream that takes nothing delays no publication', async () => {
    const target = newTarget();
    const stalled = await Stream.open(addressOf(`/sse/${target}`), { paused: true });
    const taking = await open(`/sse/${target}`);
    clients.push(stalled);
    const padding = 'x'.repeat(128 * 1024);
    // More than any buffer on the way holds; walt.id's own publisher waits from the eleventh on.
    for (const nth of upTo(1, 100)) {
      const body = updateOf(target, nth, { requestId: padding });
      expect((await manage(world.hub, 'POST', `/targets/${target}/updates`, body)).status).toBe(202);
    }
    await until('the other has everything', () => taking.events.length >= 100);
    stalled.resume();
    await until('so has the one that stalled', () => stalled.events.length >= 100);
    expect(numbersOf(stalled.events.map(({ data }) => data))).toEqual(upTo(1, 100));
  });

  it('LAW 12: what is missing is told in a comment, which no client of walt.id takes for an update', async () => {
    const target = newTarget();
    await update(target, 1);
    const stream = await open(`/sse/${target}`, { 'last-event-id': 'elsewhere.7' });
    await until('it is there', () => stream.events.length > 0);
    expect(stream.text).toMatch(/\n: gap \{"requested":"elsewhere\.7",.*"reason":"epoch"\}\n/);
    expect(numbersOf(stream.events.map(({ data }) => data))).toContain(1);
  });

  it('gives what else is published to its topic as it is', async () => {
    const target = newTarget();
    const topic = `${world.hub.url}targets/${target}`;
    await published(world.hub, topic, 'plain text', { type: 'note' });
    const stream = await open(`/sse/${target}`);
    await until('it is there', () => stream.events.length > 0);
    expect(stream.events).toMatchObject([{ name: 'note', data: 'plain text' }]);
  });
});

async function webhookOf(target: string, block: object, hub: HubAddress = world.hub): Promise<Row> {
  const answer = await manage(hub, 'PUT', `/targets/${target}/notifications`, { webhook: block });
  if (answer.status !== 200) throw new Error(`the webhook was answered ${answer.status}: ${answer.text}`);
  return JSON.parse(answer.text) as Row;
}

describe('the webhook of a target', () => {
  it.each([
    [
      'Basic',
      { basic_auth_username: 'user', basic_auth_password: 'pass:word ü' },
      `Basic ${btoa('user:pass:word Ã¼')}`,
    ],
    ['Bearer', { bearer_token: 'secret-token' }, 'Bearer secret-token'],
    ['no', {}, undefined],
  ])(
    'S000: is given each update as it was published, with %s authentication, and is asked nothing before',
    async (_scheme, credentials, header) => {
      const target = newTarget();
      const callback = world.callback();
      const set = await webhookOf(target, { url: callback.url, ...credentials });
      expect(set).toMatchObject({
        webhook: { url: callback.url, authorization: header?.split(' ')[0]?.toLowerCase() ?? null },
        state: 'active',
      });
      await update(target, 1);
      const [delivery] = await arrived('deliveries', callback.deliveries, 1);
      expect(JSON.parse(delivery!.text)).toEqual(updateOf(target, 1));
      expect(delivery!.headers['content-type']).toBe('application/json');
      expect(delivery!.headers['authorization']).toBe(header);
      expect(callback.intents).toEqual([]);
      const again = await manage(world.hub, 'GET', `/targets/${target}/notifications`);
      expect(JSON.parse(again.text)).toEqual(set);
      expect(again.text).not.toMatch(/pass|secret/);
    },
  );

  it('is tried again, is a dead letter at last, and is delivered after all when somebody asks', async () => {
    const target = newTarget();
    const callback = world.callback();
    callback.onDelivery = (_delivery, nth) => ({ status: nth <= 3 ? 500 : 204 });
    const { subscription: id } = await webhookOf(target, { url: callback.url, bearer_token: 'token' });
    await update(target, 1);
    const topic = `${world.hub.url}targets/${target}`;
    const [letter] = await until('it is a dead letter', async () => {
      const letters = await listAll(world.hub, '/v1/dead-letters', { topic });
      return letters.length > 0 && letters;
    });
    expect(letter).toMatchObject({ subscription: id, reason: 'gave-up', attempts: 3 });
    await manage(world.hub, 'POST', '/dead-letters/redeliver', { topic });
    const deliveries = await arrived('attempts', callback.deliveries, 4);
    expect(deliveries.map(({ headers }) => headers['authorization'])).toEqual(Array(4).fill('Bearer token'));
  });

  it('that takes the place of another is given what that one was still owed, and the other nothing more', async () => {
    const target = newTarget();
    const wrong = world.callback();
    const right = world.callback();
    wrong.onDelivery = () => ({ status: 500 });
    const patient = await world.embedHub({ flags: ['--retry-delays', '600'] });
    await webhookOf(target, { url: wrong.url }, patient);
    await update(target, 1, patient);
    await arrived('attempts', wrong.deliveries, 1);
    await webhookOf(target, { url: right.url }, patient);
    await update(target, 2, patient);
    const deliveries = await arrived('deliveries', right.deliveries, 2);
    expect(
      numbersOf(
        deliveries.map(({ text }) => JSON.stringify((JSON.parse(text) as { session: object }).session)),
      ),
    ).toEqual([1, 2]);
    expect(wrong.deliveries).toHaveLength(1);
    expect(await listAll(patient, '/v1/subscriptions')).toHaveLength(1);
  });

  it('that an operator ends is told nothing, as it knows nothing of subscriptions', async () => {
    const target = newTarget();
    const callback = world.callback();
    const { subscription: id } = await webhookOf(target, { url: callback.url });
    expect(await subscription(world.hub, String(id))).toMatchObject({ vouched: true, signed: false });
    expect((await manage(world.hub, 'DELETE', `/subscriptions/${String(id)}`)).status).toBe(204);
    expect((await manage(world.hub, 'GET', `/targets/${target}/notifications`)).status).toBe(404);
    await webhookOf(target, { url: callback.url });
    await update(target, 1);
    await arrived('deliveries', callback.deliveries, 1);
    expect(callback.intents).toEqual([]);
  });
});

describe('who may', () => {
  it('LAW 13: a target is published to, read and posted to a webhook by whose credential says so; what a webhook is sent lies encrypted', async () => {
    const hub = await world.startHub({
      dev: false,
      flags: [...GUARDED, '--read', 'closed', '--trust-proxy', '127.0.0.0/8'],
    });
    const topic = `${hub.url}targets/t`;
    const ask = (method: string, path: string, body: unknown, key?: string): Promise<Answer> =>
      manage(hub, method, `/targets/t/${path}`, body, key === undefined ? {} : bearer(key));
    const webhook = { webhook: { url: world.callback().url, bearer_token: 'a-token-that-nobody-reads' } };
    const reader = await createKey(hub, { role: 'reader', read: [topic] });
    const publisher = await createKey(hub, { role: 'publisher', publish: [topic] });
    const both = await createKey(hub, { role: 'publisher', publish: [topic], read: [topic] });

    expect((await ask('POST', 'updates', updateOf('t', 1))).status).toBe(401);
    expect((await ask('POST', 'updates', 'not even an update', reader.key)).status).toBe(403);
    expect((await ask('POST', 'updates', updateOf('t', 1), publisher.key)).status).toBe(202);
    expect((await ask('PUT', 'notifications', webhook)).status).toBe(401);
    expect((await ask('PUT', 'notifications', webhook, reader.key)).status).toBe(403);
    expect((await ask('PUT', 'notifications', webhook, publisher.key)).status).toBe(403);
    const readable = { ...bearer(both.key), 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'http' };
    const inTheOpen = await manage(hub, 'PUT', '/targets/t/notifications', webhook, readable);
    expect([inTheOpen.status, inTheOpen.text]).toEqual([400, expect.stringContaining('by https')]);
    expect((await ask('PUT', 'notifications', webhook, both.key)).status).toBe(200);
    expect((await ask('GET', 'notifications', undefined)).status).toBe(401);

    const stream = (key?: string): Promise<Stream> =>
      Stream.open(new URL('/sse/t', hub.url).href, { headers: key === undefined ? {} : bearer(key) });
    expect((await stream()).status).toBe(401);
    expect((await stream(publisher.key)).status).toBe(403);
    const reading = await stream(reader.key);
    clients.push(reading);
    await until('it is there', () => reading.events.length > 0);

    const stored = await readFile(join(hub.data, 'hub.sqlite')).catch(() => Buffer.alloc(0));
    const written = await readFile(join(hub.data, 'hub.sqlite-wal')).catch(() => Buffer.alloc(0));
    expect(stored.byteLength + written.byteLength).toBeGreaterThan(0);
    expect(Buffer.concat([stored, written]).includes('a-token-that-nobody-reads')).toBe(false);
    expect(hub.output).not.toContain('a-token-that-nobody-reads');

    // Who vouched for it may no longer: neither may it.
    await revokeKey(hub, both.id);
    await until(
      'the webhook has ended',
      async () => (await manage(hub, 'GET', '/targets/t/notifications', undefined, ADMIN)).status === 404,
    );
  });
});

describe('hostile input', () => {
  it.each<[string, unknown, RegExp]>([
    ['no target', { event: 'e', session: {} }, /target is missing/],
    ['another target', { target: 'other', event: 'e', session: {} }, /another one than the address names/],
    ['no event', { target: 't', session: {} }, /event is missing/],
    [
      'an event with a line break',
      { target: 't', event: 'a\ndata: b', session: {} },
      /event is not 1 to 256/,
    ],
    ['a session that is a list', { target: 't', event: 'e', session: [] }, /session is missing/],
    ['a request id that is a number', { target: 't', event: 'e', session: {}, requestId: 7 }, /requestId/],
    ['a list', [], /the update is no object/],
    ['null', null, /the update is no object/],
    ['text', 'text', /the update is no object/],
  ])('an update with %s is answered 400 with what is wrong', async (_what, body, sentence) => {
    const answer = await manage(world.hub, 'POST', '/targets/t/updates', body);
    expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(sentence)]);
  });

  it.each<[string, unknown, RegExp]>([
    [
      'Basic and Bearer',
      { url: 'http://127.0.0.1:9/', basic_auth_username: 'u', basic_auth_password: 'p', bearer_token: 't' },
      /one of them/,
    ],
    ['a name without a password', { url: 'http://127.0.0.1:9/', basic_auth_username: 'u' }, /go together/],
    [
      'a name with a colon',
      { url: 'http://127.0.0.1:9/', basic_auth_username: 'u:', basic_auth_password: '' },
      /colon/,
    ],
    ['a line break in a token', { url: 'http://127.0.0.1:9/', bearer_token: 'a\r\nX: y' }, /bearer_token/],
    ['no URL', {}, /url is missing/],
    ['a URL that is none', { url: 'ftp://127.0.0.1/' }, /url/],
    ['a user in the URL', { url: 'http://u:p@127.0.0.1/' }, /user information/],
    ['a private address', { url: 'http://10.0.0.1/' }, /may not connect/],
    ['an unknown field', { url: 'http://127.0.0.1:9/', retries: 3 }, /retries is not known/],
  ])('a webhook with %s is answered 400 with what is wrong', async (_what, block, sentence) => {
    for (const body of [{ webhook: block }, block]) {
      const answer = await manage(world.hub, 'PUT', '/targets/t/notifications', body);
      expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(sentence)]);
    }
  });

  it.each([
    '/sse/%',
    '/sse/%ff',
    `/sse/${'x'.repeat(3_000)}`,
    '/sse/t?since=last:x',
    '/sse/t?since=1&since=2',
    '/sse/t?on_gap=what',
    '/sse/',
    '/sse/a/b',
    '/verification-session//events',
    '/v1/targets/%00/updates',
    '/v1/targets/%/notifications',
  ])('GET %s is answered 4xx', async (path) => {
    const { status } = await fetch(addressOf(path));
    expect([status >= 400, status < 500]).toEqual([true, true]);
  });

  it('a client that asks for the head of a stream only is answered at once', async () => {
    for (const path of [
      '/sse/t',
      '/issuer2/events',
      '/tenant/v1/sse/w/connections/connection_id/c1/completed',
    ]) {
      const { status, headers } = await fetch(addressOf(path), { method: 'HEAD' });
      expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    }
  });

  it('a target of any text is one of its own', async () => {
    for (const target of ['a/b', '.x', '%2F', 'ü 🦊', '*', 'a?b#c']) {
      const path = `/targets/${encodeURIComponent(target)}/updates`;
      expect((await manage(world.hub, 'POST', path, updateOf(target, 1))).status).toBe(202);
      const stream = await open(`/sse/${encodeURIComponent(target)}`);
      await until('it is there', () => stream.events.length > 0);
      expect(stream.events).toHaveLength(1);
    }
    // Nobody's topic by another name.
    expect((await publish(world.hub, `${world.hub.url}targets/`, 'x')).status).toBe(202);
  });
});
