import { spreadOf } from './figures.js';
import { HubProcess } from './hub-process.js';
import { HelperProcess, memoryOf } from './process.js';
import { Publisher } from './publisher.js';
import type { Result } from './result.js';
import { seed } from './seed.js';

const TOPICS = 1_000;
const SETTLING_MS = 6_000;

/**
 * A hub starts with so many subscriptions in force, of a thousand topics and many hosts: until it is ready, next to the bare
 * store reading the same rows, in turns; and what each takes of its memory while nothing happens.
 */
export async function startUp(subscriptions: number, rounds: number): Promise<Result> {
  const empty = await HubProcess.start();
  const none = await restedRss(empty);
  await empty.stop();
  const topics = Array.from({ length: TOPICS }, (_each, n) => `https://publisher.example/topics/${n}`);
  const hub = await HubProcess.prepare((folder) => seed(folder, manyCallbacks(subscriptions), topics));
  const store = HelperProcess.start('./store-process.js');
  const readyMs: number[] = [];
  const loadMs: number[] = [];
  const each: number[] = [];
  const problems: string[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      readyMs.push(await hub.restart());
      each.push(((await restedRss(hub)) - none) / subscriptions);
      const known = await subscriptionsOf(hub);
      if (known !== subscriptions) problems.push(`${known} of ${subscriptions} subscriptions are there`);
      await hub.halt();
      await store.ask({ name: 'open', folder: hub.data });
      const loaded = await store.ask<{ subscriptions: number; ms: number }>({ name: 'load' });
      if (loaded.subscriptions !== subscriptions) problems.push('the store has lost subscriptions');
      loadMs.push(loaded.ms);
      await store.ask({ name: 'close', keep: true });
    }
  } finally {
    await Promise.all([hub.stop(), store.stop()]);
  }
  return {
    bench: 'memory',
    scenario: `start with ${subscriptions.toLocaleString('en')} subscriptions`,
    unit: 'start',
    rounds,
    figures: [],
    ratios: [
      { name: 's until ready', value: spreadOf(readyMs.map((ms) => ms / 1_000)) },
      { name: 's that the bare store reads', value: spreadOf(loadMs.map((ms) => ms / 1_000)) },
      { name: 'until ready ÷ bare store', value: spreadOf(readyMs.map((ms, n) => ms / (loadMs[n] ?? NaN))) },
      { name: 'bytes of memory per idle subscription', value: spreadOf(each) },
      { name: 'MiB in all', value: spreadOf(each.map((bytes) => (bytes * subscriptions + none) / 2 ** 20)) },
    ],
    problems,
  };
}

function* manyCallbacks(count: number): Generator<string> {
  for (let n = 0; n < count; n++)
    yield `https://host-${n % 2_000}.subscriber-${n % 977}.example/callbacks/${n}`;
}

/** When it has had the time to give back what it took to start. */
async function restedRss(hub: HubProcess): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
  return (await memoryOf(hub.pid)).rss;
}

async function subscriptionsOf(hub: HubProcess): Promise<number> {
  const publisher = new Publisher(hub.url);
  const metrics = await publisher.get('/metrics');
  await publisher.stop();
  return Number(/^websub_subscriptions (\d+)/m.exec(metrics)?.[1]);
}
