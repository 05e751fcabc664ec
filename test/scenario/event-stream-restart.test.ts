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

it.each([
  ['killed', () => world.hub.kill()],
  ['stopped', () => world.hub.terminate()],
])(
  'readers of unmodified clients miss nothing and have nothing twice when the hub is %s and started again',
  async (how, end) => {
    const topic = `https://shop.example/restart/${how}`;
    const address = addressOf(topic, '&since=earliest');
    const readers: SseClient[] = [
      ...Array.from({ length: 4 }, () => eventSource(address)),
      ...Array.from({ length: 4 }, () => fetchedEvents(address)),
    ];
    clients.push(...readers);
    const publisher = keepPublishing(world.hub, topic);
    for (let round = 1; round <= 2; round++) {
      const before = readers.map(({ messages }) => messages.length);
      await until(
        'every reader gets on',
        () => readers.every(({ messages }, nth) => messages.length > before[nth]! + 5),
        30_000,
      );
      await end();
      await world.hub.restart();
    }
    const before = readers.map(({ messages }) => messages.length);
    await until(
      'every reader is back',
      () => readers.every(({ messages }, nth) => messages.length > before[nth]!),
      30_000,
    );
    const count = await publisher.stop();
    await until(
      'every reader has everything',
      () => readers.every(({ messages }) => messages.length >= count),
      30_000,
    );
    for (const { messages } of readers) expect(messages).toEqual(upTo(count));
  },
  120_000,
);

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

it('LAW 7: a reader that takes nothing costs the others nothing, and has everything when it takes again', async () => {
  const topic = 'https://shop.example/stalled';
  const bodyBytes = 256 * 1024;
  const count = 120;
  const stalled = await Promise.all(
    Array.from({ length: 10 }, () => Stream.open(addressOf(topic), { paused: true })),
  );
  const taking = await Promise.all(Array.from({ length: 3 }, () => Stream.open(addressOf(topic))));
  clients.push(...stalled, ...taking);
  const before = await residentBytes(world.hub);
  for (let nth = 0; nth < count; nth++) {
    const answer = await publish(world.hub, topic, `${nth} ${'x'.repeat(bodyBytes)}`);
    expect(answer.status).toBe(202);
    // Each of them has it although ten others take nothing.
    await Promise.all(taking.map((stream) => stream.gets(nth + 1)));
  }
  // A queue for each of the ten would be 300 MiB.
  expect((await residentBytes(world.hub)) - before).toBeLessThan(200 * 1024 * 1024);
  const [first] = stalled;
  first!.resume();
  const messages = await first!.gets(count, 30_000);
  expect(messages.map((data) => data.split(' ', 1)[0])).toEqual(upTo(count));
}, 120_000);
