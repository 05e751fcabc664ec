import { Agent, request, type IncomingMessage } from 'node:http';
import { afterAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { metric, published, residentBytes } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';
import { wsAddress } from '../support/ws-clients.js';

/** Readers over each of WebSocket and Server-Sent Events; `npm run scale` takes 5,000. */
const READERS = Number(process.env['READERS'] ?? 100);
const WARM = 50;
const AT_ONCE = 100;
const UPDATES = 20;
const TOPIC = 'https://shop.example/scale';
const TIMEOUT_MS = 60_000 + READERS * 60;
/** Below so many, what a connection takes cannot be told from what the process takes anyway. */
const MEASURABLE = 1_000;
const MOST_KIB = 48;

const world = useWorld();
const open = new Set<Reader>();

interface Reader {
  /** Updates that it was given. */
  count: number;
  close(): void;
}

afterAll(() => {
  for (const reader of open) reader.close();
});

it(
  `serves ${READERS.toLocaleString('en')} readers over WebSocket and as many over Server-Sent Events`,
  async () => {
    // What the first connections bring along is not theirs.
    const warm = [...(await opened(WARM, socketReader)), ...(await opened(WARM, streamReader))];
    await published(world.hub, TOPIC, 'x');
    await until('all have it', () => warm.every(({ count }) => count === 1));
    for (const reader of warm) close(reader);
    await streams(0);

    const empty = await residentBytes(world.hub);
    const bySocket = await opened(READERS, socketReader);
    await streams(READERS);
    const withSockets = await residentBytes(world.hub);
    const byStream = await opened(READERS, streamReader);
    await streams(2 * READERS);
    const withBoth = await residentBytes(world.hub);
    const socketMs = await cost(bySocket, byStream);
    for (const reader of byStream) close(reader);
    await streams(READERS);
    for (const reader of bySocket) close(reader);
    await streams(0);

    const kib = {
      socket: (withSockets - empty) / READERS / 1024,
      stream: (withBoth - withSockets) / READERS / 1024,
    };
    console.log(
      `${READERS} readers each: ${kib.socket.toFixed(1)} KiB for a WebSocket, ${kib.stream.toFixed(1)} KiB for a stream; ` +
        `${socketMs.toFixed(1)} ms of CPU for 1,000 messages`,
    );
    if (READERS < MEASURABLE) return;
    expect(kib.socket).toBeLessThan(MOST_KIB);
    expect(kib.stream).toBeLessThan(MOST_KIB);
  },
  TIMEOUT_MS,
);

/** Milliseconds of the hub's CPU for a thousand messages; each of the readers has to be given everything. */
async function cost(...groups: readonly (readonly Reader[])[]): Promise<number> {
  const readers = groups.flat();
  const cpu = async (): Promise<number> => (await metric(world.hub, 'process_cpu_seconds_total')) ?? NaN;
  const before = await cpu();
  for (let nth = 1; nth <= UPDATES; nth++) {
    await published(world.hub, TOPIC, 'x'.repeat(200));
    await until('all have it', () => readers.every(({ count }) => count >= nth), TIMEOUT_MS);
  }
  for (const { count } of readers) expect(count).toBe(UPDATES);
  return (((await cpu()) - before) * 1_000_000) / (UPDATES * readers.length);
}

async function streams(count: number): Promise<void> {
  await until(
    `${count} streams are open`,
    async () => (await metric(world.hub, 'websub_streams')) === count,
    TIMEOUT_MS,
  );
}

async function opened(count: number, make: () => Promise<Reader>): Promise<readonly Reader[]> {
  const readers: Reader[] = [];
  while (readers.length < count) {
    const next = Math.min(AT_ONCE, count - readers.length);
    readers.push(...(await Promise.all(Array.from({ length: next }, make))));
  }
  for (const reader of readers) open.add(reader);
  return readers;
}

function close(reader: Reader): void {
  reader.close();
  open.delete(reader);
}

function socketReader(): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(wsAddress(world.hub), 'hub.v1.json', { perMessageDeflate: false });
    const reader: Reader = { count: 0, close: () => socket.terminate() };
    socket.on('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ op: 'sub', sid: 's', topics: [TOPIC] })));
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text.startsWith('{"op":"ev"')) reader.count += 1;
      else if (text.startsWith('{"op":"live"')) resolve(reader);
    });
  });
}

function streamReader(): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const address = new URL(`/v1/sse?topic=${TOPIC}&control=live`, world.hub.url);
    const outgoing = request(
      address,
      { agent: new Agent({ keepAlive: false }) },
      (incoming: IncomingMessage) => {
        const reader: Reader = { count: 0, close: () => incoming.destroy() };
        incoming.on('error', () => undefined);
        let rest = '';
        incoming.on('data', (chunk: Buffer) => {
          const lines = (rest + chunk.toString('latin1')).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            if (line.startsWith('data: x')) reader.count += 1;
            else if (line === 'event: live') resolve(reader);
          }
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}
