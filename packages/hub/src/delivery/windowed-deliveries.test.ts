import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Position } from '../log/log.js';
import { MOST_OPEN } from '../subscription/window.js';
import { Delivering } from './delivering.sample.js';
import type { Request } from './life.sample.js';

const FAR = 'https://far.example/callback';
const HOUR = 3_600_000;
/** Of the property; `npm run chaos` takes many more. */
const RUNS = Number(process.env['WINDOW_RUNS'] ?? 40);

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

async function delivering(count: number, options: ConstructorParameters<typeof Delivering>[0] = {}) {
  const world = new Delivering(options);
  world.subscribe();
  await world.publish(...numbers(1, count));
  await world.widen();
  return world;
}

describe('a topic whose policy is unordered', () => {
  it('LAW 3: has 32 requests in flight to a callback, and no 33rd until one is answered', async () => {
    const world = await delivering(40);
    expect(world.sent).toEqual(numbers(1, 32));
    await world.answer('9', 204);
    expect(world.sent.at(-1)).toBe('33');
    expect(world.inFlight).toHaveLength(32);
  });

  it('goes on while an entry waits with its own patience, and tells with each how often it was tried', async () => {
    const world = await delivering(2);
    await world.answer('1', 500);
    await world.answer('2', 204);
    for (const entry of numbers(3, 60)) {
      await world.publish(entry);
      expect(world.sent).toEqual([entry]);
      await world.answer(entry, 204);
    }
    await world.pass(1_000);
    expect(world.inFlight).toMatchObject([{ entry: '1', attempt: 2 }]);
    await world.answer('1', 500);
    await world.publish('61');
    expect(world.inFlight).toMatchObject([{ entry: '61', attempt: 1 }]);
    await world.answer('61', 204);
    await world.pass(5_000);
    expect(world.inFlight).toMatchObject([{ entry: '1', attempt: 3 }]);
    await world.answer('1', 500);
    await world.pass(25_000);
    await world.answer('1', 500);
    expect(world.letters).toMatchObject([{ entry: '1', reason: 'gave-up', attempts: 4 }]);
    expect(world.recipient().window).toBeUndefined();
    expect(world.recipient().isCaughtUp).toBe(true);
  });

  it('LAW 7: leaves a quarter of the slots of its host to others, also when nothing is answered', async () => {
    const world = await delivering(40, { perHost: 8 });
    expect(world.inFlight).toHaveLength(1 + 6);
    world.subscribe('https://far.example/other');
    await world.widen();
    expect(world.inFlight.filter(({ callback }) => callback !== FAR)).toHaveLength(1);
  });

  it('LAW 7: waits behind others of its host for each turn', async () => {
    const world = new Delivering({ perHost: 4 });
    for (const name of ['a', 'b', 'c']) world.subscribe(`https://far.example/${name}`);
    await world.publish(...numbers(1, 20));
    expect(world.inFlight.map(({ callback, entry }) => `${callback.at(-1)}${entry}`)).toEqual([
      'a1',
      'b1',
      'c1',
      'a2',
    ]);
  });

  it('sends nothing while the callback asks for room, whatever was in flight meanwhile succeeds', async () => {
    const world = await delivering(34, { perHost: 8, patience: { overloadFloorMs: 0 } });
    await world.answer('1', 429, 10_000);
    for (const entry of world.sent) await world.answer(entry, 204);
    await world.pass(9_000);
    expect(world.sent).toEqual([]);
    await world.pass(6_000);
    await world.widen();
    expect(world.sent).toContain('1');
    expect(world.inFlight).toHaveLength(7);
  });

  it('tries one at a time while the callback fails, and then no oftener than with a single entry', async () => {
    const world = await delivering(40);
    for (const entry of world.sent) await world.answer(entry, 500);
    let tried = 0;
    for (let second = 0; second < 60; second++) {
      expect(world.inFlight.length).toBeLessThanOrEqual(1);
      for (const { entry } of world.inFlight) {
        tried++;
        await world.answer(entry, 500);
      }
      await world.pass(1_000);
    }
    // In order it would be four: after 1, 5 and 25 s.
    expect(tried).toBeLessThanOrEqual(8);
  });

  it('tells when it sends next while the callback fails, also when all that waits is due and waits for the callback', async () => {
    const world = await delivering(6);
    const waited: number[] = [];
    for (const entry of world.sent) await world.answer(entry, 500);
    while (waited.length < 5) {
      const [entry] = world.sent;
      if (entry !== undefined) {
        await world.answer(entry, 500);
        continue;
      }
      const now = world.clock.now();
      const waitMs = world.recipient().nextSending(now) - now;
      waited.push(waitMs);
      await world.pass(waitMs - 1);
      expect(world.sent).toEqual([]);
      await world.pass(1);
      expect(world.sent).toHaveLength(1);
    }
    expect(waited.every(Number.isFinite)).toBe(true);
  });

  it('gives what is new at once, however often what was passed over fails again', async () => {
    const world = await delivering(4);
    for (const entry of ['1', '2', '3']) await world.answer(entry, 500);
    await world.answer('4', 204);
    for (const waitMs of [1_500, 6_000]) {
      await world.pass(waitMs);
      while (world.sent.length > 0) await world.answer(world.sent[0]!, 500);
    }
    await world.publish('5');
    expect(world.sent).toEqual(['5']);
  });

  it('asks a callback that fails with what it was never given, before what failed', async () => {
    const world = await delivering(6);
    for (const entry of world.sent) await world.answer(entry, 500);
    await world.pass(1_000);
    while (world.sent.length > 0) await world.answer(world.sent[0]!, 500);
    await world.publish('7');
    expect(world.sent).toEqual([]);
    const now = world.clock.now();
    await world.pass(world.recipient().nextSending(now) - now);
    expect(world.sent).toEqual(['7']);
  });

  it('LAW 7: lets all that failed together count once against the origin', async () => {
    const world = await delivering(60, { breaker: true });
    for (const entry of world.sent) await world.answer(entry, 500);
    expect(world.life.deliveries.breakers).toEqual({ open: 0, probing: 0 });
  });

  it('sends again at once what waits, when the callback has answered something else', async () => {
    const world = await delivering(2);
    await world.answer('1', 500);
    await world.answer('2', 500);
    const recipient = world.recipient();
    world.life.deliveries.revive(recipient);
    world.life.attend(recipient);
    await world.pass();
    expect(world.inFlight).toMatchObject([
      { entry: '1', attempt: 2 },
      { entry: '2', attempt: 2 },
    ]);
  });

  it('ends with the first 410, and takes no notice of what is answered afterwards', async () => {
    const world = await delivering(40);
    await world.answer('5', 410);
    for (const entry of world.sent.slice()) await world.answer(entry, 500);
    expect(world.sent).toEqual([]);
    await world.pass(HOUR);
    expect(world.sent).toEqual([]);
    expect(world.letters).toEqual([]);
  });

  it('keeps back what is new while it is paused, and settles what was in flight', async () => {
    const world = await delivering(3);
    const recipient = world.recipient();
    const { subscription } = recipient;
    recipient.subscription = { ...subscription, lease: { ...subscription.lease!, pausedAt: 1 } };
    await world.answer('2', 204);
    await world.answer('1', 500);
    await world.answer('3', 204);
    await world.publish('4');
    await world.pass(HOUR);
    expect(world.sent).toEqual([]);
    recipient.subscription = subscription;
    world.life.attend(recipient);
    await world.pass();
    expect(world.sent).toEqual(['1', '4']);
  });

  it('gives up what waits when deliveries have failed for days, and tries each newer update once, alone', async () => {
    const world = await delivering(3, {
      patience: { suspendAfterMs: HOUR, retryDelaysMs: [HOUR, HOUR, HOUR] },
    });
    for (const entry of world.sent) await world.answer(entry, 500);
    await world.pass(HOUR);
    expect(world.inFlight).toMatchObject([{ attempt: 2 }]);
    await world.answer(world.sent[0]!, 500);
    await world.pass(HOUR);
    expect(new Set(world.letters.map(({ entry }) => entry))).toEqual(new Set(numbers(1, 3)));
    await world.publish(...numbers(4, 6));
    await world.pass(60_000);
    expect(world.sent).toEqual(['6']);
    await world.answer('6', 204);
    await world.publish('7', '8');
    expect(world.sent).toEqual(['7', '8']);
    expect(world.letters.slice(3)).toMatchObject([
      { entry: '4', reason: 'skipped' },
      { entry: '5', reason: 'skipped' },
    ]);
  });

  it('gives everything again after a place that an operator names, once what was in flight has landed', async () => {
    const world = await delivering(5);
    await world.answer('1', 500);
    await world.answer('2', 204);
    const recipient = world.recipient();
    const second = recipient.window!.open.find(({ position }) => position > 2)!.after;
    await world.life.deliveries.rewind(recipient, second);
    expect(world.sent).toEqual(['3', '4', '5']);
    for (const entry of ['3', '4']) await world.answer(entry, 204);
    expect(world.sent).toEqual(['5']);
    await world.answer('5', 204);
    expect(world.sent).toEqual(['3', '4', '5']);
    await world.pass(1_000);
    expect(world.sent).toEqual(['3', '4', '5', '1']);
  });

  it('waits as long as before when the clock jumps', async () => {
    const world = await delivering(1);
    await world.answer('1', 500);
    const recipient = world.recipient();
    expect(recipient.shift(HOUR)).toBe(true);
    expect(recipient.nextDue(world.clock.now())).toBe(world.clock.now() + 1_000 + HOUR);
  });

  it('LAW 12: has a dead letter for what retention removes from its window, and goes on', async () => {
    const world = await delivering(2);
    await world.answer('1', 500);
    await world.answer('2', 204);
    await world.life.log.trim({ ageMs: Infinity, count: 1, bytes: Infinity }, world.clock.now());
    await world.pass(1_000);
    expect(world.letters).toMatchObject([{ entry: null, reason: 'trimmed', attempts: 1 }]);
    expect(world.recipient().isCaughtUp).toBe(true);
  });
});

it('a subscription that is never delivered to without order has no room for a window', async () => {
  const world = new Delivering();
  world.policy = 'every';
  const recipient = world.subscribe();
  await world.publish('1', '2');
  await world.answer('1', 500);
  await world.pass(1_000);
  await world.answer('1', 204);
  await world.answer('2', 204);
  expect(recipient.isCaughtUp).toBe(true);
  expect(Object.hasOwn(recipient, 'window')).toBe(false);
});

describe('what is damaged in the log', () => {
  it('LAW 12: has a dead letter, whether it was to be given for the first time or again, and holds up nothing', async () => {
    const world = await delivering(40);
    await world.answer('1', 500);
    world.damage('1');
    world.damage('35');
    await world.pass(60);
    world.crash();
    await world.widen();
    while (world.inFlight.length > 0) await world.answer(world.sent[0]!, 204);
    await world.pass(1_000);
    while (world.inFlight.length > 0) await world.answer(world.sent[0]!, 204);
    expect(world.letters).toMatchObject([
      { entry: '35', reason: 'corrupt', attempts: 0 },
      { entry: '1', reason: 'corrupt', attempts: 1 },
    ]);
    expect(world.recipient().isCaughtUp).toBe(true);
  });
});

describe('a topic whose policy changes', () => {
  it('from unordered to every: nothing later is sent before everything earlier is settled', async () => {
    const world = await delivering(4);
    world.policy = 'every';
    await world.publish('5', '6');
    await world.answer('2', 500);
    await world.answer('4', 204);
    await world.answer('1', 204);
    await world.answer('3', 500);
    await world.pass(999);
    expect(world.sent).toEqual([]);
    const order: string[] = [];
    for (let second = 0; second < 20; second++) {
      expect(world.inFlight.length).toBeLessThanOrEqual(1);
      for (const entry of world.sent.slice()) {
        order.push(entry);
        await world.answer(entry, 204);
      }
      await world.pass(1_000);
    }
    expect(order).toEqual(['2', '3', '5', '6']);
  });

  it('from unordered to every while the next is being read from the log: it waits, too', async () => {
    const world = await delivering(2);
    await world.restart((request) => request.answer(500));
    // After a start nothing is in memory.
    const recipient = world.recipient();
    await world.life.deliveries.rewind(recipient, recipient.window!.open[0]!.position);
    world.policy = 'every';
    await world.pass();
    expect(world.sent).toEqual([]);
    await world.pass(1_000);
    expect(world.sent).toEqual(['1']);
  });

  it('from every to unordered: what is in flight goes on, and what follows need not wait for it any longer', async () => {
    const world = new Delivering();
    world.policy = 'every';
    world.subscribe();
    await world.publish(...numbers(1, 5));
    await world.answer('1', 500);
    world.policy = 'unordered';
    await world.pass(1_000);
    expect(world.inFlight).toMatchObject([{ entry: '1', attempt: 2 }]);
    await world.answer('1', 204);
    await world.widen();
    expect(world.sent).toEqual(numbers(2, 5));
  });

  it('from unordered to latest: the newest is given, and nothing before what was given already', async () => {
    const world = await delivering(4);
    await world.answer('1', 500);
    for (const entry of ['2', '3', '4']) await world.answer(entry, 204);
    world.policy = 'latest';
    await world.publish('5', '6');
    expect(world.sent).toEqual(['6']);
    await world.answer('6', 204);
    await world.pass(HOUR);
    expect(world.sent).toEqual([]);
    expect(world.letters).toEqual([]);
  });
});

/** What a test knows of the entries beside the hub. */
interface Known {
  published: number;
  readonly acknowledged: Set<string>;
  /** Of those, since the last crash or rewind. */
  readonly fresh: Set<string>;
  /** In flight at a rewind: what they are answered counts no more. */
  readonly strays: Set<Request>;
  /** What was acknowledged when the hub was stopped gracefully: it must never be given again. */
  readonly kept: Set<string>;
  mostInFlight: number;
}

function watched(breaker: boolean) {
  const known: Known = {
    published: 0,
    acknowledged: new Set(),
    fresh: new Set(),
    strays: new Set(),
    kept: new Set(),
    mostInFlight: 0,
  };
  const wrongs: string[] = [];
  const onSend = ({ entry }: Request): void => {
    const same = world.sent.filter((other) => other === entry);
    if (same.length > 1) wrongs.push(`${entry} is in flight twice`);
    if (known.kept.has(entry)) wrongs.push(`${entry} is repeated although the hub was stopped gracefully`);
    known.mostInFlight = Math.max(known.mostInFlight, world.inFlight.length);
    if (world.policy !== 'every') return;
    const settled = [...known.acknowledged, ...world.letters.map((letter) => letter.entry)];
    const earlier = numbers(1, Number(entry) - 1).filter((other) => !settled.includes(other));
    if (earlier.length > 0) wrongs.push(`${entry} is sent although ${earlier.join()} is not settled`);
  };
  const world = new Delivering({ patience: { retryDelaysMs: [1_000, 2_000] }, breaker, onSend });
  world.subscribe();
  return { world, known, wrongs };
}

async function act(
  { world, known }: ReturnType<typeof watched>,
  action: string,
  choice: number,
): Promise<void> {
  const answer = (request: Request, status: number): void => {
    if (status === 204) {
      known.acknowledged.add(request.entry);
      if (!known.strays.has(request)) known.fresh.add(request.entry);
    }
    request.answer(status, status === 503 ? 500 : undefined);
  };
  switch (action) {
    case 'publish': {
      const ids = numbers(known.published + 1, known.published + 1 + (choice % 20));
      known.published += ids.length;
      await world.publish(...ids);
      return;
    }
    case 'succeed':
    case 'fail': {
      const chosen = world.inFlight.filter((_, index) => (index + choice) % 3 > 0);
      for (const request of chosen.toReversed())
        answer(request, action === 'succeed' ? 204 : choice % 5 === 0 ? 503 : 500);
      await world.pass();
      return;
    }
    case 'pass':
      await world.pass(choice * 50);
      return;
    case 'change':
      world.policy = choice % 2 === 0 ? 'every' : 'unordered';
      return;
    case 'rewind': {
      const recipient = world.recipient();
      await world.life.deliveries.rewind(recipient, Math.floor(recipient.reach / 2) as Position);
      for (const request of world.inFlight) known.strays.add(request);
      known.fresh.clear();
      known.kept.clear();
      return;
    }
    case 'crash':
      known.fresh.clear();
      world.crash();
      await world.pass();
      return;
    case 'restart':
      await world.restart((request) => answer(request, choice % 3 === 0 ? 500 : 204));
      for (const entry of known.fresh) known.kept.add(entry);
      await world.pass();
  }
}

it(
  'LAW 2, LAW 3, LAW 11: everything is given at least once and nothing twice at once, whatever is answered, crashes, stops or changes',
  async () => {
    const action = fc.constantFrom(
      'publish',
      'publish',
      'succeed',
      'succeed',
      'succeed',
      'fail',
      'pass',
      'pass',
      'change',
      'rewind',
      'crash',
      'restart',
    );
    const actions = fc.array(fc.tuple(action, fc.nat(100)), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), actions, async (breaker, taken) => {
        const scene = watched(breaker);
        const { world, known, wrongs } = scene;
        for (const [what, choice] of taken) await act(scene, what, choice);
        for (let round = 0; round < 200 && !world.recipient().isCaughtUp; round++) {
          await act(scene, 'succeed', 1);
          await act(scene, 'succeed', 2);
          await world.pass(30_000);
        }
        expect(wrongs).toEqual([]);
        expect(known.mostInFlight).toBeLessThanOrEqual(MOST_OPEN);
        const settled = new Set([...known.acknowledged, ...world.letters.map(({ entry }) => entry)]);
        expect(numbers(1, known.published).filter((entry) => !settled.has(entry))).toEqual([]);
        // Every slot was given back.
        world.policy = 'unordered';
        await act(scene, 'publish', 19);
        await act(scene, 'publish', 19);
        await world.widen();
        expect(world.inFlight).toHaveLength(MOST_OPEN);
      }),
      { numRuns: RUNS },
    );
  },
  20_000 + RUNS * 20,
);
