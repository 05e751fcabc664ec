import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Position } from '../../packages/hub/dist/log/log.js';
import { openSqliteStore } from '../../packages/hub/dist/store/sqlite/sqlite-store.js';
import { HubProcess } from '../support/hub-process.js';
import { Stream } from '../support/stream.js';

/** Entries that are replayed; `npm run replay` takes 10,000. */
const ENTRIES = Number(process.env['REPLAY_ENTRIES'] ?? 1_000);
const ROUNDS = 5;
const BODY_BYTES = 1_024;
const TOPIC = 'https://shop.example/replay';
const ending: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

it(`replays ${ENTRIES} stored entries whole and in order, and prints what it takes next to the store's own reading`, async () => {
  const data = await mkdtemp(join(tmpdir(), 'websub-replay-'));
  ending.push(() => rm(data, { recursive: true, force: true }));
  const reading = await fillAndRead(data);
  const hub = await HubProcess.start({ data });
  ending.push(() => hub.stop());
  const replays: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const stream = await Stream.open(
      new URL(`/v1/sse?topic=${encodeURIComponent(TOPIC)}&since=earliest`, hub.url).href,
    );
    const messages = await stream.gets(ENTRIES, 60_000);
    replays.push(performance.now() - startedAt);
    stream.close();
    expect(messages.map((text) => Number(text.split(' ', 1)[0]))).toEqual(
      Array.from({ length: ENTRIES }, (_each, nth) => nth),
    );
  }
  const [store, replay] = [median(reading), median(replays)];
  console.log(
    `${ENTRIES} entries of ${BODY_BYTES} bytes: ${store.toFixed(0)} ms read from the store, ` +
      `${replay.toFixed(0)} ms over Server-Sent Events (medians of ${ROUNDS}), ratio ${(replay / store).toFixed(1)}`,
  );
}, 300_000);

/** Stores the entries, and reads them in the steps in which a reader does; answers what each reading took. */
async function fillAndRead(folder: string): Promise<readonly number[]> {
  const store = await openSqliteStore({ folder });
  const body = 'x'.repeat(BODY_BYTES);
  const entries = Array.from({ length: ENTRIES }, (_each, nth) => ({
    topic: TOPIC,
    id: `entry-${nth}`,
    idempotent: false,
    content: { body: Buffer.from(`${nth} ${body}`), contentType: 'text/plain' },
    headers: {},
    publishedAt: Date.now(),
  }));
  await store.log.append(entries);
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    let position = await store.log.earliest();
    let count = 0;
    for (let last: Position | undefined = position; last !== undefined;) {
      const read = await store.log.read([TOPIC], position, { entries: 64, bytes: 64 * 1024 });
      last = read.kind === 'entries' ? read.entries.at(-1)?.position : undefined;
      count += read.kind === 'entries' ? read.entries.length : 0;
      position = last ?? position;
    }
    took.push(performance.now() - startedAt);
    expect(count).toBe(ENTRIES);
  }
  await store.close();
  return took;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!;
}
