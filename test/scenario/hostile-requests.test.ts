import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { send, sendRaw, type RawAnswer } from '../support/http.js';
import { FORM, formOf, inState, postForm, subscribe, subscribed } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld({ flags: ['--max-body', '1048576', '--log-level', 'trace'] });

// Whatever was sent, the hub lives and serves others.
afterEach(async () => {
  const { status } = await send(new URL('/healthz', world.hub.url).href);
  if (!world.hub.running || status !== 200)
    throw new Error(`the hub does not live: ${status}\n${world.hub.output}`);
});

function raw(request: string, options: Parameters<typeof sendRaw>[2] = {}): Promise<RawAnswer> {
  return sendRaw(world.hub.url, request, { timeoutMs: 5_000, untilAnswered: true, ...options });
}

const good = {
  'hub.mode': 'subscribe',
  'hub.callback': 'http://127.0.0.1:9/callback',
  'hub.topic': 'http://127.0.0.1:9/topic',
};

function postOf(body: string, headers: readonly string[] = []): string {
  return [
    'POST / HTTP/1.1',
    'Host: hub',
    `Content-Type: ${FORM}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  ].join('\r\n');
}

describe('the size of a request', () => {
  it('a form that declares more than 64 KiB is answered 413 before it was read, and the connection is closed', async () => {
    const answer = await raw(
      `POST / HTTP/1.1\r\nHost: hub\r\nContent-Type: ${FORM}\r\nContent-Length: 70000\r\n\r\n`,
      {
        untilAnswered: false,
      },
    );
    expect(answer.status).toBe(413);
    expect(answer.closed).toBe(true);
    expect(answer.tookMs).toBeLessThan(3_000);
  });

  it('a form that grows beyond 64 KiB in chunks is answered 413', async () => {
    const chunk = `4000\r\n${'a'.repeat(0x4000)}\r\n`;
    const answer = await raw(
      `POST / HTTP/1.1\r\nHost: hub\r\nContent-Type: ${FORM}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}`,
    );
    expect(answer.status).toBe(413);
  });

  it('content that declares more than --max-body is answered 413 before it was read', async () => {
    const query = formOf({ 'hub.mode': 'publish', 'hub.topic': 'http://127.0.0.1:9/topic' });
    const answer = await raw(
      `POST /?${query} HTTP/1.1\r\nHost: hub\r\nContent-Type: text/plain\r\nContent-Length: 99999999999\r\n\r\n`,
    );
    expect(answer.status).toBe(413);
  });

  it('content without an end is answered 413 and cut', async () => {
    const query = formOf({ 'hub.mode': 'publish', 'hub.topic': 'http://127.0.0.1:9/topic' });
    const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
    const answer = await raw(
      `POST /?${query} HTTP/1.1\r\nHost: hub\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`,
      { drip: { piece: chunk.repeat(4), everyMs: 5 } },
    );
    expect(answer.status).toBe(413);
  });

  it.each([
    ['one of 17 KiB', [`X-Large: ${'x'.repeat(17 * 1024)}`]],
    ['200 of them', Array.from({ length: 200 }, (_each, n) => `X-${n}: 1`)],
  ])('headers: %s are answered 431', async (_what, headers) => {
    expect((await raw(postOf(formOf(good), headers))).status).toBe(431);
  });

  it('a request line of 20 KiB is answered 414 or 431', async () => {
    expect([414, 431]).toContain(
      (await raw(`GET /?${'q'.repeat(20_000)} HTTP/1.1\r\nHost: hub\r\n\r\n`)).status,
    );
  });

  it('a form of more than 64 parameters is answered 400', async () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_each, n) => [`p${n}`, '1']));
    expect((await postForm(world.hub, { ...many, ...good })).status).toBe(400);
  });

  it.each(['hub.callback', 'hub.topic'])(
    'a %s of more than 2,048 characters is answered 400',
    async (name) => {
      const answer = await postForm(world.hub, {
        ...good,
        [name]: `http://127.0.0.1:9/${'x'.repeat(2_048)}`,
      });
      expect(answer.status).toBe(400);
    },
  );
});

describe('the encoding of a form', () => {
  it.each([
    ['bytes that are not UTF-8', Buffer.from([...Buffer.from(formOf(good)), 0xff, 0xfe])],
    ['an overlong sequence', Buffer.concat([Buffer.from(`${formOf(good)}&x=`), Buffer.from([0xc0, 0xaf])])],
    ['an escape that is not UTF-8', Buffer.from(`${formOf(good)}&x=%ff`)],
    ['an escaped half of a surrogate pair', Buffer.from(`${formOf(good)}&x=%ED%A0%80`)],
  ])('with %s is answered 400', async (_what, body) => {
    const answer = await send(world.hub.url, { method: 'POST', headers: { 'content-type': FORM }, body });
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  });

  it.each(['gzip', 'deflate', 'br', 'nonsense'])(
    'with Content-Encoding: %s is answered 415 or 400',
    async (coding) => {
      const answer = await send(world.hub.url, {
        method: 'POST',
        headers: { 'content-type': FORM, 'content-encoding': coding },
        body: gzipSync(formOf(good)),
      });
      expect([400, 415]).toContain(answer.status);
    },
  );

  it.each(['text/plain', 'multipart/form-data; boundary=x', 'application/json', 'nonsense', ''])(
    'under the content type %j is answered 4xx',
    async (contentType) => {
      const answer = await send(world.hub.url, {
        method: 'POST',
        headers: { 'content-type': contentType },
        body: formOf(good),
      });
      expect([400, 415]).toContain(answer.status);
    },
  );

  it('in a charset other than UTF-8 is not misread: 4xx, or taken as UTF-8', async () => {
    const answer = await send(world.hub.url, {
      method: 'POST',
      headers: { 'content-type': `${FORM}; charset=utf-16` },
      body: formOf(good),
    });
    expect([202, 400, 415]).toContain(answer.status);
  });

  it.each([
    '__proto__[polluted]=1',
    '__proto__.polluted=1',
    'constructor[prototype][polluted]=1',
    'toString=1',
    '=',
    '&&&=&',
    '%',
    'a=%zz',
  ])('with %s besides does no harm', async (more) => {
    const callback = world.callback();
    const answer = await send(world.hub.url, {
      method: 'POST',
      headers: { 'content-type': FORM },
      body: `${more}&${formOf({ ...good, 'hub.callback': callback.url })}`,
    });
    expect([202, 400]).toContain(answer.status);
    if (answer.status === 202) await inState(world.hub, callback, 'active');
  });
});

describe('the URLs of a request', () => {
  const bad: readonly (readonly [what: string, url: string])[] = [
    ['user information', 'http://user:password@127.0.0.1:9/x'],
    ['a user name', 'http://user@127.0.0.1:9/x'],
    ['an empty user', 'http://:@127.0.0.1:9/x'],
    ['a line break', 'http://127.0.0.1:9/x\r\nHost: evil'],
    ['a line feed', 'http://127.0.0.1:9/x\ny'],
    ['a tab', 'http://127.0.0.1:9/x\ty'],
    ['a tab in the scheme', 'ht\ttp://127.0.0.1:9/'],
    ['a NUL', 'http://127.0.0.1:9/x\u0000y'],
    ['a DEL', 'http://127.0.0.1:9/x\u007f'],
    ['a space', 'http://127.0.0.1:9/x y'],
    ['a space at the start', ' http://127.0.0.1:9/x'],
    ['a space at the end', 'http://127.0.0.1:9/x '],
    ['port 0', 'http://127.0.0.1:0/x'],
    ['a port that is none', 'http://127.0.0.1:99999/x'],
    ['a fragment', 'http://127.0.0.1:9/x#y'],
    ['no slashes', 'http:127.0.0.1:9/x'],
    ['one slash', 'http:/127.0.0.1:9/x'],
    ['an open bracket', 'http://[::1/x'],
    ['a percent in the host', 'http://127.0.0.1%00.example/x'],
  ];

  it.each(bad)('a callback with %s is answered 400', async (_what, url) => {
    expect((await postForm(world.hub, { ...good, 'hub.callback': url })).status).toBe(400);
  });

  it.each(bad)('a topic with %s is answered 400', async (_what, url) => {
    expect((await postForm(world.hub, { ...good, 'hub.topic': url })).status).toBe(400);
    expect((await postForm(world.hub, { 'hub.mode': 'publish', 'hub.url': url })).status).toBe(400);
  });

  it('an error does not reflect what was sent as markup', async () => {
    const script = '<script>alert(1)</script>';
    for (const name of ['hub.mode', 'hub.callback', 'hub.topic', 'hub.lease_seconds']) {
      const answer = await postForm(world.hub, { ...good, [name]: script });
      expect(answer.status).toBe(400);
      expect(answer.headers['content-type']).toMatch(/^text\/plain/);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    }
  });
});

describe('requests that are not quite HTTP', () => {
  const form = `POST / HTTP/1.1\r\nHost: hub\r\nContent-Type: ${FORM}\r\n`;
  it.each([
    ['garbage', 'this is not HTTP\r\n\r\n'],
    ['a TLS hello', '\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0000\r\n\r\n'],
    ['a length and chunks', `${form}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${form}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
    ['a length that is none', `${form}Content-Length: five\r\n\r\nhello`],
    ['a negative length', `${form}Content-Length: -5\r\n\r\nhello`],
    ['an odd transfer coding', `${form}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['a chunk size that is none', `${form}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : hub\r\n\r\n'],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: hub\r\nX: a\u0000b\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ])('%s is answered 400, once', async (_what, request) => {
    const answer = await raw(request, { untilAnswered: false, timeoutMs: 2_000 });
    expect(answer.status).toBe(400);
    expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it.each([
    'OPTIONS * HTTP/1.1',
    'TRACE / HTTP/1.1',
    'DELETE / HTTP/1.1',
    'PATCH / HTTP/1.1',
    'PROPFIND / HTTP/1.1',
    'HEAD / HTTP/1.1',
    'GET //// HTTP/1.1',
    'GET /%00 HTTP/1.1',
    'GET /% HTTP/1.1',
    'GET /%ff HTTP/1.1',
    'GET /..%2f..%2fetc/passwd HTTP/1.1',
    'GET /v1/../../etc/passwd HTTP/1.1',
    'GET http://elsewhere.example/ HTTP/1.1',
    'GET /?a[b][c]=d&a[b][c]=e HTTP/1.1',
    'GET /v1/subscriptions?after=%00&limit=1 HTTP/1.1',
    'GET /v1/subscriptions?topic=a&topic=b HTTP/1.1',
    'GET /v1/subscriptions?topic=%ff HTTP/1.1',
    'GET /v1/topics?limit=999999999999999999999 HTTP/1.1',
    'GET /v1/dead-letters?after=%27%3B%20DROP%20TABLE%20x HTTP/1.1',
    'GET /v1/topics?after=%C3%28 HTTP/1.1',
    'POST /?hub.mode=publish HTTP/1.1',
    'POST /?hub.mode=publish&hub.topic=%ff HTTP/1.1',
    'POST /?hub.mode=publish&hub.topic=http%3A%2F%2F127.0.0.1%3A9%2F&hub.id=%0d%0aX%3A1 HTTP/1.1',
    'POST /?hub.mode=publish&hub.topic=http%3A%2F%2F127.0.0.1%3A9%2F&hub.type=%00 HTTP/1.1',
    'POST /v1/subscriptions HTTP/1.1',
    'POST /metrics HTTP/1.1',
  ])('%s is answered, and not with 5xx', async (line) => {
    const answer = await raw(`${line}\r\nHost: hub\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    expect(answer.status).toBeGreaterThanOrEqual(200);
    expect(answer.status).toBeLessThan(500);
  });

  it.each([
    ['an upgrade', 'GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['an odd expectation', 'POST / HTTP/1.1\r\nHost: hub\r\nExpect: 200-maybe\r\nContent-Length: 0\r\n\r\n'],
    [
      'odd preferences',
      'GET / HTTP/1.1\r\nHost: hub\r\nAccept: ;;,q=x,*/*;q=99\r\nAccept-Language: \xff\r\n\r\n',
    ],
    ['odd credentials', 'GET /v1/stats HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer \xe9\r\n\r\n'],
    [
      'an odd content type',
      `POST /?hub.mode=publish&hub.topic=http%3A%2F%2F127.0.0.1%3A9%2Fx HTTP/1.1\r\nHost: hub\r\nContent-Type: a/b; c="\xff\x01\r\nContent-Length: 1\r\n\r\nx`,
    ],
  ])('%s is answered, and not with 5xx', async (_what, request) => {
    const answer = await raw(request);
    expect(answer.status).toBeLessThan(500);
  });

  it('an odd content type is delivered as a safe one', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const query = formOf({ 'hub.mode': 'publish', 'hub.topic': topic });
    for (const contentType of ['nonsense', `text/plain; x=${'y'.repeat(1_000)}`, 'text/plain; é']) {
      await raw(
        `POST /?${query} HTTP/1.1\r\nHost: hub\r\nContent-Type: ${contentType}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
      );
    }
    await until('they are delivered', () => callback.deliveries.length >= 3);
    expect(callback.deliveries.map(({ headers }) => headers['content-type'])).toEqual(
      callback.deliveries.map(() => 'application/octet-stream'),
    );
  });

  it('three requests in one packet are three answers', async () => {
    const one = 'GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n';
    const answer = await raw(`${one}${one}${one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`, {
      untilAnswered: false,
    });
    expect(answer.text.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
  });
});

describe.concurrent('requests that never end', () => {
  it('headers that drip are cut within 20 s, and others are served within 2 s meanwhile', async () => {
    const slow = Array.from({ length: 100 }, () =>
      sendRaw(world.hub.url, 'POST / HTTP/1.1\r\nHost: hub\r\n', {
        drip: { piece: 'X: y\r\n', everyMs: 3_000 },
        timeoutMs: 20_000,
      }),
    );
    const askedAt = performance.now();
    const callback = world.callback();
    await subscribed(world.hub, callback, world.topic().url);
    expect(performance.now() - askedAt).toBeLessThan(2_000);
    const cut = await Promise.all(slow);
    expect(cut.filter(({ closed }) => !closed)).toEqual([]);
    expect(cut.filter(({ status }) => status >= 500)).toEqual([]);
  }, 30_000);

  it('a body that drips is cut within 20 s', async () => {
    const head = `POST / HTTP/1.1\r\nHost: hub\r\nContent-Type: ${FORM}\r\nContent-Length: 60000\r\n\r\n`;
    const answer = await sendRaw(world.hub.url, head, {
      drip: { piece: 'a', everyMs: 500 },
      timeoutMs: 20_000,
    });
    expect(answer.closed).toBe(true);
    expect(answer.status).toBeLessThan(500);
  }, 30_000);

  it('a connection on which nothing is said is closed within 20 s', async () => {
    const answer = await sendRaw(world.hub.url, '', { timeoutMs: 20_000 });
    expect(answer.closed).toBe(true);
  }, 30_000);

  it('a body that stops half way and a client that leaves do no harm', async () => {
    for (let n = 0; n < 20; n++) {
      await sendRaw(world.hub.url, postOf('x'.repeat(100)).slice(0, -50), { timeoutMs: 5 });
    }
    expect((await subscribe(world.hub, world.callback().url, world.topic().url)).status).toBe(202);
  });
});

// The last of the file: it looks back at all of the others.
it('LAW 10: whatever was sent, the log is one line of JSON for each event, and tells of no failure of the hub', () => {
  const lines = world.hub.output.split('\n').slice(0, -1);
  const events = lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
  expect(events).toContain('subscription-requested');
  expect(events).not.toContain('fault');
});
