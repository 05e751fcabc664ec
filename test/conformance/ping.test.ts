import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { send } from '../support/http.js';
import type { Reply } from '../support/listener.js';
import { ping, postForm, published, subscribed } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ flags: ['--max-body', '2097152'] });

describe('a publish request by ping', () => {
  it.each(['hub.url', 'hub.topic'])(
    'H57 with %s is answered 202, and the topic is fetched and distributed',
    async (name) => {
      const topic = world.topic();
      const callback = await world.subscriber(topic.url);
      const answer = await postForm(world.hub, { 'hub.mode': 'publish', [name]: topic.url });
      expect(answer.status).toBe(202);
      const [delivery] = await arrived('deliveries', callback.deliveries, 1);
      expect(delivery?.text).toBe('first content');
      expect(topic.requests[0]?.method).toBe('GET');
    },
  );

  it("H57 may be in the address, with nothing in the body, as Ballerina's publishers send it", async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    const address = `${world.hub.url}?hub.mode=publish&hub.topic=${topic.url}`;
    const answer = await send(address, { method: 'POST', headers: { 'content-length': '0' } });
    expect([answer.status, answer.headers['hub-cursor']]).toEqual([202, undefined]);
    const deliveries = await arrived('deliveries', callback.deliveries, 1);
    expect(deliveries.map(({ text }) => text)).toEqual(['first content']);
  });

  it('is none when it says what it is about: an empty body with a type or an id is content', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    const address = `${world.hub.url}?hub.mode=publish&hub.topic=${topic.url}`;
    const headers = { 'content-length': '0' };
    await send(address, { method: 'POST', headers: { ...headers, 'content-type': 'text/plain' } });
    await send(`${address}&hub.id=gone-7`, { method: 'POST', headers });
    const deliveries = await arrived('deliveries', callback.deliveries, 2);
    expect(deliveries.map(({ text }) => text)).toEqual(['', '']);
    expect(topic.requests).toEqual([]);
  });

  it('H57 may name several topics, also by both names', async () => {
    const topics = [world.topic(), world.topic(), world.topic()];
    const callbacks = await Promise.all(topics.map((topic) => world.subscriber(topic.url)));
    const [first = '', second = '', third = ''] = topics.map(({ url }) => url);
    await postForm(world.hub, { 'hub.mode': 'publish', 'hub.url': [first, second], 'hub.topic': third });
    for (const callback of callbacks) await arrived('deliveries', callback.deliveries, 1);
  });

  it.each([
    ['no topic', {}],
    ['an empty topic', { 'hub.url': '' }],
    ['a topic that is no URL', { 'hub.url': 'topic' }],
    ['a topic of another scheme', { 'hub.url': 'gopher://127.0.0.1/' }],
  ])('H6 with %s is answered 400', async (_what, fields) => {
    const answer = await postForm(world.hub, { 'hub.mode': 'publish', ...fields });
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  });

  it('is answered 202 before the publisher has answered', async () => {
    const topic = world.topic();
    let release: (reply: Reply) => void = () => undefined;
    topic.onRequest = () => new Promise((resolve) => (release = resolve));
    const callback = await world.subscriber(topic.url);
    expect((await ping(world.hub, topic.url)).status).toBe(202);
    await arrived('fetches', topic.requests, 1);
    release({ status: 200, headers: { 'content-type': 'text/plain' }, body: 'late' });
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.text).toBe('late');
  });
});

describe('the fetch of a topic', () => {
  it('H40 distributes the full contents each time', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    for (const body of ['one', 'one two', 'one two three']) {
      topic.body = body;
      await ping(world.hub, topic.url);
      await until('it is delivered', () => callback.texts.at(-1) === body);
    }
    expect(callback.texts).toEqual(['one', 'one two', 'one two three']);
  });

  it('H41 makes no use of the right to leave out entries of a feed', async () => {
    const topic = world.topic();
    const feed = (entries: number): string =>
      `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x</id>${Array.from(
        { length: entries },
        (_each, n) => `<entry><id>urn:${n}</id></entry>`,
      ).join('')}</feed>`;
    topic.contentType = 'application/atom+xml';
    const callback = await world.subscriber(topic.url);
    for (const entries of [1, 2]) {
      topic.body = feed(entries);
      await ping(world.hub, topic.url);
      await until('it is delivered', () => callback.texts.at(-1) === feed(entries));
    }
  });

  it.each([
    'text/plain;charset=UTF-8',
    'application/json',
    'application/atom+xml; charset="utf-8"; type=feed',
    'text/html',
    'image/png',
  ])('H39 passes the content type %s on whole', async (contentType) => {
    const topic = world.topic();
    topic.contentType = contentType;
    const callback = await world.subscriber(topic.url);
    await ping(world.hub, topic.url);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['content-type']).toBe(contentType);
  });

  it('H38 passes bytes on as they are, in any encoding', async () => {
    const topic = world.topic();
    topic.contentType = 'text/plain; charset=iso-8859-1';
    topic.body = Buffer.from([0xe9, 0x00, 0xff, 0xfe, 0x0d, 0x0a, 0x80]);
    const callback = await world.subscriber(topic.url);
    await ping(world.hub, topic.url);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.body.equals(Buffer.from(topic.body))).toBe(true);
  });

  it('H38 asks for no content coding, so that what is signed is what is sent', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    topic.onRequest = (request) => {
      const accepted = request.headers['accept-encoding'] ?? '';
      return /gzip|\*/.test(accepted)
        ? {
            status: 200,
            headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
            body: gzipSync('plain'),
          }
        : { status: 200, headers: { 'content-type': 'text/plain' }, body: 'plain' };
    };
    await ping(world.hub, topic.url);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['content-encoding'] ?? 'identity').toBe('identity');
    expect(delivery?.text).toBe('plain');
  });

  it('H38 sends what a publisher compresses all the same as the plain content', async () => {
    const topic = world.topic();
    topic.onRequest = () => ({
      status: 200,
      headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
      body: gzipSync('plain after all'),
    });
    const callback = await world.subscriber(topic.url);
    await ping(world.hub, topic.url);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['content-encoding'] ?? 'identity').toBe('identity');
    expect(delivery?.text).toBe('plain after all');
  });

  it('asks with the validators of the last content, and distributes nothing on 304', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    await ping(world.hub, topic.url);
    await arrived('deliveries', callback.deliveries, 1);
    await ping(world.hub, topic.url);
    const [, second] = await arrived('fetches', topic.requests, 2);
    expect(second?.headers['if-none-match']).toBe(topic.etag);
    await world.barrier(topic.url, callback);
    expect(callback.texts.filter((text) => text === 'first content')).toHaveLength(1);
  });

  it('asks with Last-Modified where there is no ETag', async () => {
    const topic = world.topic();
    const modified = new Date(Date.now() - 3_600_000).toUTCString();
    topic.onRequest = ({ headers }) =>
      headers['if-modified-since'] === modified
        ? { status: 304 }
        : {
            status: 200,
            headers: { 'content-type': 'text/plain', 'last-modified': modified },
            body: 'dated',
          };
    const callback = await world.subscriber(topic.url);
    await ping(world.hub, topic.url);
    await arrived('deliveries', callback.deliveries, 1);
    await ping(world.hub, topic.url);
    const [, second] = await arrived('fetches', topic.requests, 2);
    expect(second?.headers['if-modified-since']).toBe(modified);
  });

  it('distributes unchanged content once, also when the publisher knows no validators', async () => {
    const topic = world.topic();
    topic.conditional = false;
    const callback = await world.subscriber(topic.url);
    for (let round = 1; round <= 3; round++) {
      await ping(world.hub, topic.url);
      await arrived('fetches', topic.requests, round);
    }
    topic.body = 'second content';
    await ping(world.hub, topic.url);
    await until('the change is delivered', () => callback.texts.includes('second content'));
    expect(callback.texts).toEqual(['first content', 'second content']);
  });

  it('distributes content that changed back', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    for (const body of ['a', 'b', 'a']) {
      topic.body = body;
      await ping(world.hub, topic.url);
      await until('it is delivered', () => callback.texts.at(-1) === body);
    }
    expect(callback.texts).toEqual(['a', 'b', 'a']);
  });

  it('H39 distributes the same bytes under another media type', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    for (const contentType of ['text/plain', 'text/markdown', 'text/markdown']) {
      const before = topic.requests.length;
      topic.onRequest = () => ({ status: 200, headers: { 'content-type': contentType }, body: 'same' });
      await ping(world.hub, topic.url);
      await arrived('fetches', topic.requests, before + 1);
    }
    await arrived('deliveries', callback.deliveries, 2);
    topic.onRequest = (request) => topic.content(request);
    await ping(world.hub, topic.url);
    const deliveries = await arrived('deliveries', callback.deliveries, 3);
    expect(deliveries.map(({ text, headers }) => [text, headers['content-type']])).toEqual([
      ['same', 'text/plain'],
      ['same', 'text/markdown'],
      ['first content', expect.any(String)],
    ]);
  });

  it('distributes the page again when content was published while it was fetched unchanged', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    await ping(world.hub, topic.url);
    await arrived('deliveries', callback.deliveries, 1);
    topic.onRequest = async (request, nth) => {
      if (nth === 2) await published(world.hub, topic.url, 'content');
      return topic.content(request);
    };
    await ping(world.hub, topic.url);
    await arrived('deliveries', callback.deliveries, 2);
    await ping(world.hub, topic.url);
    await until('the page is the newest again', () => callback.texts.length >= 3);
    expect(callback.texts).toEqual(['first content', 'content', 'first content']);
  });

  it.each([204, 400, 401, 403, 404, 410, 500, 502, 503])(
    'distributes no answer of status %i',
    async (status) => {
      const topic = world.topic();
      const callback = await world.subscriber(topic.url);
      topic.onRequest = (request, nth) =>
        nth === 1
          ? { status, ...(status === 204 ? {} : { body: `error ${status}` }) }
          : topic.content(request);
      await ping(world.hub, topic.url);
      await arrived('fetches', topic.requests, 1);
      topic.body = 'healthy again';
      await until('a healthy answer is delivered', async () => {
        await ping(world.hub, topic.url);
        return callback.deliveries.length > 0;
      });
      expect(callback.texts).toEqual(['healthy again']);
    },
  );

  it('fetches again by itself after the publisher failed', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    topic.onRequest = (request, nth) => (nth === 1 ? { status: 503 } : topic.content(request));
    await ping(world.hub, topic.url);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1, 18_000);
    expect(delivery?.text).toBe('first content');
  });

  it('does not distribute a body that was cut short', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    topic.onRequest = (request, nth) =>
      nth > 1
        ? topic.content(request)
        : (response) => {
            response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '1000' });
            response.write('half of it');
            setImmediate(() => response.destroy());
          };
    await ping(world.hub, topic.url);
    await arrived('fetches', topic.requests, 1);
    await until('the whole is delivered', async () => {
      await ping(world.hub, topic.url);
      return callback.deliveries.length > 0;
    });
    expect(callback.texts).toEqual(['first content']);
  });

  it('does not distribute a body larger than --max-body, and goes on with the next', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    topic.body = 'x'.repeat(2_097_153);
    await ping(world.hub, topic.url);
    await arrived('fetches', topic.requests, 1);
    topic.body = 'x'.repeat(2_097_152);
    await until('the largest that fits is delivered', async () => {
      await ping(world.hub, topic.url);
      return callback.deliveries.length > 0;
    });
    expect(callback.deliveries.map(({ body }) => body.byteLength)).toEqual([2_097_152]);
  });

  const bombs: readonly (readonly [what: string, reply: Reply])[] = [
    [
      'a gzip bomb',
      {
        status: 200,
        headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
        body: gzipSync(Buffer.alloc(50_000_000)),
      },
    ],
    [
      'codings piled up',
      { status: 200, headers: { 'content-encoding': 'gzip, '.repeat(50) + 'gzip' }, body: 'x' },
    ],
    ['a coding that nobody knows', { status: 200, headers: { 'content-encoding': 'zpaq' }, body: 'x' }],
    ['what is not gzip', { status: 200, headers: { 'content-encoding': 'gzip' }, body: 'not gzip' }],
    [
      '300 kB of headers',
      (response) => response.socket?.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(300_000)}\r\n\r\n`),
    ],
    ['no HTTP', (response) => response.socket?.end('200 OK, says the publisher\r\n\r\n')],
    ['a broken connection', 'reset'],
  ];
  it.each(bombs)('does not distribute %s, and goes on with the next', async (_what, bomb) => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    topic.onRequest = (request, nth) => (nth === 1 ? bomb : topic.content(request));
    await ping(world.hub, topic.url);
    await arrived('fetches', topic.requests, 1);
    await until('a healthy answer is delivered', async () => {
      await ping(world.hub, topic.url);
      return callback.deliveries.length > 0;
    });
    expect(callback.texts).toEqual(['first content']);
  });

  it('survives a publisher that never ends its answer: the fetch is cut, other topics are served', async () => {
    const endless = world.topic();
    endless.onRequest = () => (response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const drip = setInterval(() => response.write('.'), 50);
      response.on('close', () => clearInterval(drip));
    };
    await world.subscriber(endless.url);
    await ping(world.hub, endless.url);
    await arrived('fetches', endless.requests, 1);
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    const askedAt = performance.now();
    await ping(world.hub, topic.url);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect((delivery?.at ?? Infinity) - askedAt).toBeLessThan(2_000);
  });
});

describe('several pings', () => {
  it('that arrive while a fetch is due are one fetch', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    let release: (() => void) | undefined;
    topic.onRequest = (request, nth) =>
      nth === 1
        ? new Promise((resolve) => (release = () => resolve(topic.content(request))))
        : topic.content(request);
    await ping(world.hub, topic.url);
    const first = await until('the first fetch is under way', () => release);
    for (let n = 0; n < 20; n++) await ping(world.hub, topic.url);
    topic.body = 'second content';
    first();
    await until('the change is delivered', () => callback.texts.includes('second content'));
    await world.barrier(topic.url, callback);
    expect(topic.requests).toHaveLength(2);
  });

  it('of which one arrives during a fetch mean another fetch', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    let release: (() => void) | undefined;
    topic.onRequest = (request, nth) => {
      if (nth > 1) return topic.content(request);
      const old = topic.content(request);
      return new Promise((resolve) => (release = () => resolve(old)));
    };
    await ping(world.hub, topic.url);
    const first = await until('the first fetch is under way', () => release);
    topic.body = 'changed meanwhile';
    await ping(world.hub, topic.url);
    first();
    await until('the change is delivered', () => callback.texts.includes('changed meanwhile'));
    expect(callback.texts).toEqual(['first content', 'changed meanwhile']);
  });

  it('in a storm all come to one end: everybody has the newest content', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    await Promise.all(
      Array.from({ length: 50 }, (_each, n) => {
        topic.body = `content ${n}`;
        return ping(world.hub, topic.url);
      }),
    );
    await until('the newest is delivered', () => callback.texts.at(-1) === 'content 49');
    expect(topic.requests.length).toBeLessThanOrEqual(50);
  });
});

describe('a topic that redirects', () => {
  it.each([301, 302, 303, 307, 308])(
    'is followed on %i, and keeps its own name as rel=self',
    async (status) => {
      const [old, moved] = [world.topic(), world.topic()];
      moved.body = `moved by ${status}`;
      old.onRequest = () => ({ status, headers: { location: moved.url } });
      const callback = await world.subscriber(old.url);
      await ping(world.hub, old.url);
      const [delivery] = await arrived('deliveries', callback.deliveries, 1);
      expect(delivery?.text).toBe(`moved by ${status}`);
      expect(delivery?.headers['link']).toContain(`<${old.url}>`);
    },
  );

  it('is not followed for ever', async () => {
    const topic = world.topic();
    topic.onRequest = () => ({ status: 302, headers: { location: topic.url } });
    const callback = await world.subscriber(topic.url);
    await ping(world.hub, topic.url);
    await arrived('fetches', topic.requests, 2);
    await world.barrier(topic.url, callback);
    const round = topic.requests.length;
    expect(round).toBeLessThanOrEqual(4);
    expect(callback.texts.every((text) => text.startsWith('barrier'))).toBe(true);
  });
});

describe('a ping for a topic that nobody knows', () => {
  it('is fetched in --dev', async () => {
    const topic = world.topic();
    expect((await ping(world.hub, topic.url)).status).toBe(202);
    await arrived('fetches', topic.requests, 1);
  });

  it('is answered 202 and not fetched otherwise; one that is subscribed to is', async () => {
    const hub = await world.embedHub({ dev: false, flags: ['--allow-network', '127.0.0.0/8'] });
    const [unknown, known] = [world.topic(), world.topic()];
    const callback = world.callback();
    await subscribed(hub, callback, known.url);
    expect((await ping(hub, unknown.url)).status).toBe(202);
    await until('the known topic is delivered', async () => {
      await ping(hub, known.url);
      return callback.deliveries.length > 0;
    });
    expect(unknown.requests).toEqual([]);
    expect(known.requests.length).toBeGreaterThan(0);
  });

  it('is fetched once it has been registered', async () => {
    const hub = await world.embedHub({
      dev: false,
      flags: ['--allow-network', '127.0.0.0/8', '--admin-key', 'a-key-of-the-test'],
    });
    const key = { authorization: 'Bearer a-key-of-the-test' };
    const topic = world.topic();
    const registered = await postForm(hub, { 'hub.mode': 'register', 'hub.topic': topic.url }, key);
    expect(registered.status).toBe(202);
    await ping(hub, topic.url);
    await arrived('fetches', topic.requests, 1);
  });
});

it('a ping and content published by the same topic are both delivered, in the order in which they were accepted', async () => {
  const topic = world.topic();
  const callback = await world.subscriber(topic.url);
  await published(world.hub, topic.url, 'by content');
  await arrived('deliveries', callback.deliveries, 1);
  await ping(world.hub, topic.url);
  await arrived('deliveries', callback.deliveries, 2);
  expect(callback.texts).toEqual(['by content', 'first content']);
});
