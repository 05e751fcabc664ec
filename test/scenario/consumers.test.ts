import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { cableUrl } from '../support/cable-clients.js';
import { send } from '../support/http.js';
import { manage } from '../support/manage.js';
import { published } from '../support/requests.js';
import { eventSource } from '../support/sse-clients.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();
const opened: { close(): void }[] = [];

afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

const newTopic = (): string => `https://shop.example/${randomBytes(6).toString('hex')}`;
const newClient = (): string => randomBytes(12).toString('hex');

interface Reading {
  readonly topic: string;
  readonly client: string;
}

function addressOf(path: string, fields: Readonly<Record<string, string | number>>): string {
  const url = new URL(path, world.hub.url);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, String(value));
  return url.href;
}

async function open({ topic, client }: Reading, more: Readonly<Record<string, string | number>> = {}) {
  const fields = { topic, client, consumer: 'billing', since: 'earliest', ...more };
  const stream = await Stream.open(addressOf('/v1/sse', fields));
  opened.push(stream);
  return stream;
}

const post = (path: string, body: unknown) =>
  send(new URL(path, world.hub.url).href, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const streamOf = (stream: Stream): string => `/v1/streams/${String(stream.headers['hub-stream'])}`;
const idOf = (stream: Stream, data: string): string =>
  stream.named('message').findLast((event) => event.data === data)!.id;

async function publishAll(topic: string, ...bodies: readonly string[]): Promise<void> {
  for (const body of bodies) await published(world.hub, topic, body);
}

const newReading = (): Reading => ({ topic: newTopic(), client: newClient() });

describe('a named consumer', () => {
  it('is given what it did not acknowledge, and nothing else, when the hub is killed and started again', async () => {
    const reading = newReading();
    await publishAll(reading.topic, 'a', 'b', 'c', 'd');
    const first = await open(reading, { ack: 'explicit' });
    await first.gets(4);
    const acknowledged = await post(`${streamOf(first)}/ack`, { cursor: idOf(first, 'b') });
    expect(acknowledged.status).toBe(204);
    await world.hub.kill();
    await world.hub.restart();
    const second = await open(reading, { ack: 'explicit' });
    expect(await second.gets(2)).toEqual(['c', 'd']);
    // A part of it alone, and again what it could not use.
    expect((await post(`${streamOf(second)}/ack`, { cursor: idOf(second, 'd'), only: true })).status).toBe(
      204,
    );
    expect((await post(`${streamOf(second)}/nack`, { cursor: idOf(second, 'c') })).status).toBe(204);
    expect(await second.gets(3)).toEqual(['c', 'd', 'c']);
    await world.hub.kill();
    await world.hub.restart();
    const third = await open(reading, { ack: 'explicit' });
    await publishAll(reading.topic, 'e');
    expect(await third.gets(2)).toEqual(['c', 'e']);
  });

  it('is used by its newest connection; the one before is told to stop, and does not come back by itself', async () => {
    const reading = newReading();
    const source = eventSource(addressOf('/v1/sse', { ...reading, consumer: 'billing', since: 'earliest' }));
    opened.push(source);
    await publishAll(reading.topic, 'a');
    await until('the first has it', () => source.messages.length === 1);
    const second = await open(reading);
    await publishAll(reading.topic, 'b');
    expect((await second.gets(1)).at(-1)).toBe('b');
    // It has come back once by now, and was answered 204.
    await until('the first is closed', () => source.closed, 15_000);
    await publishAll(reading.topic, 'c');
    await second.gets(2);
    expect(source.messages).toEqual(['a']);
    expect(second.named('bye')).toEqual([]);
  });

  it('moves between streams and waiting requests with its place', async () => {
    const reading = newReading();
    await publishAll(reading.topic, 'a', 'b', 'c', 'd');
    const fields = { ...reading, consumer: 'billing', since: 'earliest' };
    const wait = (more: Readonly<Record<string, string | number>> = {}) =>
      send(addressOf('/v1/wait', { ...fields, timeout: 5, ...more }));
    const first = await wait();
    expect(JSON.parse(first.text)).toMatchObject({ data: 'a' });
    const explicit = await wait({ ack: 'explicit', n: 2 });
    const list = JSON.parse(explicit.text) as { readonly data: string; readonly cursor: string }[];
    expect(list.map(({ data }) => data)).toEqual(['b', 'c']);
    // It acknowledges the first of them by asking for more.
    const next = await wait({ ack: 'explicit', upto: list[0]!.cursor });
    expect(JSON.parse(next.text)).toMatchObject({ data: 'c' });
    const stream = await open(reading, { ack: 'explicit' });
    expect(await stream.gets(2)).toEqual(['c', 'd']);
    const lost = wait({ ack: 'explicit', window: 1, upto: idOf(stream, 'd') });
    await until('the stream has ended', () => stream.ended);
    expect(stream.named('bye')).toMatchObject([
      { id: 'taken-over', data: expect.stringContaining('taken_over') },
    ]);
    await open(reading);
    expect((await lost).status).toBe(409);
  });

  it('is given again what it waited for when its connection broke before the whole answer had gone', async () => {
    const reading = newReading();
    // Six times as long in JSON: more than the network holds.
    await publishAll(reading.topic, '\u0001'.repeat(5_000_000));
    const address = addressOf('/v1/wait', { ...reading, consumer: 'billing', since: 'earliest', timeout: 1 });
    const outgoing = request(address, (incoming) => incoming.destroy()).end();
    await once(outgoing, 'close');
    await until('it is not used', async () => (await send(`${address}&ack=explicit`)).status === 200);
  });

  it('moves between streams and Action Cable with its place', async () => {
    const reading = newReading();
    await publishAll(reading.topic, 'a', 'b', 'c');
    const stream = await open(reading, { ack: 'explicit' });
    expect(await stream.gets(3)).toEqual(['a', 'b', 'c']);
    expect((await post(`${streamOf(stream)}/ack`, { cursor: idOf(stream, 'a') })).status).toBe(204);
    const identifier = JSON.stringify({
      channel: 'TopicChannel',
      topic: reading.topic,
      consumer: 'billing',
      ack: 'explicit',
    });
    const socket = new WebSocket(`${cableUrl(world.hub)}?client=${reading.client}`, 'actioncable-v1-json');
    onTestFinished(() => socket.terminate());
    const given: unknown[] = [];
    socket.on('message', (text: Buffer) => {
      const { type, message } = JSON.parse(text.toString()) as { type?: string; message?: { data: unknown } };
      if (type === undefined) given.push(message?.data);
    });
    socket.on('open', () => socket.send(JSON.stringify({ command: 'subscribe', identifier })));
    await until('both are given', () => given.length === 2);
    expect(given).toEqual(['b', 'c']);
    await until('the stream has ended', () => stream.ended);
  });

  it('of another client, or without a credential or client, is none', async () => {
    const reading = newReading();
    await publishAll(reading.topic, 'a');
    expect(await (await open(reading)).gets(1)).toEqual(['a']);
    const other = { ...reading, client: newClient() };
    expect(await (await open(other)).gets(1)).toEqual(['a']);
    const nobodys = await send(addressOf('/v1/sse', { topic: reading.topic, consumer: 'billing' }));
    expect(nobodys.status).toBe(400);
    expect(nobodys.text).toContain('client=RANDOM');
  });

  it.each([
    ['a name with a space', { consumer: 'a b' }],
    ['a client that is guessed easily', { client: '1' }],
    ['an unknown way to acknowledge', { ack: 'none' }],
    ['no window', { window: 0 }],
    ['a cursor of another log', { upto: 'k7f2m9qa.1' }],
  ])('is refused with %s', async (_what, fields) => {
    const answer = await send(addressOf('/v1/sse', { ...newReading(), consumer: 'billing', ...fields }));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({ detail: expect.stringMatching(/: \w+/) });
  });
});

describe('the API of consumers', () => {
  const credential = async (tenant: string): Promise<string> => {
    const body = { role: 'reader', tenant, read: ['*'] };
    return (JSON.parse((await manage(world.hub, 'POST', '/credentials', body)).text) as { key: string }).key;
  };
  const asking = (key: string) => ({ authorization: `Bearer ${key}` });
  const get = async (path: string, headers: Readonly<Record<string, string>>) => {
    const answer = await send(new URL(`/v1${path}`, world.hub.url).href, { headers });
    return { status: answer.status, body: JSON.parse(answer.text) as Record<string, unknown> };
  };

  it('shows how far each is, moves it and removes it; and whoever reads with it hears of that', async () => {
    const reading = newReading();
    const key = await credential('acme');
    await publishAll(reading.topic, 'a', 'bb', 'ccc');
    const url = addressOf('/v1/sse', {
      topic: reading.topic,
      consumer: 'shown',
      since: 'earliest',
      ack: 'explicit',
    });
    const stream = await Stream.open(url, { headers: asking(key) });
    opened.push(stream);
    await stream.gets(3);
    await post(`${streamOf(stream)}/ack`, { cursor: idOf(stream, 'a') });
    const listed = (await get('/consumers?limit=1000', {})).body['items'] as Record<string, unknown>[];
    const shown = listed.find(({ name, tenant }) => name === 'shown' && tenant === 'acme')!;
    expect(shown).toMatchObject({
      holder: '',
      topics: [reading.topic],
      cursor: idOf(stream, 'a'),
      lag: { entries: 2, bytes: 5, since: expect.any(String) },
      unacknowledged: 2,
      in_use: true,
      expires_at: null,
    });
    const path = `/consumers/${String(shown['id'])}`;
    expect((await post(`/v1${path}/seek`, { cursor: idOf(stream, 'bb') })).status).toBe(200);
    await until('the stream has ended', () => stream.ended);
    expect(stream.named('bye')).toMatchObject([{ data: expect.stringContaining('"sought"') }]);
    const second = await Stream.open(url, { headers: asking(key) });
    opened.push(second);
    expect(await second.gets(1)).toEqual(['ccc']);
    expect((await post(`/v1${path}/seek`, { since: '2000-01-01T00:00:00Z' })).status).toBe(200);
    const third = await Stream.open(url, { headers: asking(key) });
    opened.push(third);
    expect(await third.gets(3)).toEqual(['a', 'bb', 'ccc']);
    expect((await send(new URL(`/v1${path}`, world.hub.url).href, { method: 'DELETE' })).status).toBe(204);
    await until('the stream has ended', () => third.ended);
    expect(third.named('bye')).toMatchObject([{ data: expect.stringContaining('"removed"') }]);
    expect((await get(path, {})).status).toBe(404);
  });

  it('tells what is left to be read of topics by pattern', async () => {
    const reading = newReading();
    await publishAll(reading.topic, 'a', 'bb');
    const stream = await Stream.open(
      addressOf('/v1/wait', {
        match_urlpattern: `${reading.topic}*`,
        client: reading.client,
        consumer: 'patterned',
        since: 'earliest',
      }),
    );
    await until('it is answered', () => stream.ended);
    const listed = (await get('/consumers?limit=1000', {})).body['items'] as Record<string, unknown>[];
    const shown = listed.find(({ name }) => name === 'patterned');
    expect(shown).toMatchObject({ lag: { entries: 1, bytes: 2 }, in_use: false, unacknowledged: 0 });
  });
});

describe('a stream', () => {
  it('tells its id to who cannot read headers, and is ended by it', async () => {
    const stream = await open(newReading(), { control: 'stream,live' });
    await until('it is told', () => stream.named('live').length === 1);
    const id = String(stream.headers['hub-stream']);
    expect(stream.named('stream').map(({ data }) => JSON.parse(data) as unknown)).toEqual([{ stream: id }]);
    expect((await send(new URL(`/v1/streams/${id}`, world.hub.url).href, { method: 'DELETE' })).status).toBe(
      204,
    );
    await until('it has ended', () => stream.ended);
    expect(stream.named('bye')).toMatchObject([{ data: expect.stringContaining('"closed"') }]);
    expect((await post(`/v1/streams/${id}/ack`, { cursor: 'x.1' })).status).toBe(404);
  });

  it('without a consumer acknowledges nothing, and with one only what it was given', async () => {
    const topic = newTopic();
    const stream = await Stream.open(addressOf('/v1/sse', { topic }));
    opened.push(stream);
    expect((await post(`${streamOf(stream)}/ack`, { cursor: 'x.1' })).status).toBe(409);
    const consumer = await open({ topic, client: newClient() }, { ack: 'explicit' });
    expect((await post(`${streamOf(consumer)}/ack`, { cursor: 'x.1' })).status).toBe(400);
    expect((await post(`${streamOf(consumer)}/nack`, {})).status).toBe(400);
    expect((await post(`${streamOf(consumer)}/nack`, { cursor: 1, delay_ms: -1 })).status).toBe(400);
  });
});
