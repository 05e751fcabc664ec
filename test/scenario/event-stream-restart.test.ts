import { afterEach, expect, it } from 'vitest';
import { keepPublishing, upTo } from '../support/keep-publishing.js';
import { publish, residentBytes } from '../support/requests.js';
import { eventSource, fetchedEvents, type SseClient } from '../support/sse-clients.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();
const clients: { close(): void }[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function addressOf(topic: string, more = ''): string {
  return new URL(`/v1/sse?topic=${encodeURIComponent(topic)}${more}`, world.hub.url).href;
}

it('readers of unmodified clients miss nothing and have nothing twice when the hub is killed, and when it is stopped, and started again', async () => {
  const topic = 'https://shop.example/restart';
  const address = addressOf(topic, '&since=earliest');
  const readers: SseClient[] = [
    ...Array.from({ length: 4 }, () => eventSource(address)),
    ...Array.from({ length: 3 }, () => fetchedEvents(address)),
    eventSource(addressOf(topic, '&since=earliest&consumer=one&client=client-of-the-test')),
  ];
  clients.push(...readers);
  const publisher = keepPublishing(world.hub, topic);
  const everyReaderGetsOn = async (): Promise<void> => {
    const before = readers.map(({ messages }) => messages.length);
    await until(
      'every reader gets on',
      () => readers.every(({ messages }, nth) => messages.length > before[nth]! + 5),
      30_000,
    );
  };
  await everyReaderGetsOn();
  for (const end of [() => world.hub.kill(), () => world.hub.terminate()]) {
    await end();
    await world.hub.restart();
    await everyReaderGetsOn();
  }
  const count = await publisher.stop();
  await until(
    'every reader has everything',
    () => readers.every(({ messages }) => messages.length >= count),
    30_000,
  );
  for (const { messages } of readers) expect(messages).toEqual(upTo(count));
}, 120_000);

it('a reader that comes back at any place, while others publish, misses nothing and has nothing twice', async () => {
  const topic = 'https://shop.example/seam';
  const publisher = keepPublishing(world.hub, topic);
  const readOn = async (rounds: number): Promise<string[]> => {
    const got: string[] = [];
    let last = '';
    for (let round = 0; round < rounds; round++) {
      const headers = last === '' ? {} : { 'last-event-id': last };
      const stream = await Stream.open(addressOf(topic, '&since=earliest'), { headers });
      clients.push(stream);
      // From none to some: at the seam of what was stored and what comes.
      const wanted = Math.floor(Math.random() * 4);
      await until('the stream gets on', () => stream.events.length >= wanted);
      stream.close();
      const events = stream.named('message');
      expect(stream.events).toHaveLength(events.length);
      got.push(...events.map(({ data }) => data));
      last = events.at(-1)?.id ?? last;
    }
    return got;
  };
  const readers = await Promise.all(Array.from({ length: 6 }, () => readOn(40)));
  await publisher.stop();
  for (const got of readers) expect(got).toEqual(upTo(got.length));
}, 60_000);

it('LAW 7: one reader among a thousand that takes nothing costs the others neither order nor memory, is shown, and misses nothing', async () => {
  const small = 'https://shop.example/stalled/small';
  const large = 'https://shop.example/stalled/large';
  const count = 60;
  const stalled = await Stream.open(addressOf(small, `&topic=${encodeURIComponent(large)}`), {
    paused: true,
  });
  const taking: Stream[] = [];
  clients.push(stalled);
  while (taking.length < 999) {
    const more = await Promise.all(Array.from({ length: 37 }, () => Stream.open(addressOf(small))));
    taking.push(...more);
    clients.push(...more);
  }
  const before = await residentBytes(world.hub);
  for (let nth = 0; nth < count; nth++) {
    for (const [topic, body] of [
      [large, `large ${nth} ${'x'.repeat(256 * 1024)}`],
      [small, `small ${nth}`],
    ] as const)
      expect((await publish(world.hub, topic, body)).status).toBe(202);
  }
  await until(
    'everybody else has everything',
    () => taking.every(({ messages }) => messages.length >= count),
    60_000,
  );
  const expected = upTo(count)
    .map((nth) => `small ${nth}`)
    .join();
  expect(taking.filter(({ messages }) => messages.join() !== expected)).toEqual([]);
  // What is in memory for all is bounded by less; a queue for the one would come on top of it.
  expect((await residentBytes(world.hub)) - before).toBeLessThan(160 * 1024 * 1024);
  const name = String(stalled.headers['hub-stream']).slice(0, 8);
  const lines = (await (await fetch(new URL('/metrics', world.hub.url))).text())
    .split('\n')
    .filter((line) => line.startsWith('websub_stream_lag_'));
  const lag = (what: string): number =>
    Number(
      lines.find((line) => line.startsWith(`websub_stream_lag_${what}{stream="${name}"}`))?.split(' ')[1],
    );
  expect(lag('entries')).toBeGreaterThan(10);
  expect(lag('bytes')).toBeGreaterThan(1_000_000);
  expect(lines).toHaveLength(2);
  stalled.resume();
  const messages = await stalled.gets(2 * count, 30_000);
  expect(messages.map((data) => data.split(' ', 2).join(' '))).toEqual(
    upTo(count).flatMap((nth) => [`large ${nth}`, `small ${nth}`]),
  );
}, 180_000);
