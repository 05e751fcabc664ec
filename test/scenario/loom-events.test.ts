import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub, type Hub, type HubOptions } from '@websub/hub';
import { TestClock } from '@websub/shared';
import fc from 'fast-check';
import { SignJWT, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCallbacks, type CallbackServer } from '../support/callbacks.js';
import { send, type Answer } from '../support/http.js';
import { published, subscribed } from '../support/requests.js';
import { until } from '../support/until.js';

const ORG = 'Org/837ebb91-2d4b-4818-a19b-04fea7be8cde';
const OTHER = 'Org/b1475f65-9c8d-4b8a-8d4b-6a2f8b1f0c11';
const PASSWORD = 'the-admin-key-of-the-test';
/** As app, with its password. */
const BASIC = { authorization: `Basic ${Buffer.from(`mission_control:${PASSWORD}`).toString('base64')}` };

const clock = new TestClock(Date.UTC(2026, 10, 21, 12));
let hub: Hub;
let callbacks: CallbackServer;

const start = (options: HubOptions): Promise<Hub> =>
  createHub({ port: 0, data: ':memory:', adminKey: PASSWORD, ...options, ports: { clock } });

beforeAll(async () => {
  hub = await start({ dev: true });
  callbacks = await startCallbacks();
});
afterAll(async () => {
  await callbacks.close();
  await hub.stop();
});

function event(more: object = {}): Record<string, unknown> {
  return {
    id: randomUUID(),
    timestamp: '2023-07-23T22:04:46.000Z',
    name: 'mission_control.job_added',
    subject: ORG,
    version: '1.0',
    payload: { job_id: '9e11ad29-7729-46a4-b8a3-937c64ff9cd5' },
    link: 'https://mc.example/api/v1/jobs/1',
    ...more,
  };
}

function post(body: unknown, to = hub, headers: Readonly<Record<string, string>> = BASIC): Promise<Answer> {
  return send(new URL('api/v1/events', to.url).href, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

function pull(query: Readonly<Record<string, string>> | URL, to = hub, headers = BASIC): Promise<Answer> {
  const url =
    query instanceof URL ? query : new URL(`api/v1/events?${String(new URLSearchParams(query))}`, to.url);
  return send(url.href, { headers });
}

const eventsOf = ({ text }: Answer): { readonly id: string; readonly name: string }[] =>
  JSON.parse(text) as { id: string; name: string }[];

describe('an event that is published', () => {
  it('is answered 201 with when it was received', async () => {
    const sent = event();
    const answer = await post({ event: sent });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      201,
      { ...sent, received_at: new Date(clock.now()).toISOString() },
    ]);
  });

  it('is delivered to callbacks of its topic as it is', async () => {
    const callback = callbacks.callback();
    await subscribed(hub, callback, `${hub.url}loom/${ORG}/mission_control.job_moved`);
    const answer = await post({ event: event({ name: 'mission_control.job_moved' }) });
    await until('it is delivered', async () => {
      await clock.advance(1);
      return callback.texts.length > 0;
    });
    expect(callback.texts).toEqual([answer.text]);
  });

  it('is refused when its id has been taken, by whatever event', async () => {
    const sent = event();
    expect((await post({ event: sent })).status).toBe(201);
    for (const again of [sent, { ...sent, name: 'directory.user_created' }, { ...sent, subject: OTHER }]) {
      const { status, text } = await post({ event: again });
      expect([status, JSON.parse(text)]).toEqual([422, { errors: { id: ['has already been taken'] } }]);
    }
  });

  it.each([
    ['id', undefined, "can't be blank"],
    ['id', 'job-1', 'is not a UUID'],
    ['timestamp', undefined, "can't be blank"],
    ['timestamp', 'yesterday', 'is not an ISO 8601 time: write 2026-11-21T09:00:00Z'],
    ['timestamp', '2026-13-45T00:00:00Z', 'is not an ISO 8601 time: write 2026-11-21T09:00:00Z'],
    ['name', undefined, "can't be blank"],
    ['name', 'job added', 'is not APP.EVENT: write mission_control.job_added'],
    ['version', undefined, "can't be blank"],
    ['payload', 'job 1', 'must be a hash'],
    ['payload', [1], 'must be a hash'],
    ['payload', { jobId: 1 }, 'has a key that is not in lowercase snake_case'],
    ['payload', { jobs: [{ Id: 1 }] }, 'has a key that is not in lowercase snake_case'],
    ['payload', { text: 'x'.repeat(245) }, 'must be smaller than 256 bytes'],
    ['link', 'ftp://mc.example/', 'is not an http or https URL'],
    ['subject', undefined, "can't be blank"],
    ['subject', 'nobody', 'is not KIND/ID: write Org/837ebb91-2d4b-4818-a19b-04fea7be8cde'],
  ])('is refused with what is wrong with its %s when that is %j', async (field, value, complaint) => {
    const { status, text } = await post({ event: event({ [field]: value }) });
    expect([status, JSON.parse(text)]).toEqual([422, { errors: { [field]: [complaint] } }]);
  });

  it('is taken with a payload of 255 bytes, a number as version and no link', async () => {
    const payload = { text: 'x'.repeat(244) };
    expect(JSON.stringify(payload)).toHaveLength(255);
    const { status, text } = await post({ event: event({ payload, version: 1, link: undefined }) });
    expect([status, JSON.parse(text)]).toMatchObject([201, { payload, version: '1', link: null }]);
  });

  it.each([
    ['left out', undefined],
    ['null', null],
  ])(
    "is taken with a payload that is %s, which Loom's gem sends for an event without one",
    async (_how, payload) => {
      const name = `zaikio.established_connection_${String(payload)}`;
      const { status, text } = await post({ event: event({ name, payload }) });
      expect([status, JSON.parse(text)]).toMatchObject([201, { payload: null }]);
      expect(JSON.parse((await pull({ 'filter[name]': name })).text)).toEqual([JSON.parse(text)]);
    },
  );

  it('is refused with every mistake at once, and never fails, whatever is sent', async () => {
    const { text } = await post({ event: {} });
    expect(Object.keys((JSON.parse(text) as { errors: object }).errors).toSorted()).toEqual([
      'id',
      'name',
      'subject',
      'timestamp',
      'version',
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.record({ event: fc.object() }).map((body) => JSON.stringify(body)),
        ),
        async (body) => {
          const { status } = await send(`${hub.url}api/v1/events`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...BASIC },
            body,
          });
          expect([400, 422]).toContain(status);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('needs a credential that may publish to its topic', async () => {
    const guarded = await start({ publish: 'closed', read: 'closed' });
    try {
      const key = await send(`${guarded.url}v1/credentials`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${PASSWORD}` },
        body: JSON.stringify({ role: 'publisher', publish: [`${guarded.url}loom/*/accounting.paid`] }),
      });
      const { key: password } = JSON.parse(key.text) as { key: string };
      const app = { authorization: `Basic ${Buffer.from(`accounting:${password}`).toString('base64')}` };
      const statuses = [
        await post({ event: event() }, guarded, {}),
        await post({ event: event() }, guarded, { authorization: `Basic ${btoa('a:wrong')}` }),
        await post({ event: event() }, guarded, app),
        await post({ event: event({ name: 'accounting.paid' }) }, guarded, app),
        await pull({}, guarded, { authorization: 'Basic eDp5' }),
      ].map(({ status }) => status);
      expect(statuses).toEqual([401, 401, 403, 201, 401]);
      // Faster than strangers may.
      const fast = Array.from({ length: 150 }, () =>
        post({ event: event({ name: 'accounting.paid' }) }, guarded, app),
      );
      expect(new Set((await Promise.all(fast)).map(({ status }) => status))).toEqual(new Set([201]));
    } finally {
      await guarded.stop();
    }
  });
});

describe('the token of an organisation', () => {
  const audience = 'https://hub.example/';
  const secret = Buffer.alloc(32, 7);
  let guarded: Hub;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'websub-keys-'));
    const file = join(folder, 'keys.json');
    const jwk = { kty: 'oct', k: secret.toString('base64url'), alg: 'HS256' };
    const keys = [
      { ...jwk, kid: 'any' },
      { ...jwk, kid: 'one', hub: { org: OTHER.slice(4) } },
    ];
    await writeFile(file, JSON.stringify({ keys }));
    guarded = await start({ publish: 'open', read: 'closed', jwtKeys: file, jwtAudience: audience });
    for (const subject of [ORG, OTHER]) await post({ event: event({ subject }) }, guarded, {});
  });
  afterAll(async () => {
    await guarded.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function tokenOf(claims: JWTPayload, kid = 'any'): Promise<Record<'authorization', string>> {
    const exp = Math.floor(clock.now() / 1000) + 60;
    const token = await new SignJWT({ aud: audience, exp, ...claims })
      .setProtectedHeader({ alg: 'HS256', kid })
      .sign(secret);
    return { authorization: `Bearer ${token}` };
  }

  it.each([
    ['by its subject', { sub: `Organization/${ORG.slice(4)}` }],
    ['by its claim', { sub: 'app', hub: { org: ORG.slice(4) } }],
  ])('names it %s, and opens its events and nothing else', async (_how, claims) => {
    const headers = await tokenOf(claims);
    const { text } = await pull({}, guarded, headers);
    expect(JSON.parse(text)).toMatchObject([{ subject: ORG }]);
    const readable = async (topic: string): Promise<number> =>
      (await send(`${guarded.url}v1/wait?timeout=1&since=earliest&topic=${topic}`, { headers })).status;
    expect([
      await readable(`${guarded.url}loom/${ORG}/mission_control.job_added`),
      await readable(`${guarded.url}loom/${OTHER}/mission_control.job_added`),
      await readable('https://shop.example/orders'),
    ]).toEqual([200, 403, 403]);
  });

  it('is refused when its key signs for another one', async () => {
    const wrong = await tokenOf({ hub: { org: ORG.slice(4) } }, 'one');
    const right = await tokenOf({}, 'one');
    expect((await pull({}, guarded, wrong)).status).toBe(401);
    expect(JSON.parse((await pull({}, guarded, right)).text)).toMatchObject([{ subject: OTHER }]);
  });
});

describe('where everything else is read by anybody', () => {
  it('LAW 13: events need a credential, and that of an organisation opens its own alone, once tokens are taken', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'websub-keys-'));
    const jwtKeys = join(folder, 'keys.json');
    const secret = Buffer.alloc(32, 9);
    await writeFile(
      jwtKeys,
      JSON.stringify({ keys: [{ kty: 'oct', k: secret.toString('base64url'), alg: 'HS256' }] }),
    );
    const open = await start({ publish: 'open', jwtKeys, jwtAudience: 'https://hub.example/' });
    try {
      await post({ event: event() }, open);
      const token = await new SignJWT({ sub: `Organization/${OTHER.slice(4)}` })
        .setProtectedHeader({ alg: 'HS256' })
        .setAudience('https://hub.example/')
        .setExpirationTime(Math.floor(clock.now() / 1000) + 60)
        .sign(secret);
      const read = async (topic: string, headers = {}): Promise<number> =>
        (await send(`${open.url}v1/wait?timeout=1&since=earliest&topic=${topic}`, { headers })).status;
      const topic = `${open.url}loom/${ORG}/mission_control.job_added`;
      expect([await read(topic), await read(topic, { authorization: `Bearer ${token}` })]).toEqual([
        401, 403,
      ]);
      expect((await pull({}, open, { authorization: '' })).status).toBe(401);
      await published(open, 'https://shop.example/orders', '1');
      expect(await read('https://shop.example/orders')).toBe(200);
      expect(await read(topic, BASIC)).toBe(200);
    } finally {
      await open.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('events that are pulled', () => {
  const name = 'accounting.invoice_paid';
  const at = (minute: number): string => new Date(Date.UTC(2019, 10, 26, 10, minute)).toISOString();
  const sent: string[] = [];

  beforeAll(async () => {
    for (let minute = 0; minute < 205; minute++) {
      const one = event({ name, timestamp: at(minute), subject: minute % 2 === 0 ? ORG : OTHER });
      sent.push(String(one['id']));
      await post({ event: one });
    }
  });

  it('come by a hundred, in the order of their publication, with their number and links', async () => {
    const ids: string[] = [];
    let url: URL | undefined = new URL(`${hub.url}api/v1/events?filter[name]=${name}`);
    while (url !== undefined) {
      const answer = await pull(url);
      expect([answer.headers['total-count'], answer.headers['x-total-count']]).toEqual(['205', '205']);
      ids.push(...eventsOf(answer).map(({ id }) => id));
      const next = /<([^>]+)>; rel="next"/.exec(String(answer.headers['link']))?.[1];
      url = next === undefined ? undefined : new URL(next);
    }
    expect(ids).toEqual(sent);
    const { headers } = await pull({ 'filter[name]': name, page: '2' });
    const rels = [...String(headers['link']).matchAll(/page=(\d+)>; rel="(\w+)"/g)].map(([, to, rel]) => [
      rel,
      to,
    ]);
    expect(Object.fromEntries(rels)).toEqual({ next: '3', last: '3', first: '1', prev: '1' });
  });

  it.each([
    ['from a time on', { 'filter[from]': at(200) }, 200, 205],
    ['up to a time', { 'filter[to]': at(4) }, 0, 5],
    ['between two times', { 'filter[from]': at(10), 'filter[to]': at(12) }, 10, 13],
    ['of a time without a zone', { 'filter[from]': '2019-11-26T13:24:00' }, 204, 205],
  ])('are those %s', async (_which, filter, first, end) => {
    const answer = await pull({ 'filter[name]': name, ...filter });
    expect(eventsOf(answer).map(({ id }) => id)).toEqual(sent.slice(first, end));
    expect(answer.headers['total-count']).toBe(String(end - first));
  });

  it('are none of a page behind the last', async () => {
    const answer = await pull({ 'filter[name]': name, page: '9' });
    expect([answer.status, answer.text, answer.headers['total-count']]).toEqual([200, '[]', '205']);
  });

  it('are those of every name without a filter, what was published as content included', async () => {
    await published(hub, `${hub.url}loom/${ORG}/printer.jammed`, '{"tray":2}', {
      contentType: 'application/json',
      id: 'jam-1',
    });
    await published(hub, 'https://shop.example/no-event', '1');
    const answer = await pull({ 'filter[from]': new Date(clock.now()).toISOString() });
    expect(JSON.parse(answer.text)).toEqual([
      {
        id: 'jam-1',
        name: 'printer.jammed',
        subject: ORG,
        timestamp: new Date(clock.now()).toISOString(),
        received_at: new Date(clock.now()).toISOString(),
        version: '1.0',
        payload: { tray: 2 },
        link: null,
      },
    ]);
  });

  it.each([
    [{ 'filter[from]': 'noon' }, { from: ['invalid date-time'] }],
    [{ 'filter[to]': '2019-99-99' }, { to: ['invalid date-time'] }],
    [{ 'filter[name]': 'a/b' }, { name: ['is not APP.EVENT'] }],
    [{ page: '0' }, { page: ['is not a number from 1 on'] }],
  ])('are refused by %j', async (query, errors) => {
    const { status, text } = await pull(query);
    expect([status, JSON.parse(text)]).toEqual([422, { errors }]);
  });
});
