import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { send } from '../support/http.js';
import { startClockedHub } from '../support/hub-in-process.js';
import { ping, postForm, published, type Fields, type HubAddress } from '../support/requests.js';
import { eventSource, type SseClient } from '../support/sse-clients.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();
const opened: { close(): void }[] = [];

afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

type Json = Readonly<Record<string, unknown>>;

/** A subscriber that has connected to its channel with the `ws` library, and acknowledges what it is told to. */
class Subscriber {
  readonly frames: Json[] = [];
  closed: number | undefined;
  readonly #socket: WebSocket;

  constructor(endpoint: string) {
    this.#socket = new WebSocket(endpoint);
    this.#socket.on('message', (data: Buffer) => this.frames.push(JSON.parse(data.toString()) as Json));
    this.#socket.on('close', (code) => (this.closed = code));
    this.#socket.on('error', () => undefined);
    opened.push(this);
  }

  get updates(): unknown[] {
    return this.frames.filter((frame) => 'cursor' in frame).map(({ data }) => data);
  }

  /** Settles when so many updates are there, with what they say. */
  async gets(count: number): Promise<unknown[]> {
    await until(`${count} updates arrived`, () => this.updates.length >= count);
    return this.updates;
  }

  async begun(): Promise<Json> {
    return until('it is confirmed', () => this.frames[0]);
  }

  say(id: string, status: number | string): void {
    this.#socket.send(JSON.stringify({ id, status }));
  }

  raw(text: string): void {
    this.#socket.send(text);
  }

  close(): void {
    this.#socket.terminate();
  }
}

const newTopic = (): string => `https://shop.example/${randomBytes(6).toString('hex')}`;

const ask = (hub: HubAddress, topic: string, fields: Fields = {}) =>
  postForm(hub, { 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.channel.type': 'websocket', ...fields });

async function channelOf(hub: HubAddress, topic: string, fields: Fields = {}): Promise<string> {
  const answer = await ask(hub, topic, fields);
  expect([answer.status, answer.text]).toEqual([202, expect.stringContaining('endpoint')]);
  return (JSON.parse(answer.text) as { 'hub.channel.endpoint': string })['hub.channel.endpoint'];
}

const publishAs = (topic: string, id: string, type?: string) =>
  published(world.hub, topic, `"${id}"`, {
    id,
    contentType: 'application/json',
    ...(type === undefined ? {} : { type }),
  });

describe('a channel over WebSocket', () => {
  it('confirms the subscription first, and then gives what was published since it was asked for', async () => {
    const topic = newTopic();
    await publishAs(topic, 'before');
    const endpoint = await channelOf(world.hub, topic, { 'hub.lease_seconds': 3_600 });
    expect(endpoint).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/v1\/c\/[\w-]{22}$/);
    await publishAs(topic, 'a');
    const subscriber = new Subscriber(endpoint);
    expect(await subscriber.gets(1)).toEqual(['a']);
    expect(subscriber.frames).toEqual([
      { 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.lease_seconds': 3_600 },
      expect.objectContaining({ id: 'a', topic, data: 'a', cursor: expect.any(String) as string }),
    ]);
  });

  it('gives again what was not acknowledged, and nothing else, also to a hub that was killed', async () => {
    const topic = newTopic();
    const endpoint = await channelOf(world.hub, topic);
    const first = new Subscriber(endpoint);
    for (const id of ['a', 'b', 'c']) await publishAs(topic, id);
    expect(await first.gets(3)).toEqual(['a', 'b', 'c']);
    first.say('a', 200);
    first.say('b', '202');
    // Heard when what was said before is durable.
    first.say('c', 500);
    expect(await first.gets(4)).toEqual(['a', 'b', 'c', 'c']);
    await world.hub.kill();
    await world.hub.restart();
    await publishAs(topic, 'd');
    expect(await new Subscriber(endpoint).gets(2)).toEqual(['c', 'd']);
  });

  it('gives an update again that the subscriber refused', async () => {
    const topic = newTopic();
    const subscriber = new Subscriber(await channelOf(world.hub, topic));
    await subscriber.begun();
    await publishAs(topic, 'a');
    expect(await subscriber.gets(1)).toEqual(['a']);
    subscriber.say('a', 500);
    expect(await subscriber.gets(2)).toEqual(['a', 'a']);
  });

  it('gives events of the named types only, and others after a renewal that names others', async () => {
    const topic = newTopic();
    const endpoint = await channelOf(world.hub, topic, { 'hub.events': 'open,close' });
    const subscriber = new Subscriber(endpoint);
    expect(await subscriber.begun()).toMatchObject({ 'hub.events': 'open,close' });
    await publishAs(topic, 'a', 'open');
    await publishAs(topic, 'b', 'other');
    await publishAs(topic, 'c', 'close');
    expect(await subscriber.gets(2)).toEqual(['a', 'c']);
    for (const id of ['a', 'c']) subscriber.say(id, 200);
    await until('they are stored', async () => (await lagOf(topic)) === 0);
    const again = await channelOf(world.hub, topic, {
      'hub.events': 'other',
      'hub.channel.endpoint': endpoint,
    });
    expect(again).toBe(endpoint);
    await publishAs(topic, 'd', 'open');
    await publishAs(topic, 'e', 'other');
    expect(await subscriber.gets(3)).toEqual(['a', 'c', 'e']);
    expect(subscriber.frames.filter((frame) => frame['hub.mode'] === 'subscribe')).toHaveLength(2);
  });

  it('belongs to who connected last: whoever was there before is told', async () => {
    const topic = newTopic();
    const endpoint = await channelOf(world.hub, topic);
    const first = new Subscriber(endpoint);
    await first.begun();
    const second = new Subscriber(endpoint);
    await second.begun();
    await until('the first is closed', () => first.closed === 4009);
    await publishAs(topic, 'a');
    expect(await second.gets(1)).toEqual(['a']);
    expect(first.updates).toEqual([]);
  });

  it('ends when the subscriber unsubscribes, and for good', async () => {
    const topic = newTopic();
    const endpoint = await channelOf(world.hub, topic);
    const subscriber = new Subscriber(endpoint);
    await subscriber.begun();
    const wrong = { 'hub.mode': 'unsubscribe', 'hub.channel.endpoint': `${endpoint}x` };
    expect((await ask(world.hub, topic, wrong)).status).toBe(400);
    const right = { 'hub.mode': 'unsubscribe', 'hub.channel.endpoint': endpoint };
    expect((await ask(world.hub, topic, right)).status).toBe(202);
    await until('it is told', () => subscriber.closed !== undefined);
    expect(subscriber.frames.at(-1)).toMatchObject({ 'hub.mode': 'denied', 'hub.topic': topic });
    const late = new Subscriber(endpoint);
    await until('it is sent away', () => late.closed === 4401);
    expect(late.frames).toEqual([
      { 'hub.mode': 'denied', 'hub.reason': 'there is no such channel, or no longer: subscribe again' },
    ]);
    expect((await ask(world.hub, topic, right)).status).toBe(400);
  });

  it.each(['', 'a', '[]', '{"id":1,"status":200}', '{"id":"a"}', '{"id":"a","status":"ok"}'])(
    'ends a connection that says %j, which is no answer to an update',
    async (text) => {
      const subscriber = new Subscriber(await channelOf(world.hub, newTopic()));
      await subscriber.begun();
      subscriber.raw(text);
      await until('it is closed', () => subscriber.closed === 4400);
    },
  );
});

it('a channel ends with its lease, and its subscriber is told that it is denied', async () => {
  const { hub, clock } = await startClockedHub();
  const topic = newTopic();
  const endpoint = await channelOf(hub, topic, { 'hub.lease_seconds': 3_600 });
  const subscriber = new Subscriber(endpoint);
  await subscriber.begun();
  await clock.advance(1_800_000);
  const renewal = { 'hub.lease_seconds': 3_600, 'hub.channel.endpoint': endpoint };
  const renewing = channelOf(hub, topic, renewal);
  await until('the renewal is confirmed', async () => {
    await clock.advance(10);
    return subscriber.frames.length === 2;
  });
  await renewing;
  await clock.advance(2_690_000);
  // The connection has its own greatest age, after which a subscriber comes back.
  const second = new Subscriber(endpoint);
  const { 'hub.lease_seconds': left } = await second.begun();
  expect(Number(left)).toBeGreaterThan(900);
  expect(Number(left)).toBeLessThanOrEqual(910);
  await clock.advance(915_000);
  await until('it is told', () => second.closed === 4401);
  expect(second.frames.at(-1)).toEqual({
    'hub.mode': 'denied',
    'hub.topic': topic,
    'hub.reason': 'the lease has ended: subscribe again',
  });
});

it('a channel to which nobody connects is forgotten after ten minutes', async () => {
  const { hub, clock } = await startClockedHub();
  const endpoint = await channelOf(hub, newTopic());
  await clock.advance(601_000);
  const late = new Subscriber(endpoint);
  await until('it is sent away', () => late.closed === 4401);
});

it('a ping makes the hub fetch the topic of a channel to which nobody is connected', async () => {
  const { hub, clock } = await startClockedHub({ dev: false, allowNetwork: ['127.0.0.0/8'] });
  const topic = world.topic();
  const endpoint = await channelOf(hub, topic.url);
  await ping(hub, topic.url);
  const subscriber = new Subscriber(endpoint);
  await until('it has the content', async () => {
    await clock.advance(10);
    return subscriber.updates.length === 1;
  });
  expect(subscriber.updates).toEqual(['first content']);
});

describe('a channel over Server-Sent Events', () => {
  const sse = (topic: string, fields: Fields = {}) =>
    channelOf(world.hub, topic, { 'hub.channel.type': 'sse', ...fields });

  it('confirms the subscription in an event of its own, and gives updates as messages', async () => {
    const topic = newTopic();
    const endpoint = await sse(topic);
    expect(endpoint).toMatch(/^http:/);
    const stream = await Stream.open(endpoint);
    opened.push(stream);
    await publishAs(topic, 'a');
    await until('it arrived', () => stream.messages.length === 1);
    expect(JSON.parse(stream.named('confirmed')[0]!.data)).toMatchObject({
      'hub.mode': 'subscribe',
      'hub.topic': topic,
    });
    expect(JSON.parse(stream.messages[0]!)).toMatchObject({ id: 'a', topic, data: 'a' });
  });

  it('goes on where an unmodified client was when the hub is killed, and stops it when the channel has ended', async () => {
    const topic = newTopic();
    const endpoint = await sse(topic);
    const client: SseClient = eventSource(endpoint);
    opened.push(client);
    await publishAs(topic, 'a');
    await until('it arrived', () => client.messages.length === 1);
    await world.hub.kill();
    await world.hub.restart();
    await publishAs(topic, 'b');
    await until('it came back', () => client.messages.length >= 2, 20_000);
    expect(client.messages.map((text) => (JSON.parse(text) as Json)['id'])).toEqual(['a', 'b']);
    await ask(world.hub, topic, {
      'hub.mode': 'unsubscribe',
      'hub.channel.type': 'sse',
      'hub.channel.endpoint': endpoint,
    });
    await until('it was told to stop', () => client.closed, 20_000);
    const late = await Stream.open(endpoint);
    await until('it ended', () => late.ended);
    expect(late.events).toEqual([expect.objectContaining({ id: 'denied', name: 'denied' })]);
  });

  it('is read over what it was asked for', async () => {
    const overSse = new Subscriber((await sse(newTopic())).replace('http', 'ws'));
    await until('it is sent away', () => overSse.closed === 4401);
    const overWebSocket = (await channelOf(world.hub, newTopic())).replace('ws', 'http');
    expect((await send(overWebSocket)).status).toBe(426);
  });
});

it.each([
  [{ 'hub.callback': 'https://me.example/' }, /hub\.callback and hub\.channel\.type/],
  [{ 'hub.channel.type': 'pigeon' }, /websocket, sse: choose one/],
  [{ 'hub.mode': 'publish' }, /send subscribe or unsubscribe/],
  [{ 'hub.mode': 'unsubscribe' }, /hub\.channel\.endpoint is missing/],
  [{ 'hub.topic': 'no url' }, /hub\.topic/],
  [{ 'hub.lease_seconds': 'long' }, /hub\.lease_seconds/],
  [{ 'hub.channel.endpoint': 'wss://hub.example/v1/c/unknown' }, /no channel of this topic/],
  [{ 'hub.events': Array(101).fill('e').join() }, /more than 100 events/],
])('a request for a channel with %o is refused with the cure', async (fields, cure) => {
  const answer = await ask(world.hub, newTopic(), fields);
  expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(cure)]);
});

it('nobody learns the address of a channel from lists or the log', async () => {
  const endpoint = await channelOf(world.hub, newTopic());
  await new Subscriber(endpoint).begun();
  const token = endpoint.split('/').at(-1)!;
  const list = await send(new URL('/v1/consumers', world.hub.url).href);
  expect(list.text).toContain('channel');
  expect(list.text).not.toContain(token);
  expect(world.hub.output).not.toContain(token);
});

/** Entries that the channel of this topic has not been acknowledged. */
async function lagOf(topic: string): Promise<number | undefined> {
  const list = await send(new URL('/v1/consumers', world.hub.url).href);
  const { items } = JSON.parse(list.text) as { items: { topics: string[]; lag: { entries: number } }[] };
  return items.find(({ topics }) => topics.includes(topic))?.lag.entries;
}
