import type { Hub } from '@websub/hub';
import { afterEach, expect, it } from 'vitest';
import { temporaryFolder } from '../contract/opener.js';
import { startClockedHub, type ClockedHub } from '../support/hub-in-process.js';
import { manage } from '../support/manage.js';
import { listAll, ping, postForm, published, subscribed, unsubscribed } from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { arrived, until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

const world = useSurroundings();
const streams: Stream[] = [];
const MINUTE = 60_000;

afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});

async function topicsOf(hub: Hub): Promise<readonly unknown[]> {
  return (await listAll(hub, '/v1/topics')).map(({ topic }) => topic);
}

/** A topic whose content reached a subscriber, who then left. */
async function left({ hub, clock }: ClockedHub) {
  const topic = world.topic();
  const callback = world.callback();
  await subscribed(hub, callback, topic.url);
  await ping(hub, topic.url);
  await until('it arrived', async () => {
    await clock.advance(10);
    return callback.deliveries.length === 1;
  });
  await unsubscribed(hub, callback, topic.url);
  return topic;
}

async function read(hub: Hub, fields: Readonly<Record<string, string>>): Promise<Stream> {
  const url = new URL('/v1/sse', hub.url);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  const stream = await Stream.open(url.href);
  streams.push(stream);
  return stream;
}

it('LAW 8: topics that nobody uses any more are forgotten within the hour, for good', async () => {
  const data = await temporaryFolder();
  const options = { data, retainSeconds: 1_800 };
  const clocked = await startClockedHub(options);
  const { hub, clock } = clocked;
  const old = await published(hub, world.topic().url, 'before all');
  const unused = await left(clocked);
  const [registered, ruled, subscribedTo, streamed, consumed, kept] = [
    await left(clocked),
    await left(clocked),
    await left(clocked),
    await left(clocked),
    await left(clocked),
    await left(clocked),
  ];
  await postForm(hub, { 'hub.mode': 'register', 'hub.topic': registered.url });
  await manage(hub, 'PUT', `/topics/${encodeURIComponent(ruled.url)}/policy`, { policy: 'latest' });
  await subscribed(hub, world.callback(), subscribedTo.url);
  const consumer = await read(hub, { topic: consumed.url, consumer: 'c', client: 'a'.repeat(24) });
  consumer.close();

  await clocked.pass(57 * MINUTE, MINUTE);
  await published(hub, kept.url, 'young');
  await read(hub, { topic: streamed.url });
  const forgotten: number[] = [];
  hub.events.on('topics-forgotten', ({ topics }) => forgotten.push(topics));
  await until('topics are forgotten', async () => {
    await clock.advance(10_000);
    return forgotten.length > 0;
  });
  expect(forgotten).toEqual([1]);
  const others = [registered, ruled, subscribedTo, streamed, consumed, kept].map(({ url }) => url).toSorted();
  expect(await topicsOf(hub)).toEqual(others);
  // LAW 12: what is known to have been removed of it is not forgotten.
  const late = await read(hub, { topic: unused.url, since: old });
  await until('it is told of the gap', () => late.named('gap').length === 1);
  late.close();
  await until('it has gone', () => late.ended);
  await hub.stop();

  const again = await startClockedHub(options);
  expect(await topicsOf(again.hub)).toEqual(others);
  const callback = world.callback();
  await subscribed(again.hub, callback, unused.url);
  for (const body of ['second', 'second', 'third']) {
    unused.body = body;
    const before = unused.requests.length;
    await ping(again.hub, unused.url);
    await until('it was fetched', async () => {
      await again.clock.advance(10);
      return unused.requests.length > before;
    });
  }
  await arrived('deliveries', callback.deliveries, 2);
  expect(callback.texts).toEqual(['second', 'third']);
  expect(await topicsOf(again.hub)).toContain(unused.url);
});
