import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fetchResource, redirectTarget, REDIRECT_LIMIT } from './fetch-resource.js';
import type { HttpClient, HttpFailure, HttpHeaders, HttpRequest, HttpResponse } from './http-client.js';
import { NetworkPolicy } from './network-policy.js';
import { UndiciHttpClient } from './undici-http-client.js';

type Answer = { readonly status?: number; readonly headers?: HttpHeaders } | HttpFailure;

/** Answers by URL and keeps what it was asked. */
class ScriptedClient implements HttpClient {
  readonly requests: HttpRequest[] = [];
  readonly #answers: ReadonlyMap<string, Answer>;

  constructor(answers: Readonly<Record<string, Answer>>) {
    this.#answers = new Map(Object.entries(answers));
  }

  send(sent: HttpRequest): Promise<HttpResponse | HttpFailure> {
    this.requests.push(sent);
    const answer = this.#answers.get(sent.url) ?? { status: 404 };
    if ('kind' in answer) return Promise.resolve(answer);
    const { status = 302, headers = {} } = answer;
    return Promise.resolve({ kind: 'response', status, headers, body: new Uint8Array() });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get urls(): readonly string[] {
    return this.requests.map(({ url }) => url);
  }
}

function to(location: string): Answer {
  return { headers: { location } };
}

function request(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): HttpRequest & { readonly method: 'GET' } {
  return { method: 'GET', url, headers, answer: { kind: 'body', maxBytes: 1000 } };
}

const OK: Answer = { status: 200 };
const BAD = { kind: 'failure', reason: 'bad-response' };

describe('fetchResource', () => {
  it('gives the response and the URL that was asked', async () => {
    const client = new ScriptedClient({ 'http://a.example/': OK });
    expect(await fetchResource(client, request('http://a.example/'))).toMatchObject({
      kind: 'fetched',
      url: 'http://a.example/',
      response: { status: 200 },
    });
  });

  it.each([301, 302, 303, 307, 308])('follows a %i and gives the URL where it ended', async (status) => {
    const client = new ScriptedClient({
      'http://a.example/': { status, headers: { location: 'http://b.example/x' } },
      'http://b.example/x': OK,
    });
    expect(await fetchResource(client, request('http://a.example/'))).toMatchObject({
      kind: 'fetched',
      url: 'http://b.example/x',
    });
  });

  it.each([200, 204, 300, 304, 305, 306, 404, 410, 500])(
    'does not follow a %i, whatever its Location',
    async (status) => {
      const client = new ScriptedClient({
        'http://a.example/': { status, headers: { location: 'http://b.example/' } },
      });
      expect(await fetchResource(client, request('http://a.example/'))).toMatchObject({
        kind: 'fetched',
        url: 'http://a.example/',
        response: { status },
      });
      expect(client.urls).toEqual(['http://a.example/']);
    },
  );

  function chain(length: number): ScriptedClient {
    const hops = Array.from(
      { length },
      (_, index) => [`http://h.example/${index}`, to(`/${index + 1}`)] as const,
    );
    return new ScriptedClient({ ...Object.fromEntries(hops), [`http://h.example/${length}`]: OK });
  }

  it('follows three redirects and not a fourth', async () => {
    expect(REDIRECT_LIMIT).toBe(3);
    expect(await fetchResource(chain(3), request('http://h.example/0'))).toMatchObject({
      kind: 'fetched',
      url: 'http://h.example/3',
    });
    const four = chain(4);
    expect(await fetchResource(four, request('http://h.example/0'))).toMatchObject({
      ...BAD,
      detail: 'more than 3 redirects',
    });
    expect(four.requests).toHaveLength(4);
  });

  it.each([0, 1, 5])('keeps a limit of %i', async (limit) => {
    expect((await fetchResource(chain(limit), request('http://h.example/0'), limit)).kind).toBe('fetched');
    expect(await fetchResource(chain(limit + 1), request('http://h.example/0'), limit)).toMatchObject(BAD);
  });

  it('ends in a loop', async () => {
    const client = new ScriptedClient({ 'http://a.example/': to('http://a.example/') });
    expect(await fetchResource(client, request('http://a.example/'))).toMatchObject(BAD);
    expect(client.requests).toHaveLength(4);
  });

  it('asks at each hop in the same way', async () => {
    const client = new ScriptedClient({ 'http://a.example/': to('/b'), 'http://a.example/b': OK });
    const { signal } = new AbortController();
    const first = {
      ...request('http://a.example/', { accept: 'text/html' }),
      method: 'HEAD',
      timeoutMs: 5,
      signal,
    } as const;
    await fetchResource(client, first);
    expect(client.requests).toEqual([first, { ...first, url: 'http://a.example/b' }]);
  });

  it('passes on why a hop failed, and asks no further', async () => {
    const failure: HttpFailure = { kind: 'failure', reason: 'forbidden-address', detail: 'no' };
    const client = new ScriptedClient({
      'http://a.example/': to('http://10.0.0.1/'),
      'http://10.0.0.1/': failure,
    });
    expect(await fetchResource(client, request('http://a.example/'))).toEqual(failure);
  });

  it('gives credentials to the origin that they were meant for, and to no other', async () => {
    const client = new ScriptedClient({
      'https://a.example/': to('/same'),
      'https://a.example/same': to('https://a.example:8443/'),
      'https://a.example:8443/': to('https://a.example/back'),
      'https://a.example/back': OK,
    });
    const credentials = { Authorization: 'Bearer S3CRET', cookie: 'S3CRET', 'Proxy-Authorization': 'S3CRET' };
    const outcome = await fetchResource(
      client,
      request('https://a.example/', { ...credentials, accept: 'text/html' }),
    );
    expect(outcome.kind).toBe('fetched');
    const bare = { accept: 'text/html' };
    expect(client.requests.map(({ headers }) => headers)).toEqual([
      { ...credentials, ...bare },
      { ...credentials, ...bare },
      bare,
      bare,
    ]);
  });

  it.each([
    ['no Location', undefined],
    ['no host', 'https://'],
    ['ftp', 'ftp://a.example/'],
    ['javascript', 'javascript:alert(1)'],
    ['data', 'data:text/html,x'],
    ['file', 'file:///etc/passwd'],
    ['http below https', 'http://a.example/'],
    ['a host that is none', 'https://a b/'],
    ['a port out of range', 'https://a.example:99999/'],
  ])('refuses a redirect with %s', async (_what, location) => {
    const client = new ScriptedClient({
      'https://a.example/': { headers: { location } },
      'http://a.example/': OK,
    });
    expect(await fetchResource(client, request('https://a.example/'))).toMatchObject(BAD);
    expect(client.urls).toEqual(['https://a.example/']);
  });

  it('goes up from http to https, and then no more down', async () => {
    const client = new ScriptedClient({
      'http://a.example/': to('https://a.example/'),
      'https://a.example/': to('http://a.example/'),
    });
    expect(await fetchResource(client, request('http://a.example/'))).toMatchObject(BAD);
    expect(client.urls).toEqual(['http://a.example/', 'https://a.example/']);
  });

  it('checks each hop against the network policy, at real servers', async () => {
    const seen: string[] = [];
    const server = createServer((incoming, response) => {
      seen.push(`${incoming.headers.host?.split(':')[0]}${incoming.url}`);
      const { port } = server.address() as AddressInfo;
      const location = incoming.url === '/start' ? '/next' : `http://127.0.0.2:${port}/private`;
      response.writeHead(302, { location }).end();
    });
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    const client = new UndiciHttpClient({ policy: new NetworkPolicy({ allow: ['127.0.0.1/32'] }) });
    const { port } = server.address() as AddressInfo;
    const outcome = await fetchResource(client, request(`http://127.0.0.1:${port}/start`));
    await client.close();
    server.close();
    expect(outcome).toMatchObject({ kind: 'failure', reason: 'forbidden-address' });
    expect(seen).toEqual(['127.0.0.1/start', '127.0.0.1/next']);
  });
});

describe('redirectTarget', () => {
  const FROM = 'https://a.example/dir/page?q=1';

  it.each([
    ['https://b.example/x?y=%20+', 'https://b.example/x?y=%20+'],
    ['/root', 'https://a.example/root'],
    ['sibling', 'https://a.example/dir/sibling'],
    ['../up', 'https://a.example/up'],
    ['?other', 'https://a.example/dir/page?other'],
    ['', 'https://a.example/dir/page?q=1'],
    ['//b.example/x', 'https://b.example/x'],
    ['#part', 'https://a.example/dir/page?q=1'],
    ['/x#part', 'https://a.example/x'],
    ['https://user:word@b.example/', 'https://b.example/'],
    ['HTTPS://B.EXAMPLE', 'https://b.example/'],
    ['\\\\b.example\\x', 'https://b.example/x'],
    ['http://b.example/', undefined],
    ['HTTP://b.example/', undefined],
    ['mailto:a@b.example', undefined],
    ['https://', undefined],
  ])('reads %j', (location, target) => {
    expect(redirectTarget(FROM, location)).toBe(target);
  });

  it('leads nowhere from what is no URL', () => {
    expect(redirectTarget('nonsense', '/x')).toBeUndefined();
    expect(redirectTarget('nonsense', undefined)).toBeUndefined();
  });

  it('leads from https only to https, without user information or fragment, whatever the Location', () => {
    const signs = fc.array(
      fc.constantFrom('http', 'https', ':', '/', '//', '\\', '@', '#', '?', '..', 'a', '[', '\t', '%'),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          signs.map((parts) => parts.join('')),
        ),
        (location) => {
          const target = new URL(redirectTarget(FROM, location) ?? FROM);
          expect([target.protocol, target.username, target.password, target.hash]).toEqual([
            'https:',
            '',
            '',
            '',
          ]);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
