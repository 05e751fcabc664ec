import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Server as HttpServer, type ServerResponse } from 'node:http';
import { createServer as createRawServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Agent } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { TestClock } from './clock.js';
import { WebSubError } from './errors.js';
import type { HttpFailure, HttpRequest, HttpResponse } from './http-client.js';
import { NetworkPolicy, type NetworkPolicyOptions } from './network-policy.js';
import type { ResolvedAddress, Resolver } from './resolver.js';
import { UndiciHttpClient, type UndiciHttpClientOptions } from './undici-http-client.js';

const endings: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

/** What a server at a real port saw. */
class Listener {
  readonly sockets: Socket[] = [];
  /** The address by which each connection came in. */
  readonly addresses: (string | undefined)[] = [];
  readonly requests: { readonly method: string; readonly url: string; readonly body: string }[] = [];
  port = 0;

  get connections(): number {
    return this.sockets.length;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen(server: Server | HttpServer, host: string): Promise<this> {
    server.on('connection', (socket: Socket) => {
      this.sockets.push(socket);
      this.addresses.push(socket.localAddress);
      socket.on('error', () => {});
    });
    server.listen(0, host);
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    endings.push(async () => {
      for (const socket of this.sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    });
    return this;
  }
}

type Answer = (response: ServerResponse, url: string) => void;

/** A real HTTP server on loopback that answers each whole request by `answer`. */
function serve(answer: Answer = (response) => response.end('ok'), host = '127.0.0.1'): Promise<Listener> {
  const listener = new Listener();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    response.on('error', () => {});
    request.on('end', () => {
      const url = request.url ?? '';
      listener.requests.push({
        method: request.method ?? '',
        url,
        body: Buffer.concat(chunks).toString('latin1'),
      });
      answer(response, url);
    });
  });
  return listener.listen(server, host);
}

/** A TCP server that leaves HTTP to `onRequest`, called with the first bytes of each request. */
function serveRaw(onRequest: (socket: Socket, bytes: Buffer) => void): Promise<Listener> {
  const server = createRawServer((socket) => socket.on('data', (bytes: Buffer) => onRequest(socket, bytes)));
  return new Listener().listen(server, '127.0.0.1');
}

function answering(answer: string): (socket: Socket) => void {
  return (socket) => socket.end(answer, 'latin1');
}

function client(options: Partial<UndiciHttpClientOptions> = {}): UndiciHttpClient {
  const made = new UndiciHttpClient({ policy: new NetworkPolicy({ allowLoopback: true }), ...options });
  endings.push(() => made.close());
  return made;
}

function guarded(resolver: Resolver | undefined, policy: NetworkPolicyOptions = {}): UndiciHttpClient {
  return client({ policy: new NetworkPolicy(policy), ...(resolver === undefined ? {} : { resolver }) });
}

/** A resolver whose first answer is the first list, and so on; the last one stays. */
function resolving(...answers: readonly (readonly string[])[]): Resolver & { calls: number } {
  return {
    calls: 0,
    resolve() {
      const answer = answers[Math.min(this.calls++, answers.length - 1)] ?? [];
      return Promise.resolve(answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
    },
  };
}

function get(url: string, rest: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, headers: {}, answer: { kind: 'body', maxBytes: 1000 }, ...rest };
}

const STATUS = { answer: { kind: 'status' } } as const;

function text(outcome: HttpResponse | HttpFailure): string {
  return outcome.kind === 'response'
    ? Buffer.from(outcome.body).toString('latin1')
    : `${outcome.reason}: ${outcome.detail}`;
}

function isPending(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), Promise.resolve(true)]);
}

/** Settles when undici has read the head of an answer. */
function headRead(): Promise<void> {
  return new Promise((resolve) => {
    const onHead = (): void => {
      unsubscribe('undici:request:headers', onHead);
      resolve();
    };
    subscribe('undici:request:headers', onHead);
  });
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turnOfTheLoop();
}

/** The client's end of a connection is gone. */
async function closed(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.closed) return;
  await new Promise((resolve) => socket.once('close', resolve));
}

describe('UndiciHttpClient: requests and answers', () => {
  it('gives status, lower-case headers and the whole body', async () => {
    const server = await serve((response) => {
      response.writeHead(418, { 'X-Mixed': 'Case', 'Set-Cookie': ['a=1', 'b=2'] });
      response.write('one ');
      response.end('two');
    });
    const outcome = await client().send(get(`${server.origin}/`));
    expect(outcome).toMatchObject({
      kind: 'response',
      status: 418,
      headers: { 'x-mixed': 'Case', 'set-cookie': ['a=1', 'b=2'] },
    });
    expect(text(outcome)).toBe('one two');
  });

  it('sends method, headers and the bytes of the body as they are', async () => {
    const seen: Record<string, unknown>[] = [];
    const server = await serve((response) => {
      seen.push({ ...response.req.headers });
      response.end();
    });
    const body = new Uint8Array([0, 0xff, 0x80, 13, 10]);
    await client().send(
      get(`${server.origin}/`, { method: 'POST', body, headers: { 'content-type': 'x/y', 'X-Own': 'é' } }),
    );
    expect(server.requests).toEqual([{ method: 'POST', url: '/', body: '\0\u00ff\u0080\r\n' }]);
    expect(seen[0]).toMatchObject({ 'content-type': 'x/y', 'content-length': '5', 'x-own': 'é' });
  });

  it('counts a text body in bytes', async () => {
    const server = await serve();
    await client().send(get(`${server.origin}/`, { method: 'POST', body: 'é😀' }));
    expect(Buffer.from(server.requests[0]?.body ?? '', 'latin1').toString()).toBe('é😀');
  });

  it.each(['/a%20b+c?q=%20+%2B', '/%7euser?x=%c3%a9&y=%41&hub.mode=x', '/cb?a=1&&b=?', "/~!$&'()*,;=:@-._"])(
    'asks for %s byte for byte',
    async (path) => {
      const server = await serve();
      await client().send(get(`${server.origin}${path}`));
      expect(server.requests.map(({ url }) => url)).toEqual([path]);
    },
  );

  it('sends neither the fragment nor the user information of a URL', async () => {
    const seen: (string | undefined)[] = [];
    const server = await serve((response, url) => {
      seen.push(url, response.req.headers.authorization);
      response.end();
    });
    await client().send(get(`http://user:word@127.0.0.1:${server.port}/x?y#fragment`));
    expect(seen).toEqual(['/x?y', undefined]);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    const target = await serve();
    const server = await serve((response) =>
      response.writeHead(status, { location: `${target.origin}/` }).end(),
    );
    const outcome = await client().send(get(`${server.origin}/`));
    expect(outcome).toMatchObject({ kind: 'response', status, headers: { location: `${target.origin}/` } });
    expect(target.connections).toBe(0);
  });

  it.each([204, 304, 404, 410, 500, 503])('takes %i as an answer, not as a failure', async (status) => {
    const server = await serve((response) => response.writeHead(status).end());
    expect(await client().send(get(`${server.origin}/`, STATUS))).toMatchObject({ kind: 'response', status });
  });

  it('answers HEAD without waiting for a body', async () => {
    const server = await serve((response) => response.writeHead(200, { 'content-length': '5000' }).end());
    const outcome = await client().send(get(`${server.origin}/`, { method: 'HEAD' }));
    expect(outcome).toMatchObject({ kind: 'response', status: 200, headers: { 'content-length': '5000' } });
  });

  it('passes over early hints', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const server = await serveRaw(
      answering(`${hints}${hints}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`),
    );
    const outcome = await client().send(get(`${server.origin}/`));
    expect(text(outcome)).toBe('ok');
    expect(outcome).not.toHaveProperty('headers.link');
  });

  it('reads headers named like members of an object', async () => {
    const head =
      'HTTP/1.1 200 OK\r\nconstructor: a\r\n__proto__: b\r\ntoString: c\r\ntoString: d\r\nContent-Length: 0\r\n\r\n';
    const server = await serveRaw(answering(head));
    const outcome = await client().send(get(`${server.origin}/`));
    expect(outcome.kind).toBe('response');
    expect(Object.getPrototypeOf(outcome.kind === 'response' ? outcome.headers : null)).toBe(
      Object.prototype,
    );
  });
});

describe('UndiciHttpClient: how much of an answer is read', () => {
  it('takes a body of exactly the limit and refuses one byte more', async () => {
    const server = await serve((response, url) => response.end('x'.repeat(Number(url.slice(1)))));
    const http = client();
    expect(text(await http.send(get(`${server.origin}/1000`))).length).toBe(1000);
    expect(await http.send(get(`${server.origin}/1001`))).toMatchObject({
      kind: 'failure',
      reason: 'too-large',
    });
  });

  it('refuses a long body that declares no length', async () => {
    const server = await serve((response) => {
      response.write('x'.repeat(600));
      response.end('x'.repeat(600));
    });
    expect(await client().send(get(`${server.origin}/`))).toMatchObject({
      kind: 'failure',
      reason: 'too-large',
    });
  });

  function endless(response: ServerResponse): void {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(1000)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  }

  it('cuts an endless body and ends the connection', async () => {
    const server = await serve(endless);
    expect(await client().send(get(`${server.origin}/`))).toMatchObject({
      kind: 'failure',
      reason: 'too-large',
    });
    await closed(server.sockets[0]);
  });

  it('ends the connection of an endless body when only the status counts', async () => {
    const server = await serve(endless);
    const outcome = await client().send(get(`${server.origin}/`, STATUS));
    expect(outcome).toMatchObject({ kind: 'response', status: 200 });
    expect(text(outcome)).toBe('');
    await closed(server.sockets[0]);
  });

  it('gives the beginning of an endless body and ends the connection', async () => {
    const server = await serve(endless);
    const outcome = await client().send(
      get(`${server.origin}/`, { answer: { kind: 'prefix', maxBytes: 2500 } }),
    );
    expect(text(outcome)).toBe('x'.repeat(2500));
    await closed(server.sockets[0]);
  });

  it.each([0, 1, 99, 100])('gives all of a body of %i bytes to whom 100 are enough', async (length) => {
    const server = await serve((response) => response.end('x'.repeat(length)));
    const outcome = await client().send(
      get(`${server.origin}/`, { answer: { kind: 'prefix', maxBytes: 100 } }),
    );
    expect(text(outcome)).toBe('x'.repeat(length));
  });

  it('reads and drops up to 64 KiB to use the connection again', async () => {
    const server = await serve((response) => response.end('x'.repeat(64 * 1024)));
    const http = client();
    for (let count = 0; count < 3; count++) {
      await http.send(get(`${server.origin}/`, STATUS));
      await turnOfTheLoop();
    }
    expect(server.requests).toHaveLength(3);
    expect(server.connections).toBe(1);
  });

  it('refuses 300 kB of headers', async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `X-${index}: ${'y'.repeat(90)}\r\n`).join('');
    const server = await serveRaw(answering(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`));
    expect(await client().send(get(`${server.origin}/`))).toMatchObject({
      kind: 'failure',
      reason: 'bad-response',
    });
  });

  it('refuses one header of 300 kB, also when only the status counts', async () => {
    const server = await serveRaw(
      answering(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(300_000)}\r\nContent-Length: 0\r\n\r\n`),
    );
    expect(await client().send(get(`${server.origin}/`, STATUS))).toMatchObject({
      kind: 'failure',
      reason: 'bad-response',
    });
  });

  it('takes 10 kB of headers', async () => {
    const server = await serveRaw(
      answering(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(10_000)}\r\nContent-Length: 0\r\n\r\n`),
    );
    expect(await client().send(get(`${server.origin}/`))).toMatchObject({ kind: 'response', status: 200 });
  });
});

describe('UndiciHttpClient: answers that are none', () => {
  it.each([
    ['garbage', 'hello\r\n\r\n'],
    ['binary garbage', '\0\u0001\u0002\u00ff\u00fe'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a status of five digits', 'HTTP/1.1 99999 OK\r\n\r\n'],
    ['NUL in a header name', 'HTTP/1.1 200 OK\r\nbad\0header: x\r\n\r\n'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n'],
    ['two different lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a chunk size that is no number', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['an endless chunk size', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'f'.repeat(64)}\r\n`],
  ])('calls %s a bad response', async (_what, answer) => {
    const server = await serveRaw(answering(answer));
    const outcome = await client().send(get(`${server.origin}/`));
    expect(outcome).toMatchObject({ kind: 'failure', reason: 'bad-response' });
  });

  it.each([
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['a head without its last line', 'HTTP/1.1 200 OK\r\n'],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    ['less than the declared length', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello'],
    ['chunks without an end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['hints and nothing after', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('settles as a failure with a reason on %s', async (_what, answer) => {
    const server = await serveRaw(answering(answer));
    const outcome = await client().send(get(`${server.origin}/`));
    expect(outcome.kind).toBe('failure');
    expect(text(outcome)).toMatch(/^(unreachable|bad-response): ./);
  });

  it.each(['000', '001', '099'])('says in plain words that the status %s is none', async (status) => {
    const server = await serveRaw(answering(`HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nok`));
    const outcome = await client().send(get(`${server.origin}/`));
    expect(text(outcome)).toBe(`bad-response: the answer is not HTTP: its status is ${Number(status)}`);
  });

  it('does not take what follows an answer for the next one', async () => {
    const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    const server = await serveRaw((socket) =>
      socket.write(`${whole}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`),
    );
    const http = client();
    expect(text(await http.send(get(`${server.origin}/1`)))).toBe('ok');
    expect(text(await http.send(get(`${server.origin}/2`)))).not.toBe('evil');
  });

  it('calls a reset in the middle of a wanted body unreachable', async () => {
    const server = await serveRaw((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello'),
    );
    const [outcome] = await Promise.all([
      client().send(get(`${server.origin}/`)),
      headRead().then(() => server.sockets[0]?.resetAndDestroy()),
    ]);
    expect(outcome).toMatchObject({ kind: 'failure', reason: 'unreachable' });
  });

  it.each(['reset', 'end', 'garbage'] as const)(
    'keeps a status after which the connection breaks: %s',
    async (how) => {
      const server = await serveRaw((socket) =>
        socket.write('HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
      );
      const breakIt = {
        reset: (s?: Socket) => s?.resetAndDestroy(),
        end: (s?: Socket) => s?.end(),
        garbage: (s?: Socket) => s?.write('??'),
      };
      const [outcome] = await Promise.all([
        client().send(get(`${server.origin}/`, STATUS)),
        headRead().then(() => breakIt[how](server.sockets[0])),
      ]);
      expect(outcome).toMatchObject({ kind: 'response', status: 202 });
    },
  );

  it('survives a refused connection', async () => {
    const server = await serve();
    const { port } = server;
    await endings.pop()?.();
    const outcome = await client().send(get(`http://127.0.0.1:${port}/`));
    expect(outcome).toMatchObject({ kind: 'failure', reason: 'refused' });
    expect(text(outcome)).toContain('ECONNREFUSED');
  });

  it('names a reason when all of several addresses refuse', async () => {
    const server = await serve();
    const { port } = server;
    await endings.pop()?.();
    const http = guarded(resolving(['127.0.0.1', '::1']), { allowLoopback: true });
    const outcome = await http.send(get(`http://two.example:${port}/`));
    expect(text(outcome)).toMatch(/^refused: .*ECONNREFUSED/);
  });

  it('calls a peer that resets at once unreachable, never forbidden', async () => {
    const server = createRawServer((socket) => socket.resetAndDestroy());
    const listener = await new Listener().listen(server, '127.0.0.1');
    const http = client();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => http.send(get(`${listener.origin}/`))),
    );
    expect(
      new Set(outcomes.map((outcome) => (outcome.kind === 'failure' ? outcome.reason : outcome.kind))),
    ).toEqual(new Set(['unreachable']));
  });

  it('calls a plain server behind an https URL a failure of TLS', async () => {
    const server = await serve();
    const outcome = await client().send(get(`https://127.0.0.1:${server.port}/`));
    expect(outcome).toMatchObject({ kind: 'failure', reason: 'tls' });
    expect(server.requests).toEqual([]);
  });

  it.each(['', 'nope', 'ftp://127.0.0.1/', 'data:text/plain,x', 'http://', 'file:///etc/passwd'])(
    'fails on the URL %j without throwing',
    async (url) => {
      expect((await client().send(get(url))).kind).toBe('failure');
    },
  );

  it.each([{ 'x-a': 'b\r\nX-Evil: 1' }, { 'x a': 'b' }, { 'x-a': '\0' }, { 'content-length': '7' }])(
    'fails on the headers %j and sends nothing',
    async (headers) => {
      const server = await serve();
      const outcome = await client().send(get(`${server.origin}/`, { method: 'POST', body: 'abc', headers }));
      expect(outcome.kind).toBe('failure');
      expect(server.requests).toEqual([]);
    },
  );
});

describe('UndiciHttpClient: time limits', () => {
  it('waits 10 s for the first byte and no longer', async () => {
    const clock = new TestClock();
    const server = await serve(() => {});
    const sent = client({ clock }).send(get(`${server.origin}/`));
    await until(() => server.requests.length === 1);
    await clock.advance(9_999);
    expect(await isPending(sent)).toBe(true);
    await clock.advance(251);
    expect(await sent).toMatchObject({ kind: 'failure', reason: 'timeout' });
    await closed(server.sockets[0]);
  });

  it.each([
    ['a body', 'body', 'failure'],
    ['the beginning of a body', 'prefix', 'failure'],
    ['the status', 'status', 'response'],
  ] as const)('ends a dripping answer after 15 s for whom %s counts', async (_what, kind, outcome) => {
    const clock = new TestClock();
    const server = await serve((response) => response.write('x'));
    const head = headRead();
    const sent = client({ clock }).send(get(`${server.origin}/`, { answer: { kind, maxBytes: 1000 } }));
    await head;
    for (let second = 0; second < 14; second++) {
      server.sockets[0]?.write('1\r\nx\r\n');
      await clock.advance(1_000);
    }
    expect(await isPending(sent)).toBe(true);
    await clock.advance(1_250);
    expect(await sent).toMatchObject(
      outcome === 'failure' ? { kind: outcome, reason: 'timeout' } : { kind: outcome, status: 200 },
    );
    await closed(server.sockets[0]);
  });

  it('keeps the limits of the request instead of its own', async () => {
    const clock = new TestClock();
    const server = await serve((response, url) => void (url === '/drip' && response.write('x')));
    const http = client({ clock });
    const head = headRead();
    const drip = http.send(get(`${server.origin}/drip`, { timeoutMs: 2_000 }));
    await head;
    const silent = http.send(get(`${server.origin}/silent`, { firstByteTimeoutMs: 1_000 }));
    const long = http.send(get(`${server.origin}/long`, { firstByteTimeoutMs: 60_000, timeoutMs: 60_000 }));
    await until(() => server.requests.length === 3);
    await clock.advance(1_250);
    expect(await silent).toMatchObject({ reason: 'timeout' });
    expect(await isPending(drip)).toBe(true);
    await clock.advance(1_000);
    expect(await drip).toMatchObject({ reason: 'timeout' });
    await clock.advance(57_000);
    expect(await isPending(long)).toBe(true);
  });

  it('ends an answer whose hints never stop', async () => {
    const clock = new TestClock();
    const server = await serveRaw((socket) => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'));
    const sent = client({ clock }).send(get(`${server.origin}/`));
    await until(() => server.connections === 1);
    for (let second = 0; second < 11; second++) {
      server.sockets[0]?.write('HTTP/1.1 103 Early Hints\r\n\r\n');
      await clock.advance(1_000);
    }
    expect(await sent).toMatchObject({ kind: 'failure', reason: 'timeout' });
  });

  it('counts the time of a name that does not resolve', async () => {
    const clock = new TestClock();
    const never: Resolver = { resolve: () => new Promise(() => {}) };
    const sent = client({ clock, resolver: never }).send(get('http://slow.example/'));
    await clock.advance(10_250);
    expect(await sent).toMatchObject({ kind: 'failure', reason: 'timeout' });
  });

  it('counts the time that a request waits for a connection, and then does not send it', async () => {
    const clock = new TestClock();
    const hanging: ServerResponse[] = [];
    const server = await serve((response) => void hanging.push(response));
    const http = client({ clock, connectionsPerOrigin: 1 });
    const first = http.send(get(`${server.origin}/first`, { firstByteTimeoutMs: 60_000, timeoutMs: 60_000 }));
    await until(() => hanging.length === 1);
    const waiting = http.send(get(`${server.origin}/waiting`));
    await clock.advance(10_250);
    expect(await waiting).toMatchObject({ kind: 'failure', reason: 'timeout' });
    hanging[0]?.end('late');
    expect(text(await first)).toBe('late');
    const third = http.send(get(`${server.origin}/third`));
    await until(() => hanging.length === 2);
    hanging[1]?.end('third');
    expect(text(await third)).toBe('third');
    expect(server.requests.map(({ url }) => url)).toEqual(['/first', '/third']);
  });

  it('lets the timer rest while nothing is under way', async () => {
    class Counting extends TestClock {
      armed = 0;
      override after(delayMs: number, action: () => void): () => void {
        this.armed++;
        return super.after(delayMs, action);
      }
    }
    const clock = new Counting();
    const server = await serve();
    const http = client({ clock });
    await http.send(get(`${server.origin}/`));
    await clock.advance(60_000);
    expect(clock.armed).toBe(1);
  });
});

describe('UndiciHttpClient: connections', () => {
  it('uses a connection again', async () => {
    const server = await serve();
    const http = client();
    for (let count = 0; count < 5; count++) {
      expect(text(await http.send(get(`${server.origin}/${count}`)))).toBe('ok');
      await turnOfTheLoop();
    }
    expect(server.connections).toBe(1);
  });

  it('needs two connections for requests that follow each other without a pause', async () => {
    const server = await serve();
    const http = client();
    for (let count = 0; count < 50; count++) await http.send(get(`${server.origin}/${count}`));
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('opens another connection after one was cut', async () => {
    const server = await serve((response, url) => response.end(url === '/long' ? 'x'.repeat(2000) : 'ok'));
    const http = client();
    expect(await http.send(get(`${server.origin}/long`))).toMatchObject({ reason: 'too-large' });
    await closed(server.sockets[0]);
    expect(text(await http.send(get(`${server.origin}/`)))).toBe('ok');
    expect(server.connections).toBeGreaterThan(1);
  });

  it('opens no more connections to an origin than allowed', async () => {
    const server = await serve();
    const http = client({ connectionsPerOrigin: 2 });
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => http.send(get(`${server.origin}/`))));
    expect(outcomes.map(text)).toEqual(Array.from({ length: 20 }, () => 'ok'));
    expect(server.connections).toBe(2);
  });

  it("sends through the caller's dispatcher and leaves it open", async () => {
    const server = await serve();
    const dispatcher = new Agent();
    endings.push(() => dispatcher.close());
    const http = client({ dispatcher });
    expect(text(await http.send(get(`${server.origin}/`)))).toBe('ok');
    await http.close();
    expect(dispatcher.closed).toBe(false);
  });
});

describe('UndiciHttpClient: aborting and closing', () => {
  const ABORTED = { kind: 'failure', reason: 'aborted' };

  it('opens no connection when the signal is aborted already', async () => {
    const server = await serve();
    const resolver = resolving(['127.0.0.1']);
    const http = client({ resolver });
    const signal = AbortSignal.abort();
    expect(await http.send(get(`${server.origin}/`, { signal }))).toMatchObject(ABORTED);
    expect(await http.send(get(`http://name.example:${server.port}/`, { signal }))).toMatchObject(ABORTED);
    // A second request would find a connection that the first one had opened.
    await http.send(get(`${server.origin}/`));
    expect(server.connections).toBe(1);
    expect(resolver.calls).toBe(0);
  });

  it('aborts while the answer is awaited, and ends the connection', async () => {
    const server = await serve(() => {});
    const abort = new AbortController();
    const sent = client().send(get(`${server.origin}/`, { signal: abort.signal }));
    await until(() => server.requests.length === 1);
    abort.abort();
    expect(await sent).toMatchObject(ABORTED);
    await closed(server.sockets[0]);
  });

  it('aborts in the middle of a body', async () => {
    const server = await serve((response) => response.write('x'));
    const abort = new AbortController();
    const head = headRead();
    const sent = client().send(get(`${server.origin}/`, { signal: abort.signal }));
    await head;
    abort.abort();
    expect(await sent).toMatchObject(ABORTED);
    await closed(server.sockets[0]);
  });

  it('aborts while the name is resolved, and then does not send', async () => {
    const server = await serve();
    let answer = (_addresses: readonly ResolvedAddress[]): void => {};
    const resolution = new Promise<readonly ResolvedAddress[]>((resolve) => (answer = resolve));
    const http = client({ resolver: { resolve: () => resolution } });
    const abort = new AbortController();
    const sent = http.send(get(`http://name.example:${server.port}/aborted`, { signal: abort.signal }));
    abort.abort();
    expect(await sent).toMatchObject(ABORTED);
    answer([{ address: '127.0.0.1', family: 4 }]);
    expect(text(await http.send(get(`http://name.example:${server.port}/next`)))).toBe('ok');
    expect(server.requests.map(({ url }) => url)).toEqual(['/next']);
  });

  it('keeps an answer that came before the abort', async () => {
    const server = await serve();
    const abort = new AbortController();
    const outcome = await client().send(get(`${server.origin}/`, { signal: abort.signal }));
    abort.abort();
    expect(text(outcome)).toBe('ok');
  });

  it('leaves no listener on a signal that outlives the request', async () => {
    const server = await serve();
    const { signal } = new AbortController();
    let listeners = 0;
    const counting = new Proxy(signal, {
      get(target, name) {
        if (name === 'addEventListener') listeners++;
        if (name === 'removeEventListener') listeners--;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const http = client();
    for (let count = 0; count < 3; count++) await http.send(get(`${server.origin}/`, { signal: counting }));
    expect(listeners).toBe(0);
  });

  it('settles what is under way as aborted when closed, and ends all connections', async () => {
    const server = await serve(() => {});
    const http = client({ connectionsPerOrigin: 2 });
    const sent = Array.from({ length: 5 }, () => http.send(get(`${server.origin}/`)));
    await until(() => server.requests.length === 2);
    await http.close();
    for (const outcome of await Promise.all(sent)) expect(outcome).toMatchObject(ABORTED);
    for (const socket of server.sockets) await closed(socket);
  });

  it('closes twice without harm, and sends nothing afterwards', async () => {
    const server = await serve();
    const http = client();
    await http.send(get(`${server.origin}/`));
    await Promise.all([http.close(), http.close()]);
    await http.close();
    expect(await http.send(get(`${server.origin}/`))).toMatchObject(ABORTED);
    expect(server.requests).toHaveLength(1);
  });
});

describe('UndiciHttpClient: the guard (LAW 9)', () => {
  const FORBIDDEN = { kind: 'failure', reason: 'forbidden-address' };

  it('makes no connection to a forbidden address that a name resolves to', async () => {
    const server = await serve();
    const http = guarded(
      resolving(['127.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], ['127.0.0.1', '::1', '10.0.0.1']),
    );
    for (let count = 0; count < 4; count++) {
      expect(await http.send(get(`http://rebound.example:${server.port}/`))).toMatchObject(FORBIDDEN);
    }
    expect(server.connections).toBe(0);
  });

  it('makes no connection to localhost by the resolver of the system', async () => {
    const server = await serve();
    expect(await guarded(undefined).send(get(`http://localhost:${server.port}/`))).toMatchObject(FORBIDDEN);
    expect(server.connections).toBe(0);
  });

  it('connects only to the allowed one of mixed answers', async () => {
    const server = await serve(undefined, '0.0.0.0');
    const mixed = ['127.0.0.2', '10.0.0.1', '::1', '127.0.0.1', '127.0.0.3'];
    const http = guarded(resolving(mixed), { allow: ['127.0.0.1/32'] });
    for (let count = 0; count < 3; count++) {
      const close = { headers: { connection: 'close' } };
      expect(text(await http.send(get(`http://mixed.example:${server.port}/`, close)))).toBe('ok');
    }
    expect(server.addresses).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
  });

  it('resolves once for each connection, so that a second answer cannot slip in', async () => {
    const server = await serve(undefined, '0.0.0.0');
    const resolver = resolving(['127.0.0.1'], ['127.0.0.2']);
    const http = guarded(resolver, { allow: ['127.0.0.1/32'] });
    expect(text(await http.send(get(`http://rebinding.example:${server.port}/`)))).toBe('ok');
    expect(resolver.calls).toBe(1);
    expect(server.addresses).toEqual(['127.0.0.1']);
  });

  it('refuses a name that is rebound between two connections', async () => {
    const server = await serve(undefined, '0.0.0.0');
    const http = guarded(resolving(['127.0.0.1'], ['127.0.0.2']), { allow: ['127.0.0.1/32'] });
    const url = `http://rebinding.example:${server.port}/`;
    expect(text(await http.send(get(url, { headers: { connection: 'close' } })))).toBe('ok');
    await closed(server.sockets[0]);
    expect(await http.send(get(url))).toMatchObject(FORBIDDEN);
    expect(server.connections).toBe(1);
  });

  it('looks at the address of the open connection once more', async () => {
    class Wavering extends NetworkPolicy {
      asked = 0;
      override allows(): boolean {
        return this.asked++ === 0;
      }
    }
    const server = await serve();
    const http = client({ policy: new Wavering(), resolver: resolving(['127.0.0.1']) });
    expect(await http.send(get(`http://name.example:${server.port}/`))).toMatchObject(FORBIDDEN);
    await until(() => server.connections === 1);
    await closed(server.sockets[0]);
    expect(server.requests).toEqual([]);
  });

  it.each([
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0X7F.0.0.0x1',
    '017700000001',
    '0177.0.0.1',
    '127.0.0.1.',
    '127。0。0。1',
    '①②⑦.⓪.⓪.①',
    '１２７.０.０.１',
    '%31%32%37.0.0.1',
    '0',
    '0.0.0.0',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
    '169.254.169.254',
    '10.0.0.1',
    '[fd00::1]',
    '[fe80::1]',
  ])('refuses the literal %s before connecting', async (host) => {
    const server = await serve();
    expect(await guarded(undefined).send(get(`http://${host}:${server.port}/`))).toMatchObject(FORBIDDEN);
    expect(server.connections).toBe(0);
  });

  it("refuses a literal also when the caller's dispatcher connects", async () => {
    let dispatched = 0;
    const dispatcher = { dispatch: () => ++dispatched > 0 };
    const http = client({ policy: new NetworkPolicy(), dispatcher });
    expect(await http.send(get('http://127.0.0.1/'))).toMatchObject(FORBIDDEN);
    expect(dispatched).toBe(0);
  });

  it('passes on why a name does not resolve', async () => {
    const failing = (error: Error): Resolver => ({ resolve: () => Promise.reject(error) });
    const unknown = guarded(failing(new WebSubError('unreachable', 'gone.example has no address')));
    expect(text(await unknown.send(get('http://gone.example/')))).toBe('dns: gone.example has no address');
    const slow = guarded(failing(new WebSubError('timeout', 'slow.example was not resolved within 3 s')));
    expect(text(await slow.send(get('http://slow.example/')))).toBe(
      'timeout: slow.example was not resolved within 3 s',
    );
    const odd = guarded(failing(new Error('odd')));
    expect(await odd.send(get('http://odd.example/'))).toMatchObject({
      kind: 'failure',
      reason: 'dns',
    });
  });

  it('makes no connection for a name without addresses', async () => {
    expect((await guarded(resolving([])).send(get('http://nothing.example/'))).kind).toBe('failure');
  });
});
