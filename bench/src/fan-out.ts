import { startBaseline, type Baseline, type Publishing } from './baseline.js';
import { Callbacks } from './callbacks.js';
import { Course, figuresOf, ratio, type FanOut, type Round } from './course.js';
import { spreadOf } from './figures.js';
import { HubProcess } from './hub-process.js';
import type { Ratio, Result } from './result.js';
import { seed } from './seed.js';
import { subscribeAll } from './subscribe-all.js';
import { topicOf } from './update.js';

export const FAN_OUTS: readonly FanOut[] = [
  { scenario: '1 × 1,000, 1 KB', callbacks: 1_000, topics: 1, origins: 50, bytes: 1_024, updates: 10 },
  { scenario: '1 × 10,000, 1 KB', callbacks: 10_000, topics: 1, origins: 200, bytes: 1_024, updates: 2 },
  {
    scenario: '1,000 × 10, 1 KB',
    callbacks: 10_000,
    topics: 1_000,
    origins: 50,
    bytes: 1_024,
    updates: 1_000,
  },
  { scenario: '1 × 1,000, 64 KB', callbacks: 1_000, topics: 1, origins: 50, bytes: 65_536, updates: 4 },
  {
    scenario: '1 × 1,000, each takes 50 ms',
    callbacks: 1_000,
    topics: 1,
    origins: 50,
    bytes: 1_024,
    updates: 3,
    delayMs: 50,
  },
  {
    scenario: '1 × 2,000, as many origins',
    callbacks: 2_000,
    topics: 1,
    origins: 2_000,
    bytes: 1_024,
    updates: 4,
  },
];

/** How soon the first of many callbacks is reached. */
export const FIRST_DELIVERIES: readonly FanOut[] = [1_000, 10_000, 100_000].map((callbacks) => ({
  scenario: `1 × ${callbacks.toLocaleString('en')}, 1 KB`,
  callbacks,
  topics: 1,
  origins: 200,
  bytes: 1_024,
  updates: callbacks > 10_000 ? 1 : 3,
}));

/** The hub delivers next to bad callbacks, and is compared with itself without them. */
export const BAD_NEIGHBOURS: FanOut = {
  scenario: '1 × 1,000, 10 % hang and 10 % refuse',
  callbacks: 1_000,
  topics: 1,
  origins: 50,
  bytes: 1_024,
  updates: 1,
  hanging: 0.1,
  refusing: 0.1,
};

const MOST_SUBSCRIBED = 10_000;

/** The connections that the hub opens to one origin for deliveries, in `--dev`. */
const PER_ORIGIN = 64;

interface Turns {
  /** Of each party, the hub first. */
  readonly results: readonly (readonly Round[])[];
  /** Milliseconds that the hub's event loop was late, the 99th percentile of each round. */
  readonly delays: readonly number[];
  readonly problems: readonly string[];
}

/** The hub, a bare hub on raw sockets, and loops over undici's dispatch and request deliver each update to many callbacks, in turns. */
export async function fanOut(plan: FanOut, rounds: number): Promise<Result> {
  const { results, delays, problems } = await inTurns(plan, rounds, [
    'limit',
    'dispatch loop',
    'request loop',
  ]);
  const [hub = [], limit = [], dispatch = [], request = []] = results;
  return {
    bench: 'fan-out',
    scenario: plan.scenario,
    unit: 'delivery',
    rounds,
    figures: [
      figuresOf('hub', hub),
      figuresOf('limit', limit),
      figuresOf('dispatch loop', dispatch),
      figuresOf('request loop', request),
    ],
    ratios: [
      { name: 'CPU per delivery ÷ limit', value: ratio(hub, limit, 'cpuUs') },
      { name: 'CPU per delivery of the dispatch loop ÷ limit', value: ratio(dispatch, limit, 'cpuUs') },
      { name: 'CPU per delivery of the request loop ÷ limit', value: ratio(request, limit, 'cpuUs') },
      { name: 'deliveries per second ÷ dispatch loop', value: ratio(hub, dispatch, 'rate') },
      { name: 'deliveries per second ÷ request loop', value: ratio(hub, request, 'rate') },
      { name: 'time to the last ÷ limit', value: ratio(hub, limit, 'lastMs') },
      { name: 'connections opened per delivery', value: spreadOf(hub.map(({ connections }) => connections)) },
      ...responsiveness(hub, limit, delays),
    ],
    problems,
  };
}

/** How soon the first of many callbacks is reached, and what else the hub does meanwhile. */
export async function firstDelivery(plan: FanOut, rounds: number): Promise<Result> {
  const { results, delays, problems } = await inTurns(plan, rounds, ['limit']);
  const [hub = [], limit = []] = results;
  return {
    bench: 'first-delivery',
    scenario: plan.scenario,
    unit: 'delivery',
    rounds,
    figures: [figuresOf('hub', hub), figuresOf('limit', limit)],
    ratios: responsiveness(hub, limit, delays),
    problems,
  };
}

function responsiveness(hub: readonly Round[], limit: readonly Round[], delays: readonly number[]): Ratio[] {
  return [
    { name: 'ms from publication to first delivery', value: spreadOf(hub.map(({ firstMs }) => firstMs)) },
    { name: 'the same of the limit', value: spreadOf(limit.map(({ firstMs }) => firstMs)) },
    { name: "ms that the hub's event loop is late, p99", value: spreadOf(delays) },
    { name: 'MiB that memory rose, at most', value: spreadOf(hub.map(({ risenMib }) => risenMib)) },
  ];
}

/** The first round of each party opens connections and warms the code, and does not count. */
async function inTurns(plan: FanOut, rounds: number, baselines: readonly Baseline[]): Promise<Turns> {
  const callbacks = await Callbacks.start({ delayMs: 0, ...plan });
  const topics = Array.from({ length: plan.topics }, (_each, n) => topicOf(n, plan.topics));
  const baseline = { callbacks: callbacks.urls, topics, perOrigin: PER_ORIGIN };
  // Asking a hundred thousand callbacks for their intent is another measurement.
  const seeded = plan.callbacks > MOST_SUBSCRIBED;
  const hub = await HubProcess.start(seeded ? (folder) => seed(folder, callbacks.urls, topics) : undefined);
  const parties: Publishing[] = [hub];
  try {
    if (!seeded) await subscribeAll(hub, callbacks.urls, topics);
    for (const kind of baselines) parties.push(await startBaseline(kind, baseline));
    const course = new Course(plan, callbacks);
    const results = parties.map((): Round[] => []);
    const delays: number[] = [];
    for (let round = -1; round < rounds; round++)
      for (const [n, party] of parties.entries()) {
        if (party === hub) await hub.loopDelayMs();
        const result = await course.round(party);
        if (party === hub && round >= 0) delays.push(await hub.loopDelayMs());
        if (round >= 0) results[n]!.push(result);
      }
    return { results, delays, problems: course.problems };
  } finally {
    await Promise.all([callbacks.stop(), ...parties.map((party) => party.stop())]);
  }
}

/** The last healthy delivery next to callbacks that hang or refuse, compared with the same hub before they did. */
export async function badNeighbours(plan: FanOut, rounds: number): Promise<Result> {
  const callbacks = await Callbacks.start({ delayMs: 0, ...plan });
  const topics = [topicOf(0, 1)];
  const hub = await HubProcess.start();
  try {
    await subscribeAll(hub, callbacks.urls, topics);
    const course = new Course(plan, callbacks);
    await course.round(hub);
    const well: Round[] = [];
    for (let round = 0; round < rounds; round++) well.push(await course.round(hub));
    const hanging = Math.round(plan.origins * (plan.hanging ?? 0));
    const bad = hanging + Math.round(plan.origins * (plan.refusing ?? 0));
    const numbers = Array.from({ length: bad }, (_each, n) => n);
    await callbacks.behave(numbers.slice(0, hanging), 'hang');
    await callbacks.behave(numbers.slice(hanging), 'refuse');
    const healthy = (plan.callbacks / plan.origins) * (plan.origins - bad);
    const beside: Round[] = [];
    for (let round = 0; round < rounds; round++) beside.push(await course.round(hub, healthy));
    return {
      bench: 'fan-out',
      scenario: plan.scenario,
      unit: 'delivery',
      rounds,
      figures: [figuresOf('with none', well), figuresOf('beside', beside)],
      ratios: [
        { name: 'last healthy delivery ÷ the same hub with none', value: ratio(beside, well, 'lastMs') },
      ],
      problems: course.problems,
    };
  } finally {
    await Promise.all([callbacks.stop(), hub.stop()]);
  }
}
