import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPublisher, type Publisher } from './publisher.js';

interface Seen {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

let server: Server;
let hub: string;
let seen: Seen[];
let reply: { status: number; headers?: Record<string, string>; body?: string };
let publisher: Publisher;

beforeEach(async () => {
  seen = [];
  reply = { status: 202, headers: { 'Hub-Cursor': 'epoch.7' } };
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hub = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  publisher = createPublisher({ hub });
});

afterEach(async () => {
  await publisher.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const TOPIC = 'https://publisher.example/feed?a=1&b=ü';

describe('ping', () => {
  it('P5 tells the hub that a topic has changed', async () => {
    await publisher.ping('https://publisher.example/feed?a=1&b=2');
    expect(seen[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    const form = new URLSearchParams(seen[0]?.body.toString());
    expect([...form]).toEqual([
      ['hub.mode', 'publish'],
      ['hub.url', 'https://publisher.example/feed?a=1&b=2'],
    ]);
  });

  it('tells of a topic also as its Link header spells it, under which subscribers found it', async () => {
    await publisher.ping(['https://publisher.example/überblick?a|b', 'https://publisher.example/']);
    expect(new URLSearchParams(seen[0]?.body.toString()).getAll('hub.url')).toEqual([
      'https://publisher.example/überblick?a|b',
      'https://publisher.example/%C3%BCberblick?a%7Cb',
      'https://publisher.example/',
    ]);
  });

  it('tells of many topics in requests that a hub takes', async () => {
    const topics = Array.from({ length: 120 }, (_, at) => `https://publisher.example/${at}`);
    await publisher.ping(topics);
    const told = seen.map(({ body }) => new URLSearchParams(body.toString()).getAll('hub.url'));
    expect(told.map(({ length }) => length)).toEqual([50, 50, 20]);
    expect(told.flat()).toEqual(topics);
  });

  it('refuses a topic that is no web URL, before it asks anybody', async () => {
    await expect(publisher.ping(['https://ok.example/', 'not a url'])).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(seen).toEqual([]);
  });

  it('shows the bearer key of a hub that wants one', async () => {
    await using other = createPublisher({ hub, credential: 'k3y' });
    await other.ping(TOPIC);
    expect(seen[0]?.headers.authorization).toBe('Bearer k3y');
  });
});

describe('publish', () => {
  it('sends an object as JSON, and tells its place in the log', async () => {
    expect(
      await publisher.publish(TOPIC, { n: 1 }, { id: 'i 1', type: 'issue', subject: 'Issue/1' }),
    ).toEqual({
      cursor: 'epoch.7',
    });
    const { searchParams } = new URL(seen[0]?.url ?? '', hub);
    expect([...searchParams]).toEqual([
      ['hub.mode', 'publish'],
      ['hub.topic', TOPIC],
      ['hub.id', 'i 1'],
      ['hub.type', 'issue'],
      ['hub.subject', 'Issue/1'],
    ]);
    expect(seen[0]?.headers['content-type']).toBe('application/json');
    expect(seen[0]?.body.toString()).toBe('{"n":1}');
  });

  it('sends text as text, and with the type that is given', async () => {
    await publisher.publish(TOPIC, 'grüß');
    await publisher.publish(TOPIC, '<a/>', { contentType: 'application/atom+xml; charset=utf-8' });
    expect(seen.map(({ headers }) => headers['content-type'])).toEqual([
      'text/plain; charset=utf-8',
      'application/atom+xml; charset=utf-8',
    ]);
    expect(seen[0]?.body.toString()).toBe('grüß');
  });

  it('sends bytes as they are', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    await publisher.publish(TOPIC, bytes, { contentType: 'application/octet-stream' });
    expect(new Uint8Array(seen[0]?.body ?? [])).toEqual(bytes);
  });

  it('passes headers on, but for the content type, which it sets', async () => {
    await publisher.publish(
      TOPIC,
      {},
      { headers: { 'X-Event': 'issueOpened', 'Content-Type': 'text/html' } },
    );
    expect(seen[0]?.headers).toMatchObject({ 'x-event': 'issueOpened', 'content-type': 'application/json' });
  });

  it.each([
    ['bytes without a type', new Uint8Array(1), {}, 'give contentType'],
    ['a form', 'a=1', { contentType: 'application/x-www-form-urlencoded' }, 'send it as JSON'],
    ['an object that is no JSON', { n: 1n }, {}, 'not JSON'],
  ])('refuses %s, and says what to do', async (_, content, options, cure) => {
    await expect(publisher.publish(TOPIC, content, options)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(cure) as unknown,
    });
    expect(seen).toEqual([]);
  });

  it('keeps the query that the hub has in its own URL', async () => {
    await using other = createPublisher({ hub: `${hub}?tenant=1` });
    await other.publish(TOPIC, 'x');
    expect(seen[0]?.url).toMatch(/^\/\?tenant=1&hub\.mode=publish&/);
  });

  it('knows no place where the hub names none', async () => {
    reply = { status: 204 };
    expect(await publisher.publish(TOPIC, 'x')).toEqual({ cursor: undefined });
  });
});

describe('a hub that does not take it', () => {
  it.each([
    [400, 'publish_refused', false, 'check the hub'],
    [401, 'publish_refused', false, 'give a credential'],
    [403, 'publish_refused', false, 'give a credential'],
    [307, 'publish_refused', false, 'check the hub'],
    [429, 'hub_unavailable', true, 'try again later'],
    [503, 'hub_unavailable', true, 'try again later'],
  ])('is told by its status %s as %s, retryable: %s', async (status, code, retryable, cure) => {
    reply = { status, body: 'because\r\nof this' };
    await expect(publisher.ping(TOPIC)).rejects.toMatchObject({
      code,
      retryable,
      message: expect.stringMatching(
        new RegExp(`answered ${status} "because of this": .*${cure}`),
      ) as unknown,
    });
  });

  it('is unreachable when nobody listens', async () => {
    await using other = createPublisher({ hub: 'http://127.0.0.1:9/' });
    await expect(other.ping(TOPIC)).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  });

  it('is refused at once when its URL is none', () => {
    expect(() => createPublisher({ hub: 'hub.example' })).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    );
  });
});
