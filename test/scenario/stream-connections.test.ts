import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startClockedHub } from '../support/hub-in-process.js';
import { FORM, formOf, publish } from '../support/requests.js';
import { until } from '../support/until.js';
import { Ws } from '../support/ws-clients.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld();
const clients: Client[] = [];
let topics = 0;

afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
});

interface Client {
  readonly socket: Socket;
  /** Everything that came. */
  text: string;
  closed: boolean;
}

/** A connection on which these requests are sent in one go. */
function sending(url: string, ...requests: readonly string[]): Client {
  const { hostname, port } = new URL(url);
  const client = listeningOn(connect(Number(port), hostname));
  client.socket.write(requests.join(''));
  return client;
}

function listeningOn(socket: Socket): Client {
  const client: Client = { socket, text: '', closed: false };
  socket.on('data', (chunk: Buffer) => (client.text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => (client.closed = true));
  clients.push(client);
  return client;
}

function newTopic(): string {
  topics += 1;
  return `https://shop.example/connections/${topics}`;
}

const EVENTS = 'Accept: text/event-stream\r\n';
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';

/** A GET of a client of HTTP/1.1. */
function get(path: string, fields: Readonly<Record<string, string>> = {}, headers = ''): string {
  return `GET ${path}?${formOf(fields)} HTTP/1.1\r\nHost: hub\r\n${headers}\r\n`;
}

async function following(client: Client): Promise<void> {
  await until('the stream has begun', () => client.text.includes('event: live\n'));
}

/** Publishes until the client, who waits, has an answer: nobody sees when it begins to wait. */
async function answered(client: Client, topic: string): Promise<void> {
  await until('the client is answered', async () => {
    await publish(world.hub, topic, 'awaited');
    return client.text !== '';
  });
}

describe('the connection of a stream', () => {
  it.each([
    ['a GET that accepts events', 'GET', EVENTS, ''],
    ['a GET that accepts anything', 'GET', '', ''],
    ['a form in a POST', 'POST', `Content-Type: ${FORM}\r\nContent-Length: 7\r\n`, 'limit=1'],
  ])(
    'ends with it, and no further request is answered there: asked for by %s',
    async (_how, method, headers, body) => {
      const topic = newTopic();
      const fields = { topic, control: 'live', ...(body === '' && { limit: '1' }) };
      const asked = get('/v1/sse', fields, headers).replace('GET', method);
      const client = sending(world.hub.url, asked, body, get('/healthz'));
      await following(client);
      await publish(world.hub, topic, 'only this');
      await until('the connection has closed', () => client.closed);
      expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n/);
      expect(client.text).toMatch(/\ndata: only this\n\n\r\n[^]*\nevent: bye\n[^]*\r\n0\r\n\r\n$/);
    },
  );

  it('is let go when the client ends its side', async () => {
    const client = sending(world.hub.url, get('/v1/sse', { topic: newTopic(), control: 'live' }, EVENTS));
    await following(client);
    client.socket.end();
    await until('the connection has closed', () => client.closed);
  });

  it('ends with the refusal too, where there is no stream', async () => {
    const client = sending(world.hub.url, get('/v1/sse', {}, EVENTS), get('/healthz'));
    await until('the connection has closed', () => client.closed);
    expect(client.text).toMatch(/^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n[^]*topic is missing[^]*"}$/);
  });

  it.each([
    ['a GET', 'GET', ''],
    ['a form in a POST', 'POST', 'control=live'],
  ])(
    'carries answers before it: a stream begins behind what was asked for earlier, by %s',
    async (_how, method, body) => {
      const [first, second] = [newTopic(), newTopic()];
      const type = body === '' ? EVENTS : `Content-Type: ${FORM}\r\nContent-Length: ${body.length}\r\n`;
      const fields = { topic: second, ...(body === '' && { control: 'live' }) };
      const client = sending(
        world.hub.url,
        get('/v1/wait', { topic: first }),
        get('/v1/sse', fields, type).replace('GET', method),
        body,
      );
      await answered(client, first);
      await following(client);
      await publish(world.hub, second, 'followed');
      await until('it came', () => client.text.includes('\ndata: followed\n\n'));
      const [awaited, stream] = client.text.split(/(?=HTTP\/1\.1 200 OK)/);
      expect(awaited).toContain('application/json');
      expect(stream).toContain('text/event-stream');
      expect(stream).toContain('\ndata: followed\n');
    },
  );

  it.each([
    ['that its client leaves open', ''],
    ['on which its client goes on to send', 'Content-Length: 1000000\r\n'],
  ])('is gone after the refusal, also one %s', async (_how, headers) => {
    const { hostname, port } = new URL(world.hub.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const client = listeningOn(socket);
    socket.write(get('/v1/sse', {}, EVENTS + headers));
    await until('the refusal has come', () => client.text.endsWith('}'));
    expect(client.text).toMatch(/^HTTP\/1\.1 400 [^]*topic is missing/);
    await until('nobody is there', () => client.closed || (socket.write('more'), false));
  });

  it('that goes while its stream waits for an answer before it is no fault', async () => {
    const { hub } = await startClockedHub();
    const faults: unknown[] = [];
    hub.events.on('fault', ({ error }) => faults.push(error));
    const topic = newTopic();
    const client = sending(hub.url, get('/v1/wait', { topic }), get('/v1/sse', { topic }, EVENTS));
    const waiting = async (): Promise<boolean> =>
      (await (await fetch(new URL('/v1/streams', hub.url))).text()).includes(topic);
    await until('somebody waits', waiting);
    client.socket.destroy();
    await until('nobody waits', async () => !(await waiting()));
    expect(faults).toEqual([]);
  });

  it.each([
    ['a page', get('/healthz'), 200],
    ['an expectation that nobody meets', get('/healthz', {}, 'Expect: tea\r\n'), 417],
  ])('carries a stream that was asked for in one piece with %s before it', async (_what, before, status) => {
    const client = sending(
      world.hub.url,
      before,
      get('/v1/sse', { topic: newTopic(), control: 'live' }, EVENTS),
    );
    await following(client);
    expect(client.text).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*\\r\\n\\r\\n[^]+HTTP/1.1 200 OK\\r\\n`));
  });

  it('becomes no WebSocket behind an answer under way', async () => {
    const topic = newTopic();
    const client = sending(world.hub.url, get('/v1/wait', { topic }), get('/v1/ws', {}, UPGRADE));
    await answered(client, topic);
    await until('both are answered', () => /HTTP\/1\.1 426 /.test(client.text));
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe('a hub that stops', () => {
  it('drops after 10 s connections whose clients take nothing', async () => {
    const { hub, clock } = await startClockedHub();
    const topic = 'https://shop.example/large';
    const reader = sending(hub.url, get('/v1/sse', { topic, control: 'live' }, EVENTS));
    await following(reader);
    reader.socket.pause();
    const talker = await Ws.open(hub);
    await talker.ask({ op: 'sub', sid: 's', topics: [topic] });
    talker.pause();
    // More than the network holds.
    for (let n = 0; n < 8; n++) await publish(hub, topic, 'x'.repeat(1024 * 1024));
    let stopped = false;
    const stopping = hub.stop().then(() => (stopped = true));
    await clock.advance(9_900);
    expect(stopped).toBe(false);
    await clock.advance(200);
    await stopping;
  });
});
