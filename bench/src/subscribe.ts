import { Callbacks } from './callbacks.js';
import { spreadOf } from './figures.js';
import { HubProcess } from './hub-process.js';
import { cpuMsOf, HelperProcess } from './process.js';
import { forEachOf, Publisher } from './publisher.js';
import type { Result } from './result.js';
import { subscribeAll } from './subscribe-all.js';
import { contentOf, topicOf } from './update.js';

export interface Subscribing {
  /** Of one round; their subscribers are 64 at a time. */
  readonly subscriptions: number;
  readonly origins: number;
}

export const SUBSCRIBING: Subscribing = { subscriptions: 4_000, origins: 50 };
const TOPICS = 64;
const BYTES = 1_024;

interface Round {
  readonly cpuUs: number;
  readonly rate: number;
}

/**
 * Callbacks subscribe with a secret, are asked for their intent and confirm: the hub, and its bare store that stores each
 * subscription as asked for and as verified, in turns. In the end each is given an update, which shows that it counts.
 */
export async function subscribing({ subscriptions, origins }: Subscribing, rounds: number): Promise<Result> {
  const all = subscriptions * (rounds + 1);
  const callbacks = await Callbacks.start({ callbacks: all, origins, bytes: BYTES, delayMs: 0 });
  const hub = await HubProcess.start();
  const store = HelperProcess.start('./store-process.js');
  const topics = Array.from({ length: TOPICS }, (_each, n) => topicOf(n, TOPICS));
  const results = { hub: [] as Round[], store: [] as Round[] };
  const measured = async (pid: number, work: () => Promise<unknown>): Promise<Round> => {
    const before = await cpuMsOf(pid);
    const startedAt = performance.now();
    await work();
    const ms = performance.now() - startedAt;
    const cpuMs = (await cpuMsOf(pid)) - before;
    return { cpuUs: (cpuMs * 1_000) / subscriptions, rate: (subscriptions * 1_000) / ms };
  };
  try {
    await store.ask({ name: 'open' });
    for (let round = -1; round < rounds; round++) {
      const first = (round + 1) * subscriptions;
      const ofHub = await measured(hub.pid, () =>
        subscribeAll(hub, callbacks.urls.slice(0, first + subscriptions), topics, first),
      );
      const ofStore = await measured(store.pid, () =>
        store.ask({
          name: 'subscribe',
          callbacks: callbacks.urls.slice(first, first + subscriptions),
          topics,
        }),
      );
      if (round < 0) continue;
      results.hub.push(ofHub);
      results.store.push(ofStore);
    }
    await store.ask({ name: 'close', keep: false });
    const publisher = new Publisher(hub.url);
    await forEachOf(topics.entries(), ([n, topic]) => publisher.publish(topic, contentOf(n, BYTES)));
    await callbacks.await(all);
    await publisher.stop();
    const { problems } = await callbacks.collect();
    return {
      bench: 'subscribe',
      scenario: `${subscriptions.toLocaleString('en')} callbacks with secrets on ${origins} origins, asked and verified`,
      unit: 'subscription',
      rounds,
      figures: [figuresOf('hub', results.hub), figuresOf('bare store', results.store)],
      ratios: [
        {
          name: 'CPU per subscription ÷ bare store',
          value: spreadOf(results.hub.map(({ cpuUs }, n) => cpuUs / (results.store[n]?.cpuUs ?? NaN))),
        },
      ],
      problems,
    };
  } finally {
    await Promise.all([callbacks.stop(), hub.stop(), store.stop()]);
  }
}

function figuresOf(who: string, rounds: readonly Round[]): Result['figures'][0] {
  return {
    who,
    cpuUs: spreadOf(rounds.map(({ cpuUs }) => cpuUs)),
    rate: spreadOf(rounds.map(({ rate }) => rate)),
  };
}
