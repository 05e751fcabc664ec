import type { Publishing } from './baseline.js';
import type { Callbacks } from './callbacks.js';
import { latencyOf, spreadOf, type Spread } from './figures.js';
import { cpuBetween, forgetPeak, memoryOf, sharedNow, threadCpuMsOf } from './process.js';
import { forEachOf, Publisher } from './publisher.js';
import type { Figures } from './result.js';
import { contentOf, topicOf } from './update.js';

export interface FanOut {
  readonly scenario: string;
  readonly callbacks: number;
  readonly topics: number;
  readonly origins: number;
  readonly bytes: number;
  /** Updates of one round, over all topics; those of one topic go one after the other. */
  readonly updates: number;
  /** Milliseconds until a callback answers. */
  readonly delayMs?: number;
  /** Shares of the origins. */
  readonly hanging?: number;
  readonly refusing?: number;
}

export interface Round {
  readonly cpuUs: number;
  /** Of the thread that used most: no more of it can be had by further processors. */
  readonly busiestUs: number;
  readonly rate: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly latencies: readonly number[];
  /** That were opened, for each delivery. */
  readonly connections: number;
  /** MiB by which the memory of the party rose meanwhile, at most. */
  readonly risenMib: number;
}

/** The rounds of one plan: each publishes what was never published before, and waits until all is delivered. */
export class Course {
  readonly problems: string[] = [];
  readonly #plan: FanOut;
  readonly #callbacks: Callbacks;
  #updates = 0;

  constructor(plan: FanOut, callbacks: Callbacks) {
    this.#plan = plan;
    this.#callbacks = callbacks;
  }

  /** `healthy`: the callbacks that are to be given each update. */
  async round(party: Publishing, healthy = this.#plan.callbacks): Promise<Round> {
    const { updates, topics, bytes, delayMs = 0 } = this.#plan;
    const perUpdate = healthy / topics;
    const publisher = new Publisher(party.url);
    const sentAt = new Map<number, number>();
    let published = 0;
    await forgetPeak(party.pid);
    const { rss } = await memoryOf(party.pid);
    const before = await threadCpuMsOf(party.pid);
    await forEachOf(
      Array.from({ length: updates }, () => this.#updates++),
      async (update) => {
        const content = contentOf(update, bytes);
        sentAt.set(update, sharedNow());
        await publisher.publish(topicOf(update, topics), content);
        published += 1;
        // With one topic each update is a measurement of its own; with many they are under way together.
        if (topics > 1) return;
        await this.#callbacks.await(published * perUpdate);
        // Who keeps the order sends the next update to a callback when it has answered this one.
        if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs * 2));
      },
      topics === 1 ? 1 : 64,
    );
    await this.#callbacks.await(updates * perUpdate);
    const used = cpuBetween(before, await threadCpuMsOf(party.pid));
    const risenMib = ((await memoryOf(party.pid)).peak - rss) / 2 ** 20;
    await publisher.stop();
    const { arrivals, problems, connections } = await this.#callbacks.collect();
    this.problems.push(...problems);
    if (arrivals.length !== updates * perUpdate) this.problems.push(`${arrivals.length} deliveries`);
    return { ...roundOf(used, arrivals, sentAt), connections: connections / arrivals.length, risenMib };
  }
}

function roundOf(
  used: ReturnType<typeof cpuBetween>,
  arrivals: readonly { readonly update: number; readonly at: number }[],
  sentAt: ReadonlyMap<number, number>,
): Omit<Round, 'connections' | 'risenMib'> {
  const latencies = arrivals.map(({ update, at }) => at - (sentAt.get(update) ?? NaN));
  const lastOf = new Map<number, number>();
  for (const { update, at } of arrivals) lastOf.set(update, Math.max(lastOf.get(update) ?? 0, at));
  const takenMs = busyMs([...lastOf].map(([update, last]) => [sentAt.get(update) ?? NaN, last]));
  return {
    cpuUs: (used.inAll * 1_000) / arrivals.length,
    busiestUs: (used.busiest * 1_000) / arrivals.length,
    rate: (arrivals.length * 1_000) / takenMs,
    firstMs: firstOf(arrivals, sentAt),
    lastMs: latencies.reduce((most, each) => Math.max(most, each), 0),
    latencies,
  };
}

/** From the publication to the first delivery, the median over the updates. */
function firstOf(
  arrivals: readonly { readonly update: number; readonly at: number }[],
  sentAt: ReadonlyMap<number, number>,
): number {
  const first = new Map<number, number>();
  for (const { update, at } of arrivals) if (!first.has(update)) first.set(update, at);
  return spreadOf([...first].map(([update, at]) => at - (sentAt.get(update) ?? NaN))).median;
}

/** How long anything was under way: spans that overlap count once. */
function busyMs(spans: readonly (readonly [number, number])[]): number {
  let sum = 0;
  let until = -Infinity;
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    sum += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return sum;
}

export function figuresOf(who: string, rounds: readonly Round[]): Figures {
  return {
    who,
    cpuUs: spreadOf(rounds.map(({ cpuUs }) => cpuUs)),
    rate: spreadOf(rounds.map(({ rate }) => rate)),
    latency: latencyOf(rounds.flatMap(({ latencies }) => latencies)),
  };
}

/** Round by round: the speed of a shared processor changes from one minute to the next, and takes both along. */
export function ratio(
  a: readonly Round[],
  b: readonly Round[],
  of: 'cpuUs' | 'busiestUs' | 'rate' | 'lastMs',
): Spread {
  return spreadOf(a.map((each, n) => each[of] / (b[n]?.[of] ?? NaN)));
}
