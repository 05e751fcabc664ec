import { expect, it } from 'vitest';
import { listAll, published, subscribed } from '../support/requests.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

const world = useSurroundings();

it('LAW 7 a hub that starts with everything overdue keeps its bounds, in all and for each host', async () => {
  const flags = [
    '--retry-delays',
    Array(20).fill('2').join(','),
    '--host-concurrency',
    '3',
    '--max-in-flight',
    '8',
  ];
  const hub = await world.startHub({ flags });
  const servers = await Promise.all([1, 2, 3].map(() => world.callbackServer()));
  const topic = world.topic().url;
  let restarted = false;
  const open = servers.map(() => 0);
  const most = { ofHost: 0, inAll: 0 };
  const callbacks = servers.flatMap((server, host) =>
    Array.from({ length: 30 }, () => {
      const callback = server.callback();
      callback.onDelivery = async () => {
        if (!restarted) return { status: 500 };
        open[host] = (open[host] ?? 0) + 1;
        most.ofHost = Math.max(most.ofHost, ...open);
        most.inAll = Math.max(
          most.inAll,
          open.reduce((sum, each) => sum + each, 0),
        );
        await new Promise((resolve) => setTimeout(resolve, 10));
        open[host] = (open[host] ?? 0) - 1;
        return { status: 204 };
      };
      return callback;
    }),
  );
  for (const callback of callbacks) await subscribed(hub, callback, topic);
  await published(hub, topic, 'an update');
  await until('each has failed', () => callbacks.every(({ deliveries }) => deliveries.length > 0));
  await until('that is known', async () =>
    (await listAll(hub, '/v1/subscriptions', { topic })).every((row) => Number(row['failed_attempts']) > 0),
  );
  await hub.terminate();
  const stoppedAt = performance.now();
  await until('all are overdue', () => performance.now() - stoppedAt > 2_500);
  restarted = true;
  await hub.restart();
  await until('all have it', async () =>
    (await listAll(hub, '/v1/subscriptions', { topic })).every((row) => row['caught_up'] === true),
  );
  // Half of the slots, of an odd number the greater part: the others are for whoever did not fail.
  expect(most.ofHost).toBe(2);
  expect(most.inAll).toBe(4);
});
