import { afterEach, describe, expect, it } from 'vitest';
import { send, sendRaw, type RawAnswer } from '../support/http.js';
import { FORM, formOf, inState, subscribe, subscribed } from '../support/requests.js';
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

  it('content beyond --max-body is answered 413 to a client that is still sending it', async () => {
    const query = formOf({ 'hub.mode': 'publish', 'hub.topic': 'http://127.0.0.1:9/topic' });
    const body = 'a'.repeat(8 * 1024 * 1024);
    for (let time = 1; time <= 10; time++) {
      const answer = await fetch(`${world.hub.url}?${query}`, { method: 'POST', body });
      expect(answer.status).toBe(413);
      expect(await answer.text()).toMatch(/too large/);
    }
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

  it('a client that asks first whether to send its body is told to go on', async () => {
    const body = formOf(good);
    const answer = await raw(postOf(body, ['Expect: 100-continue']).slice(0, -body.length));
    expect(answer.status).toBe(100);
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
});

describe('the address of a request', () => {
  it('may be a whole URL, as a client writes it that takes the hub for a proxy', async () => {
    const subscribing = postOf(formOf(good)).replace('POST /', 'POST http://hub.example/');
    expect((await raw(subscribing)).status).toBe(202);
    const query = formOf({ 'hub.mode': 'publish', 'hub.topic': 'http://127.0.0.1:9/topic' });
    const publishing = `POST http://hub.example/?${query} HTTP/1.1\r\nHost: hub\r\nContent-Length: 2\r\n\r\nhi`;
    expect((await raw(publishing)).status).toBe(202);
  });

  it('that is neither a path nor a URL is answered 400 with the cure', async () => {
    const answer = await raw(postOf(formOf(good)).replace('POST /', 'POST http://[/'));
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('send the path');
  });
});

describe('the encoding of a form', () => {
  it.each([
    ['utf-8', '', /^HTTP\/1\.1 202/],
    ['"UTF-8"', '&x=é', /^HTTP\/1\.1 202/],
    ['us-ascii', '', /^HTTP\/1\.1 202/],
    ['ISO-8859-1', '', /^HTTP\/1\.1 202/],
    ['ISO-8859-1', '&x=é', /^HTTP\/1\.1 415[^]*send it in UTF-8/],
    ['utf-16', '', /^HTTP\/1\.1 415[^]*send it in UTF-8/],
    ['utf-7', '', /^HTTP\/1\.1 415[^]*send it in UTF-8/],
    ['Shift_JIS', '', /^HTTP\/1\.1 415[^]*send it in UTF-8/],
    ['klingon', '', /^HTTP\/1\.1 415[^]*send it in UTF-8/],
  ])(
    'that declares the charset %s, with %j at its end, is answered as the hub reads it',
    async (charset, more, expected) => {
      const contentType = `Content-Type: ${FORM}; charset=${charset}`;
      const subscribing = postOf(formOf(good) + more).replace(`Content-Type: ${FORM}`, contentType);
      // To the endpoint, and to the same by the routes.
      for (const request of [subscribing, subscribing.replace('POST /', 'POST http://hub.example/')])
        expect((await raw(request)).text).toMatch(expected);
    },
  );

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

describe('what is odd', () => {
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
    expect(cut.filter(({ closed, status }) => !closed || status !== 408)).toEqual([]);
  }, 30_000);

  it('a body that drips is cut within 20 s', async () => {
    const head = `POST / HTTP/1.1\r\nHost: hub\r\nContent-Type: ${FORM}\r\nContent-Length: 60000\r\n\r\n`;
    const answer = await sendRaw(world.hub.url, head, {
      drip: { piece: 'a', everyMs: 500 },
      timeoutMs: 20_000,
    });
    expect([answer.closed, answer.status]).toEqual([true, 408]);
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
