import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { send } from '../support/http.js';
import { formOf, publish, published, subscribed } from '../support/requests.js';
import { arrived } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ flags: ['--max-body', '2097152'] });

const CURSOR = /^[a-z0-9]+\.\d+$/;

describe('a publish request with content', () => {
  it('H57 is answered 202 with the cursor of the entry, and the content is delivered without a fetch', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    const answer = await publish(world.hub, topic.url, 'the content');
    expect(answer.status).toBe(202);
    expect(answer.headers['hub-cursor']).toMatch(CURSOR);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.text).toBe('the content');
    expect(delivery?.headers['hub-cursor']).toBe(answer.headers['hub-cursor']);
    expect(topic.requests).toEqual([]);
  });

  it('H57 gives cursors of one epoch whose positions grow', async () => {
    const topic = world.topic().url;
    const cursors: string[] = [];
    for (let n = 0; n < 5; n++) cursors.push(await published(world.hub, topic, `update ${n}`));
    expect(new Set(cursors.map((cursor) => cursor.split('.')[0])).size).toBe(1);
    const positions = cursors.map((cursor) => Number(cursor.split('.')[1]));
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
  });

  it('distributes equal content twice: an event may repeat', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await published(world.hub, topic, 'again');
    await published(world.hub, topic, 'again');
    await arrived('deliveries', callback.deliveries, 2);
    expect(callback.texts).toEqual(['again', 'again']);
  });

  it('keeps the order of publications that were accepted one after the other', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const expected = Array.from({ length: 30 }, (_each, n) => `update ${n}`);
    for (const body of expected) await published(world.hub, topic, body);
    await arrived('deliveries', callback.deliveries, 30);
    expect(callback.texts).toEqual(expected);
  });

  it('H38 delivers every byte value as it was, and an empty body as empty', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const bodies = [
      Buffer.from(Array.from({ length: 256 }, (_each, n) => n)),
      Buffer.alloc(0),
      Buffer.from('\r\n\ufeff'),
    ];
    for (const body of bodies)
      await published(world.hub, topic, body, { contentType: 'application/octet-stream' });
    const deliveries = await arrived('deliveries', callback.deliveries, 3);
    expect(deliveries.map(({ body }) => body.toString('hex'))).toEqual(
      bodies.map((body) => body.toString('hex')),
    );
  });

  it('H40 delivers 1 MiB of noise byte for byte', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const body = randomBytes(1_048_576);
    await published(world.hub, topic, body, { contentType: 'application/octet-stream' });
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['content-length']).toBe('1048576');
    expect(delivery?.body.equals(body)).toBe(true);
  });

  it('takes a body of --max-body bytes and answers a larger one 413', async () => {
    const topic = world.topic().url;
    expect((await publish(world.hub, topic, Buffer.alloc(2_097_152))).status).toBe(202);
    expect((await publish(world.hub, topic, Buffer.alloc(2_097_153))).status).toBe(413);
  });

  it.each([
    'application/json',
    'text/plain;charset=UTF-8',
    'application/cloudevents+json; charset=utf-8',
    'image/svg+xml',
  ])('H39 delivers the content type %s whole', async (contentType) => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await published(world.hub, topic, '{}', { contentType });
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['content-type']).toBe(contentType);
  });

  it('H39 delivers content that came without a type as application/octet-stream', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const query = formOf({ 'hub.mode': 'publish', 'hub.topic': topic });
    const answer = await send(`${world.hub.url}?${query}`, { method: 'POST', body: 'typeless' });
    expect(answer.status).toBe(202);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['content-type']).toBe('application/octet-stream');
  });

  it('delivers the X- headers of the request, and no other of its headers', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await published(world.hub, topic, 'with headers', {
      headers: {
        'X-Kind': 'issue-opened',
        'x-github-delivery': 'f00',
        authorization: 'Bearer none-of-your-business',
        cookie: 'a=b',
        'accept-language': 'de',
        'content-language': 'fr',
      },
    });
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['x-kind']).toBe('issue-opened');
    expect(delivery?.headers['x-github-delivery']).toBe('f00');
    expect(delivery?.headers['authorization']).toBeUndefined();
    expect(delivery?.headers['cookie']).toBeUndefined();
    expect(delivery?.headers['accept-language']).toBeUndefined();
  });

  it("H51 does not let a publisher's X-Hub-Signature stand for the hub's", async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const signed = world.callback();
    await subscribed(world.hub, signed, topic, { 'hub.secret': 'a secret' });
    await published(world.hub, topic, 'forged', {
      headers: { 'x-hub-signature': 'sha256=00', 'x-hub-signature-256': 'x' },
    });
    const [unsigned] = await arrived('deliveries', callback.deliveries, 1);
    const [delivery] = await arrived('deliveries', signed.deliveries, 1);
    expect(unsigned?.headers['x-hub-signature']).toBeUndefined();
    expect(delivery?.headers['x-hub-signature']).toMatch(/^sha256=[0-9a-f]{64}$/);
  });

  it.each([
    ['no topic', { 'hub.mode': 'publish' }],
    ['an empty topic', { 'hub.mode': 'publish', 'hub.topic': '' }],
    ['a topic that is no URL', { 'hub.mode': 'publish', 'hub.topic': 'topic' }],
    ['two modes', { 'hub.mode': ['publish', 'subscribe'], 'hub.topic': 'http://127.0.0.1:9/' }],
    ['two ids', { 'hub.mode': 'publish', 'hub.topic': 'http://127.0.0.1:9/', 'hub.id': ['1', '2'] }],
    ['two types', { 'hub.mode': 'publish', 'hub.topic': 'http://127.0.0.1:9/', 'hub.type': ['a', 'b'] }],
    [
      'a subject of two words',
      { 'hub.mode': 'publish', 'hub.topic': 'http://127.0.0.1:9/', 'hub.subject': 'a b' },
    ],
    ['two topics', { 'hub.mode': 'publish', 'hub.topic': ['http://127.0.0.1:9/a', 'http://127.0.0.1:9/b'] }],
  ])('H6 with %s is answered 400 in plain text', async (_what, query) => {
    const answer = await send(`${world.hub.url}?${formOf(query)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  });
});

it('H6 content with another mode than publish is answered 4xx', async () => {
  const answer = await send(
    `${world.hub.url}?${formOf({ 'hub.mode': 'publisch', 'hub.topic': world.topic().url })}`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    },
  );
  expect([400, 415]).toContain(answer.status);
});

it('H6 content that a client sends as a form, as curl does unless told otherwise, is answered 400 with the cure', async () => {
  const topic = world.topic().url;
  const url = `${world.hub.url}?${formOf({ 'hub.mode': 'publish', 'hub.topic': topic })}`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  for (const body of ['hello', 'a=b&c=d', '']) {
    const answer = await send(url, { method: 'POST', headers, body });
    expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(/with its own Content-Type/)]);
  }
  const form = formOf({ 'hub.mode': 'publish', 'hub.url': topic });
  expect((await send(url, { method: 'POST', headers, body: form })).status).toBe(202);
});

describe('a publish request with hub.id', () => {
  it('is appended once: a repetition is answered 202 with the first cursor', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const first = await published(world.hub, topic, 'once', { id: 'order-1' });
    const second = await published(world.hub, topic, 'once', { id: 'order-1' });
    const third = await published(world.hub, topic, 'twice', { id: 'order-1' });
    const other = await published(world.hub, topic, 'another', { id: 'order-2' });
    expect([second, third]).toEqual([first, first]);
    expect(other).not.toBe(first);
    await arrived('deliveries', callback.deliveries, 2);
    expect(callback.texts).toEqual(['once', 'another']);
  });

  it('is appended once also when repetitions come at the same time', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const cursors = await Promise.all(
      Array.from({ length: 20 }, () => published(world.hub, topic, 'once', { id: 'at-once' })),
    );
    expect(new Set(cursors).size).toBe(1);
    await world.barrier(topic, callback);
    expect(callback.texts.filter((text) => text === 'once')).toHaveLength(1);
  });

  it('names the entry: the id is the Webhook-Id of its deliveries', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await published(world.hub, topic, 'named', { id: 'order-3' });
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['webhook-id']).toBe('order-3');
  });

  it('of one topic does not stand in the way of another topic', async () => {
    const [one, two] = [world.topic().url, world.topic().url];
    const callback = await world.subscriber(two);
    const first = await published(world.hub, one, 'of one', { id: 'same' });
    const second = await published(world.hub, two, 'of two', { id: 'same' });
    expect(second).not.toBe(first);
    await arrived('deliveries', callback.deliveries, 1);
  });

  it('is remembered over a restart', async () => {
    const topic = world.topic().url;
    const hub = await world.startHub();
    const first = await published(hub, topic, 'once', { id: 'order-4' });
    await hub.kill();
    await hub.restart();
    expect(await published(hub, topic, 'once', { id: 'order-4' })).toBe(first);
  });

  it.each([
    ['an empty one', ''],
    ['a line break in it', 'a\r\nb'],
    ['five thousand characters', 'x'.repeat(5_000)],
  ])('of %s does no harm: 400, or delivered under a safe id', async (_what, id) => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const answer = await publish(world.hub, topic, 'harmless', { id });
    expect([202, 400]).toContain(answer.status);
    if (answer.status === 400) return;
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['webhook-id']).toMatch(/^[\x21-\x7e][\x20-\x7e]*$/);
  });
});
