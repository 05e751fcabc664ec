import { expect, it } from 'vitest';
import { startClockedHub } from '../support/hub-in-process.js';
import { ping } from '../support/requests.js';
import { Stream } from '../support/stream.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

const world = useSurroundings();

it('a topic that has only readers is fetched when it is pinged, also while they are away', async () => {
  const { hub, clock } = await startClockedHub({ dev: false, allowNetwork: ['127.0.0.0/8'] });
  const topic = world.topic();
  const address = new URL(`/v1/sse?topic=${encodeURIComponent(topic.url)}`, hub.url).href;
  const has = (reader: Stream, count: number): Promise<unknown> =>
    until(`it has ${count}`, async () => {
      await clock.advance(10);
      return reader.messages.length === count;
    });
  await ping(hub, topic.url);
  await clock.advance(10);
  const reader = await Stream.open(address);
  await ping(hub, topic.url);
  await has(reader, 1);
  // Nobody wanted it at the first ping.
  expect(topic.requests.length).toBe(1);
  reader.close();
  await until('it has gone', () => reader.ended);

  topic.body = 'second content';
  await ping(hub, topic.url);
  const later = await Stream.open(`${address}&since=earliest`);
  await has(later, 2);
  later.close();
});
