import { Callbacks } from './callbacks.js';
import { Course, figuresOf, ratio, type FanOut, type Round } from './course.js';
import { FAN_OUTS } from './fan-out.js';
import { spreadOf } from './figures.js';
import { HubProcess } from './hub-process.js';
import { memoryOf } from './process.js';
import type { Result } from './result.js';
import { subscribeAll } from './subscribe-all.js';
import { topicOf } from './update.js';

/** What many callbacks of one topic, few and many, and a large body take. */
export const DELIVERED_BY_WORKERS: readonly FanOut[] = FAN_OUTS.filter(({ scenario }) =>
  ['1 × 1,000, 1 KB', '1 × 10,000, 1 KB', '1 × 1,000, 64 KB'].includes(scenario),
);

/** Threads that deliver besides the hub's own; the first is what the others are compared with. */
const WORKERS: readonly number[] = [0, 1, 2];

/** One update reaches many callbacks: hubs that deliver in so many threads each, in turns. */
export async function workers(plan: FanOut, rounds: number, counts = WORKERS): Promise<Result> {
  const callbacks = await Callbacks.start({ delayMs: 0, ...plan });
  const topics = [topicOf(0, 1)];
  const hubs: HubProcess[] = [];
  try {
    for (const count of counts) {
      const hub = await HubProcess.start(undefined, count);
      hubs.push(hub);
      await subscribeAll(hub, callbacks.urls, topics);
    }
    const course = new Course(plan, callbacks);
    const results = hubs.map((): Round[] => []);
    for (let round = -1; round < rounds; round++)
      for (const [n, hub] of hubs.entries()) {
        const result = await course.round(hub);
        // The first opens the connections and warms the code.
        if (round >= 0) results[n]!.push(result);
      }
    const memory = await Promise.all(hubs.map(({ pid }) => memoryOf(pid)));
    const [none = []] = results;
    return {
      bench: 'workers',
      scenario: plan.scenario,
      unit: 'delivery',
      rounds,
      figures: results.map((each, n) => figuresOf(named(counts[n]), each)),
      ratios: results.flatMap((each, n) => [
        {
          name: `${named(counts[n])}: µs of its busiest thread per delivery`,
          value: spreadOf(each.map(({ busiestUs }) => busiestUs)),
        },
        { name: `${named(counts[n])}: MiB resident`, value: spreadOf([(memory[n]?.rss ?? NaN) / 1024 ** 2]) },
        ...(n === 0
          ? []
          : [
              { name: `${named(counts[n])}: deliveries per second ÷ none`, value: ratio(each, none, 'rate') },
              { name: `${named(counts[n])}: CPU per delivery ÷ none`, value: ratio(each, none, 'cpuUs') },
              {
                name: `${named(counts[n])}: CPU of the busiest thread ÷ none`,
                value: ratio(each, none, 'busiestUs'),
              },
            ]),
      ]),
      problems: course.problems,
    };
  } finally {
    await Promise.all([callbacks.stop(), ...hubs.map((hub) => hub.stop())]);
  }
}

function named(count: number | undefined): string {
  return count === 1 ? '1 worker' : `${count} workers`;
}
