import { connect, type Socket } from 'node:net';
import { readFile } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { HubProcess } from '../support/hub-process.js';
import { metric, published } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

/** Clients that open a stream and never read it; `npm run scale` takes ten thousand. */
const SILENT = Number(process.env['SILENT_READERS'] ?? 100);
const READING = Math.min(100, SILENT / 5);
const UPDATES = Math.min(SILENT / 2, 1_000);
const UPDATE_BYTES = 10 * 1024;
const AT_ONCE = 200;
const MOST_GROWTH_MIB = 400;
const MiB = 1024;

const world = useWorld();

it.runIf(process.platform === 'linux')(
  `F14 ${SILENT.toLocaleString('en')} streams that nobody reads take no memory that grows, and cost ${READING} readers nothing`,
  async () => {
    const { hub } = world;
    const topic = world.topic().url;
    const base = await publishMany(hub, topic, UPDATES / 10);
    const readers = await Promise.all(Array.from({ length: READING }, () => open(hub, topic)));
    const received = readers.map(countUpdates);
    for (let opened = 0; opened < SILENT; opened += AT_ONCE) {
      const silent = await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, SILENT - opened) }, () => open(hub, topic)),
      );
      for (const socket of silent) socket.pause();
    }
    await until(
      'all are open',
      async () => (await metric(hub, 'websub_streams')) === SILENT + READING,
      60_000,
    );
    const before = await memoryOf(hub);
    const run = await publishMany(hub, topic, UPDATES);
    await until(
      'whoever reads has everything',
      () => received.every((count) => count() === UPDATES),
      120_000,
    );
    const grown = (await memoryOf(hub)) - before;
    console.log(
      `F14 ${SILENT} silent readers, ${UPDATES} updates of 10 KiB: memory ${before.toFixed(0)} -> ${(before + grown).toFixed(0)} MiB, publish p99 ${base.toFixed(0)} -> ${run.toFixed(0)} ms`,
    );
    expect(grown).toBeLessThan(MOST_GROWTH_MIB);
  },
  60_000 + SILENT * 30,
);

/** A stream, once its first bytes are there. */
async function open(hub: HubProcess, topic: string): Promise<Socket> {
  const { hostname, port } = new URL(hub.url);
  const socket = connect({ host: hostname, port: Number(port) });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.write(`GET /v1/sse?topic=${encodeURIComponent(topic)} HTTP/1.1\r\nHost: hub\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  return socket;
}

/** How many updates have come, by the line with which each begins. */
function countUpdates(socket: Socket): () => number {
  let count = 0;
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    count += lines.filter((line) => line.startsWith('id:')).length;
  });
  return () => count;
}

/** Settles with the p99 of the acknowledgements, ms. */
async function publishMany(hub: HubProcess, topic: string, updates: number): Promise<number> {
  const tookMs: number[] = [];
  for (let nth = 0; nth < updates; nth++) {
    const at = performance.now();
    await published(hub, topic, `${nth} `.padEnd(UPDATE_BYTES, '.'));
    tookMs.push(performance.now() - at);
  }
  return tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length * 0.99)] ?? NaN;
}

async function memoryOf({ pid }: HubProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / MiB;
}
