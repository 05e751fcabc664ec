import { EventSource } from 'eventsource';
import { expect, it } from 'vitest';
import { bearer, createKey, GUARDED, revokeKey } from '../support/access.js';
import { send, type Answer } from '../support/http.js';
import { formOf, published, type Fields, type HubAddress } from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld();
const JSON_TYPE = { contentType: 'application/json' };
let topics = 0;

function newTopic(): string {
  topics += 1;
  return `https://shop.example/wait/${topics}`;
}

function addressOf(fields: Fields, hub: HubAddress = world.hub): string {
  return new URL(`/v1/wait?${formOf(fields)}`, hub.url).href;
}

const asJson = (fields: Fields): Promise<Answer> =>
  send(addressOf(fields), { headers: { accept: 'application/json' } });
const asEvents = (fields: Fields, headers: Readonly<Record<string, string>> = {}): Promise<Stream> =>
  Stream.open(addressOf(fields), { headers: { accept: 'text/event-stream', ...headers } });

it('an update of the last minute that is wanted is answered at once, as an envelope', async () => {
  const topic = newTopic();
  await published(world.hub, topic, '{"state":"open"}', JSON_TYPE);
  const cursor = await published(world.hub, topic, '{"state":"done"}', { ...JSON_TYPE, id: 'job-7' });
  const answer = await asJson({ topic, where: 'payload.state=done', look_back: 60 });
  expect(answer.status).toBe(200);
  expect(answer.headers).toMatchObject({ 'hub-cursor': cursor, 'cache-control': 'no-store' });
  expect(JSON.parse(answer.text)).toMatchObject({ cursor, id: 'job-7', topic, data: { state: 'done' } });
});

it('whoever waits is answered when it comes, and not by what is not wanted', async () => {
  const topic = newTopic();
  const begun = await asEvents({ topic, timeout: 1 });
  await until('a first wait is over', () => begun.ended);
  const since = begun.named('timeout')[0]!.id;
  const answer = asJson({ topic, where: 'payload.state=done', since });
  await published(world.hub, topic, '{"state":"open"}', JSON_TYPE);
  await published(world.hub, topic, '{"state":"done"}', JSON_TYPE);
  expect(JSON.parse((await answer).text)).toMatchObject({ data: { state: 'done' } });
});

it('whoever waits in vain is answered 204 with the cursor to go on from, and misses nothing', async () => {
  const topic = newTopic();
  const nothing = await asJson({ topic, timeout: 1 });
  expect([nothing.status, nothing.text]).toEqual([204, '']);
  await published(world.hub, topic, 'one');
  const answer = await asJson({ topic, since: String(nothing.headers['hub-cursor']) });
  expect(JSON.parse(answer.text)).toMatchObject({ data: 'one' });
});

it('whoever waits from a place that nobody knows is told of the gap, whatever it is called', async () => {
  const topic = newTopic();
  await published(world.hub, topic, 'one');
  const answer = await asJson({ topic, since: 'größte Überraschung \u{1F4A9}' });
  expect(JSON.parse(answer.text)).toMatchObject({ data: 'one' });
  expect(JSON.parse(String(answer.headers['hub-gap']))).toMatchObject({
    requested: 'größte Überraschung \u{1F4A9}',
    reason: 'unknown',
  });
});

it('as events it is the one event with its id, and whoever comes back with that id is answered 204', async () => {
  const topic = newTopic();
  const cursor = await published(world.hub, topic, '{"state":"done"}', JSON_TYPE);
  const fields = { topic, where: 'payload.state=done', look_back: 60 };
  const stream = await asEvents(fields);
  await until('the stream has ended', () => stream.ended);
  expect(stream.events).toEqual([{ id: cursor, name: 'message', data: '{"state":"done"}' }]);
  expect((await asEvents(fields, { 'last-event-id': cursor })).status).toBe(204);
  // Who begins there by its own words wants the next one.
  const next = await published(world.hub, topic, '{"state":"done"}', JSON_TYPE);
  const another = await asEvents({ topic, where: 'payload.state=done', since: cursor });
  await another.gets(1);
  expect(another.events[0]?.id).toBe(next);
});

it('an unmodified EventSource gets the event once and stops', async () => {
  const topic = newTopic();
  const got: string[] = [];
  let opened = 0;
  const source = new EventSource(addressOf({ topic, look_back: 60, timeout: 1 }));
  source.addEventListener('open', () => (opened += 1));
  source.addEventListener('message', ({ data }: { data: string }) => got.push(data));
  // It comes back after a wait in vain, goes on where that ended, and is stopped when it has its event.
  await until('it has come back', () => opened >= 2, 15_000);
  await published(world.hub, topic, 'one');
  await until('it has stopped', () => source.readyState === 2, 15_000);
  expect(got).toEqual(['one']);
}, 40_000);

it('for several, an unmodified EventSource gets as many and stops', async () => {
  const topic = newTopic();
  const got: string[] = [];
  const source = new EventSource(addressOf({ topic, n: 3, since: 'earliest', timeout: 60 }));
  source.addEventListener('message', ({ data }: { data: string }) => got.push(data));
  for (const text of ['one', 'two', 'three', 'four']) await published(world.hub, topic, text);
  await until('it has stopped', () => source.readyState === 2, 30_000);
  expect(got).toEqual(['one', 'two', 'three']);
}, 40_000);

it('for several is answered with a list, when time is over with what came', async () => {
  const topic = newTopic();
  for (const text of ['one', 'two', 'three']) await published(world.hub, topic, text);
  const ask = (n: number) => send(addressOf({ topic, n, look_back: 60, timeout: 1 }));
  const textsOf = ({ text }: { text: string }) =>
    (JSON.parse(text) as { data: string }[]).map(({ data }) => data);
  expect(textsOf(await ask(2))).toEqual(['one', 'two']);
  expect(textsOf(await ask(4))).toEqual(['one', 'two', 'three']);
  expect(JSON.parse((await ask(1)).text)).toMatchObject({ data: 'one' });
  expect((await ask(101)).status).toBe(400);
});

it('in vain as events it ends with the cursor, from which an EventSource goes on by itself', async () => {
  const topic = newTopic();
  const stream = await asEvents({ topic, timeout: 1 });
  await until('the stream has ended', () => stream.ended);
  expect(stream.events.map(({ name }) => name)).toEqual(['timeout']);
  const { id, data } = stream.events[0]!;
  expect(JSON.parse(data)).toEqual({ cursor: id });
  await published(world.hub, topic, 'one');
  expect(await (await asEvents({ topic }, { 'last-event-id': id })).gets(1)).toEqual(['one']);
});

it.each<[string, Fields, number]>([
  ['no topic', {}, 400],
  ['a time that is too long', { topic: 'https://shop.example/x', timeout: 301 }, 400],
  [
    'a place that is gone, and no other will do',
    { topic: 'https://shop.example/x', since: 'gone', on_gap: 'fail' },
    410,
  ],
])('with %s it is answered as a problem', async (_what, fields, status) => {
  const answer = await asJson(fields);
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
});

it('LAW 13: nobody waits for what he may not read, or longer than he may', async () => {
  const hub = await world.embedHub({
    dev: false,
    flags: [...GUARDED, '--read', 'closed', '--streams-per-address', '1'],
  });
  const topic = newTopic();
  expect((await send(addressOf({ topic }, hub))).status).toBe(401);
  const { id, key } = await createKey(hub, { role: 'reader', read: [topic] });
  const waiting = send(addressOf({ topic }, hub), { headers: bearer(key) });
  await until('it waits', async () =>
    /^websub_streams 1$/m.test((await send(new URL('/metrics', hub.url).href)).text),
  );
  const refused = await send(addressOf({ topic }, hub), { headers: bearer(key) });
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '10']);
  await revokeKey(hub, id);
  expect((await waiting).status).toBe(401);
});

it('a hub that stops answers whoever waits', async () => {
  const hub = await world.startHub();
  const waiting = send(addressOf({ topic: newTopic() }, hub));
  await until('it waits', async () =>
    /^websub_streams 1$/m.test((await send(new URL('/metrics', hub.url).href)).text),
  );
  const [answer, status] = await Promise.all([waiting, hub.terminate()]);
  expect([answer.status, status]).toEqual([204, 0]);
});
