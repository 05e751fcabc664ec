import { expect, it } from 'vitest';
import { ADMIN, ADMIN_KEY } from '../support/access.js';
import { startClockedHub } from '../support/hub-in-process.js';
import { postForm, subscribe } from '../support/requests.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

const world = useSurroundings();

it('LAW 7 a callback host is asked five times a second whatever is asked for, and three times for each request', async () => {
  const { hub, clock } = await startClockedHub({ dev: false, allowNetwork: ['127.0.0.0/8'] });
  const victim = await world.callbackServer();
  const callbacks = Array.from({ length: 45 }, () => victim.callback());
  for (const callback of callbacks) {
    callback.onIntent = () => ({ status: 500 });
    expect((await subscribe(hub, callback.url, 'https://publisher.example/feed')).status).toBe(202);
  }
  const asked = (): number => callbacks.reduce((sum, { intents }) => sum + intents.length, 0);
  await until('each was asked', () => asked() === 45);
  // All are due again after five seconds: only so many are asked.
  const most: (readonly [asked: number, allowed: number])[] = [];
  for (let second = 1; second <= 60; second++) {
    await clock.advance(1_000);
    most.push([asked(), 50 + 5 * second]);
  }
  expect(most.filter(([count, allowed]) => count > allowed)).toEqual([]);
  await until('each was asked three times', async () => {
    await clock.advance(1_000);
    return asked() === 135;
  });
  await clock.advance(120_000);
  expect(asked()).toBe(135);
});

it('LAW 8 the operator may move in many subscriptions at once, and no callback host is asked oftener for that', async () => {
  const { hub } = await startClockedHub({
    dev: false,
    allowNetwork: ['127.0.0.0/8'],
    adminKey: ADMIN_KEY,
  });
  const victims = [await world.callbackServer(), await world.callbackServer()];
  const asked = async (headers: typeof ADMIN | undefined, each: number): Promise<readonly number[]> => {
    const statuses: number[] = [];
    for (const victim of victims)
      for (let nth = 0; nth < each; nth++) {
        const fields = { 'hub.mode': 'subscribe', 'hub.callback': victim.callback().url };
        const topic = { 'hub.topic': 'https://publisher.example/feed' };
        statuses.push((await postForm(hub, { ...fields, ...topic }, headers)).status);
      }
    return statuses;
  };
  expect(new Set(await asked(ADMIN, 40))).toEqual(new Set([202]));
  const beyond = await asked(ADMIN, 15);
  expect(beyond.filter((status) => status === 202)).toHaveLength(20);
  expect(beyond.filter((status) => status === 429)).toHaveLength(10);
});
