import { Callbacks } from './callbacks.js';
import { latencyOf, spreadOf } from './figures.js';
import { HubProcess } from './hub-process.js';
import { cpuMsOf, HelperProcess } from './process.js';
import { forEachOf, Publisher } from './publisher.js';
import type { Result } from './result.js';
import { subscribeAll } from './subscribe-all.js';
import { contentOf, topicOf } from './update.js';

export interface Publishing {
  readonly publishers: number;
  /** Of one round. */
  readonly updates: number;
  readonly bytes: number;
}

export const PUBLISHING: Publishing = { publishers: 64, updates: 4_000, bytes: 1_024 };
export const PINGING: Publishing = { publishers: 64, updates: 1_000, bytes: 1_024 };
const TOPICS = 64;

interface Round {
  readonly cpuUs: number;
  readonly rate: number;
}

/** Content is published by many at once and acknowledged when it is durable: the hub, and its bare store, in turns. */
export async function publishContent(plan: Publishing, rounds: number): Promise<Result> {
  const { publishers, updates, bytes } = plan;
  const callbacks = await Callbacks.start({ callbacks: 1, origins: 1, bytes, delayMs: 0 });
  const hub = await HubProcess.start();
  const store = HelperProcess.start('./store-process.js');
  const results = { hub: [] as Round[], store: [] as Round[] };
  const latencies: number[] = [];
  const problems: string[] = [];
  try {
    await store.ask({ name: 'open' });
    // Of all that is published one topic is delivered, so that it can be seen that it was.
    await subscribeAll(hub, callbacks.urls, [topicOf(0, TOPICS)]);
    for (let round = -1; round < rounds; round++) {
      const first = (round + 1) * updates;
      const before = await cpuMsOf(hub.pid);
      const ms = await publishFrom(hub.url, first, plan, round < 0 ? [] : latencies);
      const expected = Array.from({ length: updates }, (_each, n) => first + n).filter(
        (n) => n % TOPICS === 0,
      );
      await callbacks.await(expected.length);
      const cpuMs = (await cpuMsOf(hub.pid)) - before;
      const { arrivals, problems: wrong } = await callbacks.collect();
      problems.push(...wrong);
      if (new Set(arrivals.map(({ update }) => update)).size !== expected.length)
        problems.push('updates are missing');
      const storeBefore = await cpuMsOf(store.pid);
      const storeMs = await store.ask<number>({
        name: 'append',
        first,
        updates,
        topics: TOPICS,
        bytes,
        atOnce: publishers,
      });
      const storeCpuMs = (await cpuMsOf(store.pid)) - storeBefore;
      if (round < 0) continue;
      results.hub.push(roundOf(cpuMs, ms, updates));
      results.store.push(roundOf(storeCpuMs, storeMs, updates));
    }
    await store.ask({ name: 'close', keep: false });
  } finally {
    await Promise.all([callbacks.stop(), hub.stop(), store.stop()]);
  }
  const ratioOf = (of: keyof Round): Result['ratios'][0]['value'] =>
    spreadOf(results.hub.map((each, n) => each[of] / (results.store[n]?.[of] ?? NaN)));
  return {
    bench: 'publish',
    scenario: `content of ${bytes} bytes, ${publishers} publishers at once, acknowledged durable`,
    unit: 'publication',
    rounds,
    figures: [
      { who: 'hub', ...spreads(results.hub), latency: latencyOf(latencies) },
      { who: 'bare store', ...spreads(results.store) },
    ],
    ratios: [
      { name: "rate ÷ the store's own group commits", value: ratioOf('rate') },
      { name: 'CPU per publication ÷ bare store', value: ratioOf('cpuUs') },
    ],
    problems,
  };
}

async function publishFrom(
  hubUrl: string,
  first: number,
  { publishers, updates, bytes }: Publishing,
  latencies: number[],
): Promise<number> {
  const publisher = new Publisher(hubUrl);
  const startedAt = performance.now();
  await forEachOf(
    Array.from({ length: updates }, (_each, n) => first + n),
    async (update) => {
      const sentAt = performance.now();
      await publisher.publish(topicOf(update, TOPICS), contentOf(update, bytes));
      latencies.push(performance.now() - sentAt);
    },
    publishers,
  );
  const ms = performance.now() - startedAt;
  await publisher.stop();
  return ms;
}

/** Topics are pinged, fetched and delivered: the hub next to the bare store, which appends as many entries. */
export async function publishByPing(plan: Publishing, rounds: number): Promise<Result> {
  const { publishers, updates, bytes } = plan;
  const topicServer = HelperProcess.start('./topics-process.js');
  const origin = await topicServer.ask<string>({ name: 'listen', bytes });
  const topics = Array.from({ length: TOPICS }, (_each, n) => `${origin}/topics/${n}`);
  const callbacks = await Callbacks.start({ callbacks: TOPICS, origins: TOPICS, bytes, delayMs: 0 });
  const hub = await HubProcess.start();
  const store = HelperProcess.start('./store-process.js');
  const results = { hub: [] as Round[], store: [] as Round[] };
  const problems: string[] = [];
  let fetched = 0;
  try {
    await store.ask({ name: 'open' });
    await subscribeAll(hub, callbacks.urls, topics);
    for (let round = -1; round < rounds; round++) {
      const before = await cpuMsOf(hub.pid);
      const startedAt = performance.now();
      const publisher = new Publisher(hub.url);
      await forEachOf(
        Array.from({ length: updates }, (_each, n) => n),
        (n) => publisher.ping(topics[n % TOPICS] ?? ''),
        publishers,
      );
      await publisher.stop();
      const given = await settled(() => topicServer.ask<number>({ name: 'given' }));
      // Pings of one topic that come together are one fetch: what was fetched is what has to be delivered.
      await callbacks.await(given - fetched);
      const ms = performance.now() - startedAt - QUIET_MS;
      const cpuMs = (await cpuMsOf(hub.pid)) - before;
      const { arrivals, problems: wrong } = await callbacks.collect();
      problems.push(...wrong);
      if (arrivals.length !== given - fetched)
        problems.push(`${arrivals.length} deliveries of ${given - fetched} contents`);
      const appended = {
        first: fetched,
        updates: given - fetched,
        topics: TOPICS,
        bytes,
        atOnce: publishers,
      };
      const storeBefore = await cpuMsOf(store.pid);
      const storeMs = await store.ask<number>({ name: 'append', ...appended });
      const storeCpuMs = (await cpuMsOf(store.pid)) - storeBefore;
      if (round >= 0) {
        results.hub.push(roundOf(cpuMs, ms, updates));
        results.store.push(roundOf(storeCpuMs, storeMs, given - fetched));
      }
      fetched = given;
    }
    await store.ask({ name: 'close', keep: false });
  } finally {
    await Promise.all([topicServer.stop(), callbacks.stop(), hub.stop(), store.stop()]);
  }
  return {
    bench: 'publish',
    scenario: `pings of ${TOPICS} topics by ${publishers} publishers, fetched, stored and delivered`,
    unit: 'ping',
    rounds,
    figures: [
      { who: 'hub', ...spreads(results.hub) },
      { who: 'bare store', ...spreads(results.store) },
    ],
    ratios: [
      {
        name: 'CPU per ping ÷ append of the bare store',
        value: spreadOf(results.hub.map(({ cpuUs }, n) => cpuUs / (results.store[n]?.cpuUs ?? NaN))),
      },
    ],
    problems,
  };
}

const QUIET_MS = 300;

/** The number when it has not changed for a while. */
async function settled(read: () => Promise<number>): Promise<number> {
  let last = -1;
  // Ends when nothing is fetched any more.
  for (;;) {
    const now = await read();
    if (now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
}

function roundOf(cpuMs: number, ms: number, updates: number): Round {
  return { cpuUs: (cpuMs * 1_000) / updates, rate: (updates * 1_000) / ms };
}

function spreads(rounds: readonly Round[]): {
  cpuUs: ReturnType<typeof spreadOf>;
  rate: ReturnType<typeof spreadOf>;
} {
  return {
    cpuUs: spreadOf(rounds.map(({ cpuUs }) => cpuUs)),
    rate: spreadOf(rounds.map(({ rate }) => rate)),
  };
}
