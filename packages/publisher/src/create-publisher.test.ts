import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createPublisher, type Publisher } from './create-publisher.js';

interface Received {
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const servers: Server[] = [];
const publishers: Publisher[] = [];
afterEach(async () => {
  for (const publisher of publishers.splice(0)) await publisher.close();
  for (const server of servers.splice(0)) server.close();
});

/** A hub that answers everything alike and remembers it. */
async function startHub(
  status = 202,
  text = '',
  headers: Record<string, string> = {},
): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        url: new URL(request.url ?? '', 'http://hub'),
        headers: request.headers,
        body: Buffer.concat(chunks),
      });
      response.writeHead(status, headers).end(text);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, received };
}

function publisherFor(...args: Parameters<typeof createPublisher>): Publisher {
  const publisher = createPublisher(...args);
  publishers.push(publisher);
  return publisher;
}

const TOPIC = 'https://blog.example/feed?a=1&b=2';

describe('ping', () => {
  it('P5 tells every hub which topics changed, as a form', async () => {
    const [one, two] = [await startHub(), await startHub()];
    await publisherFor({ hub: [one.url, two.url] }).ping([TOPIC, 'https://blog.example/']);
    for (const { received } of [one, two]) {
      expect(received).toHaveLength(1);
      const form = new URLSearchParams(received[0]?.body.toString());
      expect(form.get('hub.mode')).toBe('publish');
      expect(form.getAll('hub.url')).toEqual([TOPIC, 'https://blog.example/']);
      expect(received[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    }
  });

  it('sends the credential', async () => {
    const hub = await startHub();
    await publisherFor({ hub: hub.url, credential: 'key' }).ping(TOPIC);
    expect(hub.received[0]?.headers.authorization).toBe('Bearer key');
  });

  it('rejects with what the hub says, and whether to try again', async () => {
    const refusing = await startHub(400, 'hub.url is missing\n');
    await expect(publisherFor({ hub: refusing.url }).ping(TOPIC)).rejects.toMatchObject({
      code: 'publish_refused',
      retryable: false,
      message: expect.stringContaining('400: hub.url is missing'),
    });
    const broken = await startHub(503);
    await expect(publisherFor({ hub: broken.url }).ping(TOPIC)).rejects.toMatchObject({
      code: 'hub_unavailable',
      retryable: true,
    });
    await expect(publisherFor({ hub: 'http://127.0.0.1:1/' }).ping(TOPIC)).rejects.toMatchObject({
      code: 'hub_unavailable',
    });
  });

  it('tells the other hubs although one is down', async () => {
    const hub = await startHub();
    await expect(publisherFor({ hub: ['http://127.0.0.1:1/', hub.url] }).ping(TOPIC)).rejects.toMatchObject({
      code: 'hub_unavailable',
    });
    expect(hub.received).toHaveLength(1);
  });

  it('refuses what is no URL before anything is sent', async () => {
    expect(() => createPublisher({ hub: 'hub.example' })).toThrow(/hub is not a URL/);
    expect(() => createPublisher({ hub: [] })).toThrow(/hub is empty/);
    await expect(publisherFor({ hub: 'http://127.0.0.1:1/' }).ping('feed')).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });
});

describe('publish', () => {
  it('sends bytes as they are, with id, type and X- headers, and gives the cursor', async () => {
    const hub = await startHub(202, '', { 'Hub-Cursor': 'abc.7' });
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const options = { contentType: 'image/png', id: 'i1', type: 'picture', headers: { 'X-Kind': 'k' } };
    expect(await publisherFor({ hub: `${hub.url}?tenant=1` }).publish(TOPIC, bytes, options)).toEqual({
      cursor: 'abc.7',
    });
    const [{ url, headers, body }] = hub.received as [Received];
    expect(Object.fromEntries(url.searchParams)).toEqual({
      tenant: '1',
      'hub.mode': 'publish',
      'hub.topic': TOPIC,
      'hub.id': 'i1',
      'hub.type': 'picture',
    });
    expect([headers['content-type'], headers['x-kind']]).toEqual(['image/png', 'k']);
    expect(body.equals(bytes)).toBe(true);
  });

  it.each([
    ['text', 'grüß', 'text/plain; charset=utf-8', 'grüß'],
    ['objects as JSON', { a: [1] }, 'application/json', '{"a":[1]}'],
  ])('sends %s with the media type that fits', async (_what, content, contentType, body) => {
    const hub = await startHub();
    expect(await publisherFor({ hub: hub.url }).publish(TOPIC, content)).toEqual({ cursor: undefined });
    expect(hub.received[0]?.headers['content-type']).toBe(contentType);
    expect(hub.received[0]?.body.toString()).toBe(body);
  });
});
