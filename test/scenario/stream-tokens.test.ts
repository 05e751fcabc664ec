import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT, type JWTPayload } from 'jose';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ADMIN, bearer, createKey, GUARDED, postJson } from '../support/access.js';
import { send, type Answer } from '../support/http.js';
import { postForm, published, subscribe } from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const AUDIENCE = 'https://hub.example/';
const SECRET = Buffer.alloc(32, 7);
const folder = mkdtempSync(join(tmpdir(), 'websub-stream-keys-'));
const keyFile = join(folder, 'keys.json');
const key = { kty: 'oct', k: SECRET.toString('base64url'), alg: 'HS256', kid: 'one' };
const bound = { ...key, kid: 'bound', hub: { where: ['type=order.paid'] } };
writeFileSync(keyFile, JSON.stringify({ keys: [key, bound] }));

const world = useEmbeddedWorld({
  dev: false,
  flags: [...GUARDED, '--read', 'closed', '--jwt-keys', keyFile, '--jwt-audience', AUDIENCE],
});
const streams: Stream[] = [];

afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface TokenFields extends JWTPayload {
  readonly hub?: object;
  readonly kid?: string;
  /** As {@link SignJWT.setExpirationTime} has it: a number is `exp` itself. */
  readonly lasts?: string | number;
}

function tokenOf({ hub = {}, kid = 'one', lasts = '5m', ...claims }: TokenFields = {}): Promise<string> {
  return new SignJWT({ ...claims, hub: { sub: ['https://shop.example/*'], ...hub } })
    .setProtectedHeader({ alg: 'HS256', kid })
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(lasts)
    .sign(SECRET);
}

const newTopic = (): string => `https://shop.example/${randomBytes(6).toString('hex')}`;

function addressOf(path: string, fields: Readonly<Record<string, string>>): string {
  const url = new URL(path, world.hub.url);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return url.href;
}

async function open(token: string, fields: Readonly<Record<string, string>>): Promise<Stream> {
  const stream = await Stream.open(addressOf('/v1/sse', fields), { headers: bearer(token) });
  streams.push(stream);
  return stream;
}

const publishJson = (topic: string, value: object, more: { readonly type?: string } = {}): Promise<string> =>
  published(world.hub, topic, JSON.stringify(value), {
    contentType: 'application/json',
    headers: ADMIN,
    ...more,
  });

describe('LAW 13: the conditions of a token', () => {
  it('hold of everything, whatever its bearer asks for: of what was stored, of what comes, and of what is waited for', async () => {
    const topic = newTopic();
    await publishJson(topic, { owner: 'bob', n: 1 });
    await publishJson(topic, { owner: 'ann', n: 2 });
    const token = await tokenOf({ sub: 'ann', hub: { where: ['payload.owner=ann'] } });
    const stream = await open(token, { topic, since: 'earliest', where: 'payload.owner=in:ann,bob' });
    await publishJson(topic, { owner: 'bob', n: 3 });
    await publishJson(topic, { owner: 'ann', n: 4 });
    const given = (await stream.gets(2)).map((data) => (JSON.parse(data) as { n: number }).n);
    expect(given).toEqual([2, 4]);
    const wait = addressOf('/v1/wait', {
      topic,
      since: 'earliest',
      filter: '{"exists":"payload.n"}',
      n: '9',
      timeout: '1',
    });
    const waited = JSON.parse((await send(wait, { headers: bearer(token) })).text) as {
      data: { n: number };
    }[];
    expect(waited.map(({ data }) => data.n)).toEqual([2, 4]);
  });

  it('of its key hold as well', async () => {
    const topic = newTopic();
    const token = await tokenOf({ kid: 'bound', hub: { where: ['payload.owner=ann'] } });
    const stream = await open(token, { topic });
    await publishJson(topic, { owner: 'ann', n: 1 });
    await publishJson(topic, { owner: 'bob', n: 2 }, { type: 'order.paid' });
    await publishJson(topic, { owner: 'ann', n: 3 }, { type: 'order.paid' });
    expect(await stream.gets(1)).toEqual(['{"owner":"ann","n":3}']);
  });

  it('hold of a channel that was asked for with it, which ends when it is revoked', async () => {
    const topic = newTopic();
    const token = await tokenOf({ jti: 'of-the-channel', hub: { where: ['payload.owner=ann'] } });
    const fields = { 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.channel.type': 'sse' };
    const asked = await postForm(world.hub, fields, bearer(token));
    expect(asked.status).toBe(202);
    const endpoint = (JSON.parse(asked.text) as { readonly 'hub.channel.endpoint': string })[
      'hub.channel.endpoint'
    ];
    await publishJson(topic, { owner: 'bob' });
    await publishJson(topic, { owner: 'ann' });
    const stream = await Stream.open(endpoint);
    streams.push(stream);
    expect((await stream.gets(1)).map((data) => (JSON.parse(data) as { data: unknown }).data)).toEqual([
      { owner: 'ann' },
    ]);
    expect((await postJson(world.hub, '/v1/revocations', { jti: 'of-the-channel' })).status).toBe(204);
    await until('it has ended', () => stream.ended);
    const late = await Stream.open(endpoint);
    await until('it is told', () => late.ended);
    expect(late.events.map(({ name }) => name)).toEqual(['denied']);
  });

  it('keep it from having the topic delivered to a callback, where nothing is read out', async () => {
    const topic = newTopic();
    const callback = world.callback();
    const fields = { 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.callback': callback.url };
    const asked = async (token: string): Promise<number> =>
      (
        await send(world.hub.url, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...bearer(token) },
          body: new URLSearchParams(fields).toString(),
        })
      ).status;
    expect(await asked(await tokenOf({ hub: { where: ['payload.owner=ann'] } }))).toBe(403);
    expect(await asked(await tokenOf())).toBe(202);
    expect((await subscribe(world.hub, callback.url, topic)).status).toBe(401);
  });

  it.each([[['state']], ['payload.a=b'], [[7]], [Array.from({ length: 33 }, () => 'type=a')]])(
    'that cannot be read let nobody in: %j',
    async (where) => {
      const token = await tokenOf({ hub: { where } });
      const answer = await send(addressOf('/v1/sse', { topic: newTopic() }), { headers: bearer(token) });
      expect(answer.status).toBe(401);
      expect(answer.text).toContain('where');
    },
  );
});

it('LAW 8: a token bounds the streams of its subject', async () => {
  const topic = newTopic();
  const token = await tokenOf({ sub: 'bounded', hub: { limits: { streams: 1 } } });
  await open(token, { topic });
  const second = await send(addressOf('/v1/sse', { topic }), { headers: bearer(token) });
  expect(second.text).toContain('"too_many"');
  const waiting = await send(addressOf('/v1/wait', { topic }), { headers: bearer(token) });
  expect(waiting.status).toBe(429);
});

describe('the credential of a stream', () => {
  const replace = (stream: Stream, token: string): Promise<Answer> =>
    postJson(world.hub, `/v1/streams/${String(stream.headers['hub-stream'])}/token`, { token }, {});

  it('is replaced by a newer one before it ends, and the stream goes on', async () => {
    const topic = newTopic();
    // Of the tolerance of a minute 58 seconds are over.
    const short = await tokenOf({ sub: 'ann', lasts: '57s ago' });
    const stream = await open(short, { topic });
    await until('it is told that it ends', () => stream.named('expiring').length === 1);
    const answer = await replace(stream, await tokenOf({ sub: 'ann' }));
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({ expires_at: expect.stringMatching(/Z$/) });
    const witness = await open(short, { topic });
    await until('the first token has ended', () => witness.ended);
    await publishJson(topic, {});
    expect(await stream.gets(1)).toEqual(['{}']);
    expect(stream.named('bye')).toEqual([]);
  });

  it('is replaced by none of somebody else, for other topics, or that is none', async () => {
    const topic = newTopic();
    const stream = await open(await tokenOf({ sub: 'ann' }), { topic });
    const { key: other } = await createKey(world.hub, { role: 'reader', read: ['*'] });
    const refused: readonly (readonly [string, number])[] = [
      [await tokenOf({ sub: 'bob' }), 403],
      [await tokenOf({ sub: 'ann', hub: { tenant: 'acme' } }), 403],
      [other, 403],
      [await tokenOf({ sub: 'ann', hub: { sub: ['https://other.example/*'] } }), 403],
      ['nonsense', 401],
    ];
    for (const [token, status] of refused) expect((await replace(stream, token)).status).toBe(status);
    await publishJson(topic, {});
    expect(await stream.gets(1)).toEqual(['{}']);
  });

  it('is replaced by one that ends later than any date', async () => {
    const stream = await open(await tokenOf({ sub: 'ann' }), { topic: newTopic() });
    const answer = await replace(stream, await tokenOf({ sub: 'ann', lasts: 1e15 }));
    expect(answer).toMatchObject({ status: 200, text: '{"expires_at":null}' });
  });

  it('decides what is given from then on', async () => {
    const topic = newTopic();
    const stream = await open(await tokenOf({ sub: 'ann' }), { topic });
    await publishJson(topic, { n: 1 });
    await stream.gets(1);
    expect(
      (await replace(stream, await tokenOf({ sub: 'ann', hub: { where: ['payload.n=3'] } }))).status,
    ).toBe(200);
    await publishJson(topic, { n: 2 });
    await publishJson(topic, { n: 3 });
    expect(await stream.gets(2)).toEqual(['{"n":1}', '{"n":3}']);
  });
});

it('LAW 13: who is at a topic is told to whoever may read it, and whom a token names nobody else can be', async () => {
  const topic = newTopic();
  const ann = await tokenOf({ sub: 'ann', hub: { tenant: 'acme' } });
  await open(ann, { topic, presence: 'somebody-else' });
  const stranger = await tokenOf({ sub: 'eve', hub: { sub: ['https://other.example/*'] } });
  const list = addressOf('/v1/presence', { topic });
  const listed = JSON.parse((await send(list, { headers: bearer(ann) })).text) as { members: unknown };
  expect(listed.members).toEqual([{ id: 'acme/ann', state: {} }]);
  expect((await send(list, { headers: bearer(stranger) })).status).toBe(403);
  expect((await send(list)).status).toBe(401);
  const changes = addressOf('/v1/sse', { topic: `hub:presence:${topic}` });
  expect((await send(changes, { headers: bearer(stranger) })).status).toBe(403);
});

it("a consumer is its owner's: nobody else reads with it, sees it, moves it or removes it", async () => {
  const topic = newTopic();
  await publishJson(topic, { n: 1 });
  const [ann, bob] = [await tokenOf({ sub: 'ann' }), await tokenOf({ sub: 'bob' })];
  const fields = { topic, consumer: 'mine', since: 'earliest' };
  for (const token of [ann, bob, await tokenOf({ sub: 'ann', hub: { tenant: 'acme' } })])
    expect(await (await open(token, fields)).gets(1)).toEqual(['{"n":1}']);
  const listed = async (credential: Readonly<Record<string, string>>) => {
    const { text } = await send(addressOf('/v1/consumers', {}), { headers: credential });
    return (JSON.parse(text) as { items: { id: string; holder: string; tenant: string | null }[] }).items;
  };
  const [own, ...others] = await listed(bearer(ann));
  expect([own?.holder, own?.tenant, others]).toEqual(['subject:ann', null, []]);
  expect((await listed(ADMIN)).map(({ tenant, holder }) => [tenant, holder])).toEqual(
    expect.arrayContaining([
      [null, 'subject:ann'],
      [null, 'subject:bob'],
      ['acme', 'subject:ann'],
    ]),
  );
  const address = addressOf(`/v1/consumers/${own!.id}`, {});
  for (const method of ['GET', 'DELETE'])
    expect((await send(address, { method, headers: bearer(bob) })).status).toBe(404);
  expect(
    (await postJson(world.hub, `/v1/consumers/${own!.id}/seek`, { cursor: 'x.1' }, bearer(bob))).status,
  ).toBe(404);
  expect((await send(address)).status).toBe(401);
  expect((await send(address, { method: 'DELETE', headers: bearer(ann) })).status).toBe(204);
});
