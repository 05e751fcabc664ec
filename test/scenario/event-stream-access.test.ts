import { afterEach, describe, expect, it } from 'vitest';
import { ADMIN, bearer, createKey, GUARDED, revokeKey, ticketOf } from '../support/access.js';
import { send } from '../support/http.js';
import { published, type HubAddress } from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const ORDERS = 'https://shop.example/orders';
const SALARIES = 'https://shop.example/salaries';
const world = useEmbeddedWorld({
  dev: false,
  flags: [
    ...GUARDED,
    '--read',
    'closed',
    '--cors-origins',
    'https://page.example',
    '--streams-per-address',
    '3',
  ],
});
const streams: Stream[] = [];

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await until('no stream is open', async () => (await openStreams(world.hub)) === 0);
});

async function openStreams(hub: HubAddress): Promise<number> {
  const { text } = await send(new URL('/metrics', hub.url).href);
  return Number(/^websub_streams (\d+)/m.exec(text)?.[1]);
}

function addressOf(hub: HubAddress, query: string): string {
  return new URL(`/v1/sse?${query}`, hub.url).href;
}

async function open(query: string, headers: Readonly<Record<string, string>> = {}): Promise<Stream> {
  const stream = await Stream.open(addressOf(world.hub, query), { headers });
  streams.push(stream);
  return stream;
}

const publishOrder = (text: string): Promise<string> =>
  published(world.hub, ORDERS, text, { headers: ADMIN });
const readerOf = (...read: readonly string[]) => createKey(world.hub, { role: 'reader', read });

describe('who may read', () => {
  it('nobody without a credential is let in where reading is closed', async () => {
    for (const query of [`topic=${ORDERS}`, 'match_urlpattern=*']) {
      expect((await send(addressOf(world.hub, query))).status).toBe(401);
      expect((await send(addressOf(world.hub, query), { headers: bearer('reader.wrong') })).status).toBe(401);
    }
  });

  it('a credential opens the topics that it names, and no other', async () => {
    const { key } = await readerOf(ORDERS);
    expect((await send(addressOf(world.hub, `topic=${SALARIES}`), { headers: bearer(key) })).status).toBe(
      403,
    );
    const both = `topic=${ORDERS}&topic=${SALARIES}`;
    expect((await send(addressOf(world.hub, both), { headers: bearer(key) })).status).toBe(403);
    const stream = await open(`topic=${ORDERS}`, bearer(key));
    await publishOrder('one');
    expect(await stream.gets(1)).toEqual(['one']);
  });

  it('a ticket in the address opens a stream, once', async () => {
    const { key } = await readerOf(ORDERS);
    const ticket = await ticketOf(world.hub, key);
    const stream = await open(`topic=${ORDERS}&ticket=${ticket}`);
    await publishOrder('one');
    expect(await stream.gets(1)).toEqual(['one']);
    expect((await send(addressOf(world.hub, `topic=${ORDERS}&ticket=${ticket}`))).status).toBe(401);
  });

  it('LAW 13: a pattern gives the topics that the credential allows, of what was stored and of what comes', async () => {
    await published(world.hub, SALARIES, 'secret', { headers: ADMIN });
    const cursor = await publishOrder('one');
    const { key } = await readerOf(ORDERS);
    const stream = await open('match_urlpattern=*&since=last:2', bearer(key));
    await published(world.hub, SALARIES, 'secret', { headers: ADMIN });
    await publishOrder('two');
    expect(await stream.gets(2)).toEqual(['one', 'two']);
    expect(stream.named('message')[0]!.id).toBe(cursor);
  });

  it('LAW 13: a stream ends when its credential is revoked, and nothing more is given', async () => {
    const { id, key } = await readerOf(ORDERS);
    const stream = await open(`topic=${ORDERS}`, bearer(key));
    await publishOrder('one');
    await stream.gets(1);
    await revokeKey(world.hub, id);
    await publishOrder('two');
    await until('the stream has ended', () => stream.ended);
    expect(stream.messages).toEqual(['one']);
    expect(stream.named('bye').map(({ data }) => data)).toEqual([expect.stringContaining('"revoked"')]);
  });

  it('LAW 13: a stream ends when its credential expires, and its client is told before', async () => {
    const { key } = await createKey(world.hub, { role: 'reader', read: [ORDERS], expires_in: 3 });
    const stream = await open(`topic=${ORDERS}`, bearer(key));
    await until('the stream has ended', () => stream.ended);
    expect(stream.events.map(({ name }) => name)).toEqual(['expiring', 'bye']);
    expect(stream.named('bye')[0]!.data).toContain('"expired"');
  });
});

it('one stream too many is answered 200 and asked to come back, so that an EventSource does', async () => {
  for (let nth = 0; nth < 3; nth++) await open(`topic=${ORDERS}`, ADMIN);
  const refused = await send(addressOf(world.hub, `topic=${ORDERS}`), { headers: ADMIN });
  expect(refused.status).toBe(200);
  expect(refused.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  expect(refused.text).toMatch(
    /^retry: \d{4,5}\nevent: busy\ndata: \{"reason":"too_many","retry_ms":\d{4,5}\}\n\n$/,
  );
});

it('pages of allowed origins may read, and no others', async () => {
  const headersFor = async (origin: string) =>
    (await send(addressOf(world.hub, 'topic=x'), { headers: { origin, ...ADMIN } })).headers;
  expect(await headersFor('https://page.example')).toMatchObject({
    'access-control-allow-origin': 'https://page.example',
    vary: expect.stringContaining('Origin'),
  });
  expect(await headersFor('https://other.example')).not.toHaveProperty('access-control-allow-origin');
});

it('a hub that stops tells every reader when to come back, and ends', async () => {
  const hub = await world.startHub({ flags: ['--log-level', 'debug'] });
  const opened = await Promise.all(
    Array.from({ length: 20 }, () => Stream.open(addressOf(hub, `topic=${ORDERS}`))),
  );
  expect(await hub.terminate()).toBe(0);
  const retries = opened.map((stream) => {
    const [bye] = stream.named('bye');
    return JSON.parse(bye!.data) as { reason: string; retry_ms: number };
  });
  expect(new Set(retries.map(({ reason }) => reason))).toEqual(new Set(['drain']));
  expect(new Set(retries.map(({ retry_ms }) => retry_ms)).size).toBeGreaterThan(10);
  // Who knows the whole id of a stream could end it.
  for (const stream of opened) expect(hub.output).not.toContain(String(stream.headers['hub-stream']));
});
