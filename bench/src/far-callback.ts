import { Callbacks } from './callbacks.js';
import { latencyOf, spreadOf } from './figures.js';
import { HubProcess } from './hub-process.js';
import { cpuMsOf, sharedNow } from './process.js';
import { forEachOf, Publisher } from './publisher.js';
import type { Figures, Result } from './result.js';
import { subscribeAll } from './subscribe-all.js';
import { contentOf, topicOf } from './update.js';

export interface FarCallback {
  readonly callbacks: number;
  /** Published all at once. */
  readonly updates: number;
  readonly bytes: number;
  /** Milliseconds until a callback answers. */
  readonly delayMs: number;
}

export const FAR: FarCallback = { callbacks: 10, updates: 200, bytes: 1_024, delayMs: 50 };

/** Those by which everybody is given everything. */
const POLICIES = ['every', 'unordered'] as const;
type Policy = (typeof POLICIES)[number];

const TOPIC = topicOf(0, 1);

interface Round {
  readonly cpuUs: number;
  readonly rate: number;
  readonly latencies: readonly number[];
}

/** One topic that is faster than its callbacks answer: the same hub with the one policy and the other, in turns. */
export async function farCallback(plan: FarCallback, rounds: number): Promise<Result> {
  const callbacks = await Callbacks.start({ ...plan, origins: plan.callbacks });
  const hub = await HubProcess.start();
  try {
    await subscribeAll(hub, callbacks.urls, [TOPIC]);
    const course = new Course(plan, hub, callbacks);
    const results: Record<Policy, Round[]> = { every: [], unordered: [] };
    for (let round = -1; round < rounds; round++)
      for (const policy of POLICIES) {
        const result = await course.round(policy);
        // The first opens the connections and warms the code.
        if (round >= 0) results[policy].push(result);
      }
    const { every, unordered } = results;
    const ratioOf = (of: 'cpuUs' | 'rate'): Result['ratios'][0]['value'] =>
      spreadOf(unordered.map((each, n) => each[of] / (every[n]?.[of] ?? NaN)));
    return {
      bench: 'far-callback',
      scenario: `1 × ${plan.callbacks}, each takes ${plan.delayMs} ms, ${plan.updates} updates at once`,
      unit: 'delivery',
      rounds,
      figures: POLICIES.map((policy) => figuresOf(policy, results[policy])),
      ratios: [
        { name: 'deliveries per second, unordered ÷ every', value: ratioOf('rate') },
        { name: 'CPU per delivery, unordered ÷ every', value: ratioOf('cpuUs') },
      ],
      problems: course.problems,
    };
  } finally {
    await Promise.all([callbacks.stop(), hub.stop()]);
  }
}

class Course {
  readonly problems: string[] = [];
  readonly #plan: FarCallback;
  readonly #hub: HubProcess;
  readonly #callbacks: Callbacks;
  #updates = 0;

  constructor(plan: FarCallback, hub: HubProcess, callbacks: Callbacks) {
    this.#plan = plan;
    this.#hub = hub;
    this.#callbacks = callbacks;
  }

  async round(policy: Policy): Promise<Round> {
    const { updates, bytes } = this.#plan;
    const publisher = new Publisher(this.#hub.url);
    await publisher.setPolicy(TOPIC, policy);
    const expected = updates * this.#plan.callbacks;
    const before = await cpuMsOf(this.#hub.pid);
    const startedAt = sharedNow();
    await forEachOf(
      Array.from({ length: updates }, () => this.#updates++),
      (update) => publisher.publish(TOPIC, contentOf(update, bytes)),
    );
    await this.#callbacks.await(expected);
    const cpuMs = (await cpuMsOf(this.#hub.pid)) - before;
    await publisher.stop();
    const { arrivals, problems } = await this.#callbacks.collect();
    this.problems.push(...problems);
    if (arrivals.length !== expected) this.problems.push(`${arrivals.length} deliveries`);
    const latencies = arrivals.map(({ at }) => at - startedAt);
    const takenMs = latencies.reduce((most, each) => Math.max(most, each), 0);
    return { cpuUs: (cpuMs * 1_000) / expected, rate: (expected * 1_000) / takenMs, latencies };
  }
}

function figuresOf(who: string, rounds: readonly Round[]): Figures {
  return {
    who,
    cpuUs: spreadOf(rounds.map(({ cpuUs }) => cpuUs)),
    rate: spreadOf(rounds.map(({ rate }) => rate)),
    latency: latencyOf(rounds.flatMap(({ latencies }) => latencies)),
  };
}
