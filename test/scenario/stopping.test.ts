import { expect, it } from 'vitest';
import { send } from '../support/http.js';
import { startClockedHub } from '../support/hub-in-process.js';
import { ping, publish, subscribed } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();

it('a hub that is to stop says so at once, serves for --drain-seconds, refuses until all has settled, and is gone', async () => {
  const { hub, clock } = await startClockedHub({ drainSeconds: 5 });
  const at = { url: hub.url };
  const ready = async (): Promise<number> => (await send(new URL('/readyz', at.url).href)).status;
  const topic = world.topic().url;
  const callback = world.callback();
  await subscribed(at, callback, topic);
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  callback.onDelivery = async () => {
    await answered;
    return { status: 204 };
  };

  const stopped = hub.stop();
  expect(await ready()).toBe(503);
  expect((await publish(at, topic, 'in time')).status).toBe(202);
  await until('it is being delivered', () => callback.deliveries.length === 1);

  await clock.advance(5_000);
  const refused = await Promise.all([publish(at, topic, 'too late'), ping(at, topic)]);
  for (const { status, headers } of refused) {
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('1');
  }
  expect(await ready()).toBe(503);
  expect((await send(new URL('/healthz', at.url).href)).status).toBe(200);

  answer();
  await stopped;
  await expect(ready()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(callback.texts).toEqual(['in time']);
});
