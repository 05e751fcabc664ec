import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub } from '@websub/hub';
import type { HttpClient } from '@websub/shared';
import { expect, it, onTestFinished } from 'vitest';
import { loadSqlite } from '../../packages/hub/dist/store/sqlite/sqlite-driver.js';
import { send } from '../support/http.js';
import { startClockedHub } from '../support/hub-in-process.js';
import { ping, publish, subscribed } from '../support/requests.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

const world = useSurroundings();

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

it('a hub that cannot save every place says so when it stops, and lets go of everything all the same', async () => {
  const data = await mkdtemp(join(tmpdir(), 'websub-stopping-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const options = { dev: true, port: 0, data, canarySeconds: 0 };
  const hub = await createHub(options);
  const topic = world.topic().url;
  const callback = world.callback();
  await subscribed(hub, callback, topic);
  const database = (await loadSqlite())(join(data, 'hub.sqlite'));
  // The hub may be saving something still.
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec(`CREATE TRIGGER full BEFORE INSERT ON place BEGIN SELECT RAISE(ABORT, 'no room'); END`);
  await publish(hub, topic, 'news');
  await until('it is delivered', () => callback.deliveries.length === 1);

  await expect(hub.stop()).rejects.toMatchObject({ code: 'store_failed' });

  database.exec('DROP TRIGGER full');
  database.close();
  const next = await createHub(options);
  await until('it is delivered again', () => callback.deliveries.length === 2);
  await next.stop();
  expect(callback.texts).toEqual(['news', 'news']);
});

it('a hub that cannot start says why, also when what it had opened cannot be closed', async () => {
  const { hub } = await startClockedHub();
  const http: HttpClient = {
    send: () => Promise.reject(new Error('nothing is asked for')),
    close: () => Promise.reject(new Error('it does not close')),
  };
  await expect(
    createHub({ dev: true, port: Number(new URL(hub.url).port), data: ':memory:', ports: { http } }),
  ).rejects.toMatchObject({ option: 'port' });
});
