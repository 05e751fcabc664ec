import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sign } from '@websub/shared';
import { discover, OnEvent, SubscriberService, type Notification } from '@websub/subscriber';
import { openWorld, Site, type World } from './world.js';

const MEGABYTE = 1_048_576;

/** Keeps what any of its methods was given; a test of an attack ends with nothing here. */
class Target {
  readonly handled: string[] = [];

  @OnEvent({ payload: ['action', 'created'] })
  onCreated(notification: Notification): void {
    this.handled.push(`created ${notification.text()}`);
  }

  onEventNotification(notification: Notification): void {
    this.handled.push(notification.text());
  }

  toString(): string {
    this.handled.push('toString was called');
    return 'target';
  }
}

async function openTarget(options = {}): Promise<{ world: World; target: Target }> {
  const world = await openWorld();
  SubscriberService()(Target);
  const target = new Target();
  await world.listener.attachWithConfig(target, { target: world.target, ...options });
  await world.listener.start();
  return { world, target };
}

/** Sends bytes as they are, and settles with what came back until the server closed. */
function raw(callback: string, request: string | Uint8Array): Promise<string> {
  const { hostname, port } = new URL(callback);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.end(request));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
  });
}

describe('a forged delivery', () => {
  it('S36, S38, S39 never reaches a handler, whatever its signature looks like', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    const { secret = '' } = world.hub.subscription;
    const body = '{"action":"created"}';
    const right = sign(Buffer.from(body), secret);
    const [method = '', digest = ''] = right.split('=');
    const forged = [
      right.slice(0, -1),
      `${right}0`,
      `${right}${digest}`,
      `sha512=${digest}`,
      `sha1=${digest}`,
      `${method}=${sign(Buffer.from(body), `${secret}x`).split('=')[1] ?? ''}`,
      `${method}=${sign(Buffer.from(`${body} `), secret).split('=')[1] ?? ''}`,
      digest,
      `${method}:${digest}`,
      `${method}=0x${digest}`,
      `${method}=${Buffer.from(digest, 'hex').toString('base64')}`,
      `__proto__=${digest}`,
      `toString=${digest}`,
      '',
    ];
    for (const value of forged) {
      const { status } = await world.hub.deliver(world.hub.subscription, body, { signature: { value } });
      expect(status).toBe(403);
    }
    expect(target.handled).toEqual([]);
  });

  it('S37 with the right signature in upper case is taken, and nothing else is upper-cased', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    const { secret = '' } = world.hub.subscription;
    const value = sign(Buffer.from('a'), secret).replace(/=.*/, (digest) => digest.toUpperCase());
    const { status } = await world.hub.deliver(world.hub.subscription, 'a', { signature: { value } });
    expect(status).toBe(202);
    expect(target.handled).toEqual(['a']);
  });

  it('S38 of random bytes and signatures never reaches a handler', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    const method = fc.constantFrom('sha1', 'sha256', 'sha384', 'sha512', 'SHA256', 'md5', '');
    const digest = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'.split('')), maxLength: 140 }),
      fc.string({ unit: fc.constantFrom(...'!-~azAZ=,; "'.split('')), maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), method, digest, async (body, name, hex) => {
        const signature = { value: `${name}=${hex}` };
        const { status } = await world.hub.deliver(world.hub.subscription, body, { signature });
        expect(status).toBe(403);
      }),
      { numRuns: 200 },
    );
    expect(target.handled).toEqual([]);
  });

  it('to callbacks that are guessed finds none', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    const { callback } = world.hub.subscription;
    const guesses = [
      callback.slice(0, -1),
      `${callback}/`,
      `${callback}%00`,
      callback.toUpperCase(),
      callback.replace(/[^/]*$/, '__proto__'),
      callback.replace(/[^/]*$/, 'constructor'),
      callback.replace(/[^/]*$/, `${'A'.repeat(24)}`),
      callback.replace(/[^/]*$/, '../'.repeat(8)),
    ];
    for (const url of guesses) {
      const { status } = await fetch(url, { method: 'POST', body: '{}' });
      expect(status).toBe(404);
    }
    expect(target.handled).toEqual([]);
  });

  it('that is replayed with its Webhook-Id is answered like the first, and handled once', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    const headers = { 'webhook-id': 'once' };
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => world.hub.deliver(world.hub.subscription, 'replay', { headers })),
    );
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
    expect(target.handled).toEqual(['replay']);
  });
});

describe('the headers of a delivery', () => {
  it('S41 are covered by no signature, and make nothing else of it when they are changed on the way', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    const notified: Notification[] = [];
    target.onEventNotification = (notification) => void notified.push(notification);
    const headers = {
      link: '<https://hub.evil/>; rel="hub", <https://evil.example/>; rel="self"',
      'content-location': 'https://evil.example/',
      'x-hub-topic': 'https://evil.example/',
    };
    expect((await world.hub.deliver(world.hub.subscription, '{"n":1}', { headers })).status).toBe(202);
    const [view] = await world.listener.subscriptions.list();
    expect(notified[0]).toMatchObject({
      topic: world.target[1],
      signature: 'verified',
      subscription: { id: view?.id, hub: world.hub.url, topic: world.target[1] },
    });
    expect(notified[0]?.text()).toBe('{"n":1}');
  });
});

describe('a hostile payload', () => {
  it('chooses no method by its prototype, and changes none', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    const bodies = [
      '{"__proto__":{"action":"created"}}',
      '{"constructor":{"prototype":{"action":"created"}}}',
      '{"action":{"toString":"created"}}',
      '{"action":["created"]}',
      '{"action":null}',
      '[{"action":"created"}]',
      '"created"',
      'null',
      '{"action":"created"',
      `${'['.repeat(50_000)}`,
      `{"a":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
    ];
    for (const body of bodies) {
      expect((await world.hub.deliver(world.hub.subscription, body)).status).toBe(202);
    }
    expect(target.handled).toEqual(bodies);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { action?: unknown }).action).toBeUndefined();
  });

  it('that is compressed is not unpacked', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    const bomb = gzipSync(Buffer.alloc(64 * MEGABYTE));
    const headers = { 'content-encoding': 'gzip' };
    expect((await world.hub.deliver(world.hub.subscription, bomb, { headers })).status).toBe(415);
    expect(target.handled).toEqual([]);
  });

  it('LAW 7 without end is cut off at the limit', async () => {
    const { world, target } = await openTarget({ maxBodyBytes: MEGABYTE });
    await using _ = world;
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const request = { method: 'POST', body: endless, duplex: 'half' } as RequestInit;
    const status = await fetch(world.hub.subscription.callback, request).then(
      (response) => response.status,
      () => 'cut off',
    );
    expect([413, 'cut off']).toContain(status);
    expect(sent).toBeLessThan(32 * MEGABYTE);
    expect(target.handled).toEqual([]);
  });

  it('in a charset that is wrong, unknown or a name of nothing is still delivered', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    for (const charset of ['x-no-such', '', '__proto__', 'utf-16', '"utf-8', 'a'.repeat(4_000)]) {
      const contentType = `application/json; charset=${charset}`;
      const { status } = await world.hub.deliver(world.hub.subscription, Uint8Array.of(0xff, 0xfe, 0x7b), {
        contentType,
      });
      expect(status).toBe(202);
    }
    expect(target.handled).toHaveLength(6);
  });
});

describe('a hostile question', () => {
  it('S24, S26 with parameters twice counts only the last ones, which are the hub’s', async () => {
    const { world } = await openTarget();
    await using _ = world;
    const { callback, topic } = world.hub.subscription;
    const ask = async (...pairs: [string, string][]): Promise<string> => {
      const response = await fetch(`${callback}?${new URLSearchParams(pairs).toString()}`);
      return `${response.status} ${await response.text()}`;
    };
    const honest: [string, string][] = [
      ['hub.mode', 'subscribe'],
      ['hub.topic', topic],
      ['hub.challenge', 'right'],
    ];
    const forged: [string, string][] = [
      ['hub.mode', 'unsubscribe'],
      ['hub.topic', 'https://other.example/'],
      ['hub.challenge', 'wrong'],
    ];
    expect(await ask(...forged, ...honest)).toBe('200 right');
    expect(await ask(...honest, ...forged)).toMatch(/^404 /);
    expect((await world.hub.deliver(world.hub.subscription, 'x')).status).toBe(202);
  });

  it('S24, S26 of any shape is answered 4xx unless it is the right one, and changes nothing', async () => {
    const { world, target } = await openTarget();
    await using _ = world;
    const { callback, topic } = world.hub.subscription;
    const word = fc.oneof(
      fc.constantFrom('subscribe', 'unsubscribe', 'denied', 'publish', '__proto__', ''),
      fc.string({ maxLength: 20 }),
    );
    const name = fc.oneof(
      fc.constantFrom(
        'hub.mode',
        'hub.topic',
        'hub.challenge',
        'hub.lease_seconds',
        'hub.reason',
        'hub.mode[]',
        '__proto__',
      ),
      fc.string({ maxLength: 12 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, word), { maxLength: 8 }), async (pairs) => {
        const query = new URLSearchParams(pairs);
        const response = await fetch(`${callback}?${query.toString()}`);
        await response.arrayBuffer();
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
    expect(world.told.denied).toEqual([]);
    expect((await world.listener.subscriptions.list())[0]).toMatchObject({ state: 'active', topic });
    expect(target.handled).toEqual([]);
  });

  it.each([
    'GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET ///?%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET http://[::1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    `GET /${'a'.repeat(60_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nLink: ${'<a>; rel=self, '.repeat(70_000)}\r\n\r\n`,
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n',
    '\u0000\u0001\u0002\u0003\r\n\r\n',
  ])('that is hardly HTTP, %#, is answered 4xx, and the next one is answered', async (request) => {
    const { world } = await openTarget();
    await using _ = world;
    const { callback } = world.hub.subscription;
    expect(await raw(callback, request)).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    expect(await raw(callback, 'GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 404 /,
    );
    expect((await world.hub.deliver(world.hub.subscription, 'x')).status).toBe(202);
  });

  it('S23 of denial, forged by whoever does not know the callback, ends nothing', async () => {
    const { world } = await openTarget();
    await using _ = world;
    const { callback, topic } = world.hub.subscription;
    const { origin } = new URL(callback);
    const denial = new URLSearchParams({ 'hub.mode': 'denied', 'hub.topic': topic }).toString();
    for (const path of ['/', '/x', `/${'a'.repeat(24)}`, '/denied']) {
      expect((await fetch(`${origin}${path}?${denial}`)).status).toBe(404);
    }
    expect((await fetch(`${callback}?${denial}`, { method: 'POST' })).status).toBe(403);
    expect(world.told.denied).toEqual([]);
    expect((await world.hub.deliver(world.hub.subscription, 'x')).status).toBe(202);
  });
});

describe('discovery of anything', () => {
  let site: Site;
  let nr = 0;

  beforeAll(async () => {
    site = await Site.start();
  });

  afterAll(() => site[Symbol.asyncDispose]());

  async function discovered(body: string | Uint8Array, headers: Record<string, string | string[]>) {
    const path = `/${++nr}`;
    site.pages.set(path, { headers, body });
    const found = await discover(site.url + path);
    site.pages.delete(path);
    return found;
  }

  const TYPES = [
    'text/html',
    'application/xml',
    'application/atom+xml',
    'application/rss+xml',
    'text/plain',
    '',
  ];
  const piece = fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      '/',
      '=',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?xml version="1.0"?>',
      '<html>',
      '<head>',
      '<body>',
      '<base href="',
      '<link rel="hub" href="',
      '<link rel=self href=',
      '</title>',
      '<title>',
      '<script>',
      '</script>',
      '<feed xmlns="http://www.w3.org/2005/Atom">',
      '<rss><channel>',
      '<atom:link ',
      'rel="hub" ',
      '<entry>',
      '</entry>',
      '<!DOCTYPE x [<!ENTITY a "b">]>',
      '&a;',
      'http://',
      'https://h.example/',
      '\u0000',
      '\ufeff',
      '__proto__="x"',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );

  it('of any markup settles with web URLs or none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 40 }),
        fc.constantFrom(...TYPES),
        async (pieces, type) => {
          const { hubs, self } = await discovered(pieces.join(''), { 'content-type': type });
          for (const url of [...hubs, ...(self === undefined ? [] : [self])]) {
            expect(new URL(url).protocol).toMatch(/^https?:$/);
            expect(url).toMatch(/^[!-~]+$/);
          }
        },
      ),
      { numRuns: 250 },
    );
  });

  it('of any bytes, compressed or said to be, settles', async () => {
    const encodings = ['identity', 'gzip', 'deflate', 'br', 'x-no-such', '__proto__'];
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom(...TYPES, 'text/html; charset=utf-16le', 'text/html; charset=__proto__'),
        fc.constantFrom(...encodings),
        async (bytes, type, encoding) => {
          const headers = { 'content-type': type, 'content-encoding': encoding };
          expect((await discovered(bytes, headers)).hubs).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('of any Link header settles with web URLs or none', async () => {
    const part = fc.oneof(
      fc.constantFrom(
        '<',
        '>',
        ';',
        ',',
        '"',
        '\\',
        '=',
        'rel',
        'hub',
        'self',
        'anchor',
        ' ',
        '<https://h.example/>',
        '; rel="hub"',
        ";rel*=utf-8''hub",
      ),
      fc.string({ unit: fc.constantFrom(...'!#$%az09~/:?'.split('')), maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(part, { maxLength: 30 }), { minLength: 1, maxLength: 4 }),
        async (values) => {
          const link = values.map((value) => value.join(''));
          const { hubs } = await discovered('', { link });
          for (const url of hubs) expect(new URL(url).protocol).toMatch(/^https?:$/);
        },
      ),
      { numRuns: 150 },
    );
  });
});
