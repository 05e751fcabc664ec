import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect as connectTo, type AddressInfo } from 'node:net';
import { systemRandom, TestClock } from '@websub/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryLog } from '../contract/memory-log.js';
import { entryOf, FEED } from '../contract/samples.js';
import { HubEmitter } from '../events.js';
import { HotTail } from '../log/hot-tail.js';
import { chunkOf } from './chunk.js';
import { EventStream, type EventManner } from './event-stream.js';
import type { StreamConnection } from './event-wire.js';
import { Payloads } from './payload.js';
import { anybodysPermit } from './permit.sample.js';
import { Readers } from './readers.js';
import { selectionOf } from './selection.js';
import { eventText } from './sse-format.js';
import { Streams } from './streams.js';

const BOUNDS = { inAll: 3, perAddress: 2, perSubject: 1 };

let server: Server;
let clock: TestClock;
let log: HotTail;
let events: HubEmitter;
let streams: Streams;
let closed: string[];
let manner: Partial<EventManner>;
beforeEach(async () => {
  clock = new TestClock();
  log = new HotTail(new MemoryLog());
  events = new HubEmitter();
  const ends: string[] = [];
  closed = ends;
  manner = {};
  events.on('stream-closed', ({ end }) => ends.push(end));
  const readers = new Readers({ log, payloads: new Payloads(), clock, events });
  streams = new Streams({ readers, bounds: BOUNDS, clock, random: systemRandom, events });
  server = createServer((_request, response) => open(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function open(response: ServerResponse): void {
  const permit = anybodysPermit(clock);
  streams.open(
    { address: 'here', subject: undefined },
    (streamId, commons) =>
      new EventStream({
        id: streamId,
        commons,
        connection: connectionOf(response),
        gap: undefined,
        permit,
        reading: {
          selection: selectionOf([FEED], []),
          filter: undefined,
          onGap: 'earliest',
          position: log.head(),
          permit,
        },
        manner: {
          frameOf: ({ id, content }) =>
            chunkOf(eventText({ id, data: Buffer.from(content.body).toString() })),
          limit: Infinity,
          lastsMs: 600_000,
          endsAs: 'max_age',
          heartbeatMs: 15_000,
          tellsLive: false,
          saysBye: true,
          ...manner,
        },
      }),
  );
}

function connectionOf(response: ServerResponse): StreamConnection {
  response.shouldKeepAlive = false;
  response.flushHeaders();
  return { socket: response.socket!, isChunked: response.chunkedEncoding };
}

async function connect(): Promise<IncomingMessage & { text: string }> {
  const { port } = server.address() as AddressInfo;
  const [incoming] = (await once(get(`http://127.0.0.1:${port}/`), 'response')) as [IncomingMessage];
  const reader = Object.assign(incoming, { text: '' });
  reader.on('error', () => undefined);
  return reader;
}

async function reading(): Promise<IncomingMessage & { text: string }> {
  const incoming = await connect();
  incoming.on('data', (chunk: Buffer) => (incoming.text += chunk.toString()));
  return incoming;
}

/** What comes for these requests, as it comes. */
function asking(requests: string): { text: string } {
  const { port } = server.address() as AddressInfo;
  const client = { text: '' };
  connectTo(port, '127.0.0.1')
    .on('data', (chunk: Buffer) => (client.text += chunk.toString()))
    .on('error', () => undefined)
    .write(requests);
  return client;
}

async function until(probe: () => boolean): Promise<void> {
  while (!probe()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a stream', () => {
  it('is kept open by two bytes while nothing is published, and by nothing else', async () => {
    const client = await reading();
    await until(() => client.text.startsWith(':\nretry: '));
    const opened = client.text;
    await clock.advance(14_000);
    expect(client.text).toBe(opened);
    await clock.advance(2_000);
    await until(() => client.text === `${opened}:\n`);
    await log.append([entryOf('a')]);
    await until(() => client.text.endsWith('id: a\ndata: a\n\n'));
    const given = client.text;
    await clock.advance(14_000);
    expect(client.text).toBe(given);
    await clock.advance(2_000);
    await until(() => client.text === `${given}:\n`);
  });

  it('ends when it is old, with a time to come back', async () => {
    const client = await reading();
    await until(() => client.text.endsWith('\n'));
    await clock.advance(601_000);
    await until(() => client.complete);
    expect(client.text).toMatch(
      /\nretry: (\d+)\nid: memory\.0\nevent: bye\ndata: \{"reason":"max_age","retry_ms":\1\}\n\n$/,
    );
    expect(closed).toEqual(['max_age']);
  });

  it('is cut when its client takes nothing for 30 s while something waits for it', async () => {
    const client = await connect();
    client.pause();
    const stalls: string[] = [];
    events.on('stream-stalled', ({ stream }) => stalls.push(stream));
    const large = 'x'.repeat(16 * 1024 * 1024);
    await log.append([entryOf('a', { content: { body: Buffer.from(large), contentType: 'text/plain' } })]);
    await until(() => streams.count === 1);
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(40_000);
    await until(() => streams.count === 0);
    expect(stalls).toHaveLength(1);
    expect(closed).toEqual(['stalled']);
  });

  it('is let go when its client has gone', async () => {
    const client = await reading();
    await until(() => streams.count === 1);
    client.destroy();
    await until(() => streams.count === 0);
    expect(closed).toEqual(['client']);
    expect(streams.isFull({ address: 'here', subject: undefined })).toBe(false);
  });

  it('has no chunks for a client of HTTP/1.0, which knows none', async () => {
    const client = asking('GET / HTTP/1.0\r\n\r\n');
    await until(() => streams.count === 1);
    await log.append([entryOf('a')]);
    await until(() => client.text.includes('data: a'));
    expect(client.text).toMatch(/\r\n\r\n:\nretry: \d+\nid: a\ndata: a\n\n$/);
  });

  it('that was asked for one entry is given no second one', async () => {
    manner = { limit: 1, saysBye: false };
    const client = await reading();
    await until(() => streams.count === 1);
    await log.append([entryOf('a'), entryOf('b')]);
    await until(() => client.complete);
    expect(client.text).toMatch(/^:\nretry: \d+\nid: a\ndata: a\n\n$/);
  });
});

describe('streams', () => {
  it('are bounded in all, by address and by subject', async () => {
    await reading();
    await until(() => streams.count === 1);
    expect(streams.isFull({ address: 'here', subject: 'ann' })).toBe(false);
    await reading();
    await until(() => streams.count === 2);
    expect(streams.isFull({ address: 'here', subject: 'ann' })).toBe(true);
    expect(streams.isFull({ address: 'there', subject: 'ann' })).toBe(false);
    await reading();
    await until(() => streams.count === 3);
    expect(streams.isFull({ address: 'there', subject: undefined })).toBe(true);
  });

  it('are ended together, each with a time of its own to come back, and no other begins', async () => {
    const clients = [await reading(), await reading()];
    await until(() => streams.count === 2);
    streams.drain();
    await until(() => clients.every(({ complete }) => complete));
    for (const { text } of clients) expect(text).toContain('"reason":"drain"');
    expect(streams.isFull({ address: 'there', subject: undefined })).toBe(true);
  });
});
