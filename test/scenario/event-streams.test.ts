import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { send } from '../support/http.js';
import { FORM, formOf, published, type Fields } from '../support/requests.js';
import { Stream, type StreamOptions } from '../support/stream.js';
import { until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld();
const streams: Stream[] = [];
let topics = 0;

afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});

function newTopic(): string {
  topics += 1;
  return `https://shop.example/${topics}/orders`;
}

function addressOf(fields: Fields): string {
  return new URL(`/v1/sse?${formOf(fields)}`, world.hub.url).href;
}

async function open(fields: Fields, options?: StreamOptions): Promise<Stream> {
  const stream = await Stream.open(addressOf(fields), options);
  streams.push(stream);
  return stream;
}

/** Publishes JSON to the topic, one after the other, and settles with the cursors. */
async function publishAll(topic: string, ...ids: readonly string[]): Promise<string[]> {
  const cursors: string[] = [];
  for (const id of ids) {
    const body = JSON.stringify({ id, state: id === 'b' ? 'done' : 'open' });
    cursors.push(
      await published(world.hub, topic, body, {
        id: `${topic}#${id}`,
        contentType: 'application/json',
        type: `order.${id}`,
        subject: `Order/${id}`,
      }),
    );
  }
  return cursors;
}

const idsOf = (messages: readonly string[]): string[] =>
  messages.map((data) => (JSON.parse(data) as { id: string }).id);

describe('a stream of server-sent events', () => {
  it('begins with a comment and a time to retry, and gives what is published with its cursor as id', async () => {
    const topic = newTopic();
    const stream = await open({ topic });
    const [cursor] = await publishAll(topic, 'a');
    await stream.gets(1);
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(stream.headers['hub-stream']).toMatch(/^[\w-]{22}$/);
    expect(stream.headers['hub-cursor']).toMatch(/^[a-z0-9]+\.\d+$/);
    expect(stream.text).toMatch(/^:\nretry: [1-4]\d{3}\nid: /);
    expect(stream.text.endsWith(`id: ${cursor}\ndata: {"id":"a","state":"open"}\n\n`)).toBe(true);
  });

  it('resumes after the last event id, wherever it is said', async () => {
    const topic = newTopic();
    const [first] = await publishAll(topic, 'a', 'b', 'c');
    const said: [Fields, StreamOptions?][] = [
      [{ topic }, { headers: { 'last-event-id': first! } }],
      [{ topic, last_event_id: first! }],
      [{ topic, lastEventID: first! }],
      [{ topic, lastEventId: first! }],
      [{ topic, since: first! }],
      [{ topic, since: 'earliest' }, { headers: { 'last-event-id': first! } }],
    ];
    for (const [fields, options] of said)
      expect(idsOf(await (await open(fields, options)).gets(2))).toEqual(['b', 'c']);
  });

  it.each([
    ['an entry id', (topic: string) => ({ since: `${topic}#a` }), ['b', 'c']],
    ['a count', () => ({ since: 'last:2' }), ['b', 'c']],
    ['the beginning', () => ({ since: 'earliest' }), ['a', 'b', 'c']],
    ['so many seconds ago', () => ({ look_back: 3_600 }), ['a', 'b', 'c']],
    ['a date', () => ({ since: new Date(Date.now() - 3_600_000).toISOString() }), ['a', 'b', 'c']],
    ['unix seconds', () => ({ since: Math.floor(Date.now() / 1000) - 3_600 }), ['a', 'b', 'c']],
    ['unix milliseconds', () => ({ since: Date.now() - 3_600_000 }), ['a', 'b', 'c']],
  ])('begins at %s, and goes on with what comes', async (_what, since, expected) => {
    const topic = newTopic();
    await publishAll(topic, 'a', 'b', 'c');
    const stream = await open({ topic, ...since(topic) });
    await publishAll(topic, 'd');
    expect(idsOf(await stream.gets(expected.length + 1))).toEqual([...expected, 'd']);
  });

  it('follows many topics, named or by a pattern, in the order of publication', async () => {
    const [one, two, three] = [newTopic(), newTopic(), newTopic()];
    await publishAll(one, 'a');
    await publishAll(two, 'b');
    await publishAll(three, 'x');
    const named = await open({ topic: [one, two], since: 'earliest' });
    const number = topics - 2;
    const pattern = await open({
      match_urlpattern: `https://shop.example/${number}/*`,
      topic: two,
      since: 'earliest',
    });
    await publishAll(two, 'c');
    await publishAll(`https://shop.example/${number}/new`, 'd');
    await publishAll(one, 'e');
    expect(idsOf(await named.gets(4))).toEqual(['a', 'b', 'c', 'e']);
    expect(idsOf(await pattern.gets(5))).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('counts the newest entries of a pattern too', async () => {
    const topic = newTopic();
    await publishAll(topic, 'a', 'b', 'c');
    await publishAll(newTopic(), 'x');
    const stream = await open({ match_urlpattern: topic.replace('orders', '*'), since: 'last:2' });
    expect(idsOf(await stream.gets(2))).toEqual(['b', 'c']);
  });

  it.each([
    ['where', { where: ['payload.state=done', 'header.content-type^=application/'] }],
    ['filter', { filter: '{"eq":["payload.state","done"]}' }],
    ['type', { type: 'order.b,order.z' }],
    ['subject', { where: 'subject=Order/b' }],
  ])('filters by %s what was stored and what comes', async (_what, fields) => {
    const topic = newTopic();
    await publishAll(topic, 'a', 'b');
    const stream = await open({ topic, since: 'earliest', ...fields });
    await stream.gets(1);
    await publishAll(topic, 'c');
    await published(world.hub, topic, '{"id":"d","state":"done"}', {
      contentType: 'application/json',
      type: 'order.b',
      subject: 'Order/b',
    });
    expect(idsOf(await stream.gets(2))).toEqual(['b', 'd']);
  });

  it('shows bodies as they are, line by line, or in envelopes', async () => {
    const topic = newTopic();
    const raw = await open({ topic });
    const envelope = await open({ topic, format: 'envelope' });
    await published(world.hub, topic, 'one\ntwo\r\nthree', {
      headers: { 'x-kind': 'note' },
      type: 'note.new',
    });
    await published(world.hub, topic, Buffer.from([0, 255]), { contentType: 'image/png' });
    expect(await raw.gets(2)).toEqual(['one\ntwo\nthree', 'data:image/png;base64,AP8=']);
    const [first, second] = (await envelope.gets(2)).map((data) => JSON.parse(data) as object);
    expect(first).toMatchObject({
      topic,
      type: 'note.new',
      content_type: 'text/plain',
      headers: { 'x-kind': 'note' },
      data: 'one\ntwo\r\nthree',
      cursor: envelope.events[0]?.id,
    });
    expect(second).toMatchObject({ data_base64: 'AP8=' });
  });

  it('names events by their type when asked to, but never like one of the hub', async () => {
    const topic = newTopic();
    const stream = await open({ topic, typed: 1 });
    await published(world.hub, topic, '1', { type: 'order.paid' });
    await published(world.hub, topic, '2', { type: 'bye' });
    await published(world.hub, topic, '3');
    await until('three events arrived', () => stream.events.length === 3);
    expect(stream.events.map(({ name, data }) => [name, data])).toEqual([
      ['order.paid', '1'],
      ['message', '2'],
      ['message', '3'],
    ]);
  });

  it('tells when it has given everything, to whoever wants to know', async () => {
    const topic = newTopic();
    const [cursor] = await publishAll(topic, 'a');
    const stream = await open({ topic, since: 'earliest', control: 'live' });
    await until('the stream is live', () => stream.named('live').length === 1);
    await publishAll(topic, 'b');
    await stream.gets(2);
    expect(stream.events.map(({ name }) => name)).toEqual(['message', 'live', 'message']);
    const live = stream.named('live')[0]!;
    // Others publish to this hub too.
    expect(Number(live.id.split('.')[1])).toBeGreaterThanOrEqual(Number(cursor!.split('.')[1]));
    expect(JSON.parse(live.data)).toEqual({ cursor: live.id });
  });

  it('ends after as many entries as it was asked for, and says so', async () => {
    const topic = newTopic();
    const [, second] = await publishAll(topic, 'a', 'b', 'c');
    const stream = await open({ topic, since: 'earliest', limit: 2 });
    await until('the stream has ended', () => stream.ended);
    expect(idsOf(stream.messages)).toEqual(['a', 'b']);
    expect(stream.named('bye')).toMatchObject([{ id: second, data: expect.stringContaining('"limit"') }]);
  });

  it('ends when its time is over, with the cursor to go on from', async () => {
    const topic = newTopic();
    const stream = await open({ topic, timeout: 1 });
    await until('the stream has ended', () => stream.ended);
    const [timeout] = stream.named('timeout');
    await publishAll(topic, 'a');
    expect(idsOf(await (await open({ topic, since: timeout!.id })).gets(1))).toEqual(['a']);
  });

  it('gives an update of 5 MiB whole, also as the last one', async () => {
    const topic = newTopic();
    const body = randomBytes(2.5 * 1024 * 1024).toString('hex');
    await published(world.hub, topic, body);
    const stream = await open({ topic, since: 'earliest', limit: 1 });
    await until('the stream has ended', () => stream.ended);
    expect(stream.messages[0] === body).toBe(true);
    expect(stream.named('bye')).toHaveLength(1);
  });
});

describe('LAW 12: what is missing is told in the stream', () => {
  it.each([
    ['an id that nobody knows', 'no-such-entry', 'unknown'],
    ['an id that no header can hold', 'größte Überraschung \u{1F4A9}\u007f', 'unknown'],
    ['a cursor of another log', 'k7f2m9qa.1', 'epoch'],
  ])('for %s, and then everything that is kept follows', async (_what, since, reason) => {
    const topic = newTopic();
    const [cursor] = await publishAll(topic, 'a');
    const stream = await open({ topic, since });
    await stream.gets(1);
    expect(stream.events.map(({ name }) => name)).toEqual(['gap', 'message']);
    const gap = JSON.parse(stream.events[0]!.data) as object;
    expect(gap).toMatchObject({ requested: since, lost: null, reason, resumed_after: stream.events[0]!.id });
    expect(JSON.parse(String(stream.headers['hub-gap']))).toEqual(gap);
    expect(stream.events[1]!.id).toBe(cursor);
  });

  it('for a cursor ahead of the log', async () => {
    const topic = newTopic();
    const [cursor] = await publishAll(topic, 'a');
    const stream = await open({ topic, since: cursor!.replace(/\d+$/, '999999999') });
    await stream.gets(1);
    expect(JSON.parse(stream.named('gap')[0]!.data)).toMatchObject({ reason: 'unknown' });
  });

  it('and the reader goes on with what is new, or not at all, if it prefers that', async () => {
    const topic = newTopic();
    await publishAll(topic, 'a');
    const latest = await open({ topic, since: 'no-such-entry', on_gap: 'latest' });
    await publishAll(topic, 'b');
    expect(idsOf(await latest.gets(1))).toEqual(['b']);
    const fail = await send(addressOf({ topic, since: 'no-such-entry', on_gap: 'fail' }));
    expect(fail.status).toBe(410);
    expect(fail.headers['content-type']).toBe('application/problem+json');
  });
});

describe('a request for a stream', () => {
  it.each(['POST', 'QUERY'])('may be long with %s', async (method) => {
    const topic = newTopic();
    await publishAll(topic, 'a');
    const others = Array.from(
      { length: 255 },
      (_each, nth) => `https://other.example/${nth}?${'x'.repeat(100)}`,
    );
    const body = formOf({ topic: [...others, topic], since: 'earliest' });
    const stream = await open({}, { method, headers: { 'content-type': FORM }, body });
    expect(idsOf(await stream.gets(1))).toEqual(['a']);
  });

  const topic = 'https://shop.example/refused';
  it.each<[string, Fields]>([
    ['no topic', {}],
    ['a topic that is no URL', { topic: 'orders' }],
    ['a pattern that could take for ever', { match_urlpattern: 'https://shop.example/(a+)+' }],
    ['a condition that is none', { topic, where: 'state' }],
    ['a filter that is none', { topic, filter: '{' }],
    ['a beginning that is none', { topic, since: 'last:x' }],
    ['two beginnings', { topic, since: ['earliest', 'latest'] }],
    ['an unknown format', { topic, format: 'xml' }],
    ['a heartbeat that is too fast', { topic, heartbeat: 1 }],
    ['no entry at all', { topic, limit: 0 }],
    ['an unknown policy', { topic, on_gap: 'ignore' }],
    ['257 topics', { topic: Array.from({ length: 257 }, (_each, nth) => `https://a.example/${nth}`) }],
  ])('with %s is answered 400 with the cure', async (_what, fields) => {
    const answer = await send(new URL('/v1/sse', world.hub.url).href, {
      method: 'POST',
      headers: { 'content-type': FORM },
      body: formOf(fields),
    });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({ status: 400, detail: expect.stringMatching(/: \w+/) });
  });

  it('in another method is answered 405, and with another body 415', async () => {
    const url = addressOf({ topic });
    expect((await send(url, { method: 'DELETE' })).status).toBe(405);
    const json = { 'content-type': 'application/json' };
    expect((await send(url, { method: 'POST', headers: json, body: '{}' })).status).toBe(415);
  });

  it('from a page of another origin is allowed in development, preflight included', async () => {
    const origin = 'https://page.example';
    const preflight = await send(addressOf({ topic }), {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'QUERY',
        'access-control-request-headers': 'last-event-id',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': expect.stringContaining('QUERY'),
      'access-control-allow-headers': expect.stringContaining('Last-Event-ID'),
    });
    const stream = await open({ topic }, { headers: { origin } });
    expect(stream.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': expect.stringContaining('Hub-Cursor'),
    });
  });
});
