import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startClockedHub, type ClockedHub } from '../support/hub-in-process.js';
import { send } from '../support/http.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';

const opened: { close(): void }[] = [];

afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

const newTopic = (): string => `https://shop.example/${randomBytes(6).toString('hex')}`;

function addressOf({ hub }: ClockedHub, path: string, fields: Readonly<Record<string, string>>): string {
  const url = new URL(path, hub.url);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return url.href;
}

async function open(room: ClockedHub, fields: Readonly<Record<string, string>>): Promise<Stream> {
  const stream = await Stream.open(addressOf(room, '/v1/sse', fields));
  opened.push(stream);
  return stream;
}

interface Listed {
  readonly changes: string;
  readonly cursor: string;
  readonly members: readonly { readonly id: string; readonly state: unknown }[];
}

async function presenceOf(room: ClockedHub, topic: string): Promise<Listed> {
  return JSON.parse((await send(addressOf(room, '/v1/presence', { topic }))).text) as Listed;
}

const changesOf = (stream: Stream): unknown[] => stream.messages.map((data) => JSON.parse(data) as unknown);
const idsOf = ({ members }: Listed): string[] => members.map(({ id }) => id);

describe('who is there', () => {
  it('is told by a list and by a topic of the hub: over streams and sockets, with what they tell of themselves', async () => {
    const room = await startClockedHub();
    const topic = newTopic();
    const watcher = await open(room, { topic: (await presenceOf(room, topic)).changes });
    const ada = await open(room, { topic, presence: 'ada', state: '{"typing":true}' });
    await watcher.gets(2);
    expect(changesOf(watcher)).toEqual([
      { type: 'reset' },
      { type: 'join', id: 'anonymous:ada', state: { typing: true } },
    ]);
    const socket = new WebSocket(new URL('/v1/ws', room.hub.url.replace('http', 'ws')), 'hub.v1.json');
    opened.push(socket);
    const said: unknown[] = [];
    socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString())));
    await until('it is welcome', () => said.length === 1);
    const say = (state: unknown): void =>
      socket.send(JSON.stringify({ op: 'presence', topic, name: 'bob', state }));
    say({ seat: 1 });
    await watcher.gets(3);
    expect((await presenceOf(room, topic)).members).toEqual([
      { id: 'anonymous:ada', state: { typing: true } },
      { id: 'anonymous:bob', state: { seat: 1 } },
    ]);
    say(null);
    await watcher.gets(4);
    expect(changesOf(watcher).slice(2)).toEqual([
      { type: 'join', id: 'anonymous:bob', state: { seat: 1 } },
      { type: 'leave', id: 'anonymous:bob' },
    ]);
    // Whoever comes later is told from where the list was made.
    const later = await open(room, { topic: `hub:presence:${topic}`, since: watcher.events[2]!.id });
    await later.gets(1);
    expect(changesOf(later)).toEqual([{ type: 'leave', id: 'anonymous:bob' }]);
    expect(ada.events).toEqual([]);
  });

  it('is nobody who broke off and is not back within 15 seconds; who is back has not left', async () => {
    const room = await startClockedHub();
    const topic = newTopic();
    const watcher = await open(room, { topic: `hub:presence:${topic}` });
    const first = await open(room, { topic, presence: 'ada' });
    await watcher.gets(2);
    first.close();
    await until('the hub has seen that', async () => (await streamsOf(room)) === 1);
    await room.pass(14_000);
    const second = await open(room, { topic, presence: 'ada' });
    await room.pass(20_000);
    expect(changesOf(watcher)).toHaveLength(2);
    second.close();
    await until('the hub has seen that', async () => (await streamsOf(room)) === 1);
    expect(idsOf(await presenceOf(room, topic))).toEqual(['anonymous:ada']);
    await room.pass(15_000);
    await watcher.gets(3);
    expect(changesOf(watcher).at(-1)).toEqual({ type: 'leave', id: 'anonymous:ada' });
    expect(idsOf(await presenceOf(room, topic))).toEqual([]);
  });

  it('is not who ends the stream by its id, at once', async () => {
    const room = await startClockedHub();
    const topic = newTopic();
    const stream = await open(room, { topic, presence: 'ada' });
    expect(idsOf(await presenceOf(room, topic))).toEqual(['anonymous:ada']);
    const id = String(stream.headers['hub-stream']);
    await send(new URL(`/v1/streams/${id}`, room.hub.url).href, { method: 'DELETE' });
    expect(idsOf(await presenceOf(room, topic))).toEqual([]);
  });

  it('goes to nobody who reads topics by a pattern, and cannot be told by publishers', async () => {
    const room = await startClockedHub();
    const topic = newTopic();
    const everything = await open(room, { match_urlpattern: '*' });
    await open(room, { topic, presence: 'ada' });
    const forged = new URL(room.hub.url);
    forged.searchParams.set('hub.mode', 'publish');
    forged.searchParams.set('hub.topic', `hub:presence:${topic}`);
    expect((await send(forged.href, { method: 'POST', body: '{"type":"leave"}' })).status).toBe(400);
    forged.searchParams.set('hub.topic', topic);
    expect(
      (
        await send(forged.href, {
          method: 'POST',
          headers: { 'content-type': 'text/plain' },
          body: 'an update',
        })
      ).status,
    ).toBe(202);
    expect(await everything.gets(1)).toEqual(['an update']);
  });

  it.each([
    ['a name that is none', { presence: 'a b' }],
    ['a state that is no JSON', { presence: 'ada', state: '{' }],
    ['a long state', { presence: 'ada', state: JSON.stringify('x'.repeat(2_000)) }],
  ])('is not told with %s', async (_what, fields) => {
    const room = await startClockedHub();
    expect((await send(addressOf(room, '/v1/sse', { topic: newTopic(), ...fields }))).status).toBe(400);
    expect((await send(addressOf(room, '/v1/presence', { topic: 'x' }))).status).toBe(400);
  });
});

async function streamsOf({ hub }: ClockedHub): Promise<number> {
  const { text } = await send(new URL('/metrics', hub.url).href);
  return Number(/^websub_streams (\d+)/m.exec(text)?.[1]);
}
