import { describe, expect, it } from 'vitest';
import { Delivering } from './delivering.sample.js';
import type { Request } from './life.sample.js';

const HEALTHY = 'https://shared.example/healthy';

/** Eight callbacks of one host have failed, and are tried again: they hang. */
async function hangingAgain(): Promise<Delivering> {
  const world = new Delivering({ perHost: 4 });
  world.policy = 'every';
  for (let nth = 0; nth < 8; nth++) world.subscribe(`https://shared.example/${nth}`);
  await world.publish('first');
  await world.widen();
  while (world.inFlight.length > 0) await answerOne(world, 500);
  await world.pass(1_000);
  await world.widen();
  return world;
}

async function answerOne(world: Delivering, status: number): Promise<Request> {
  const [request] = world.inFlight;
  if (request === undefined) throw new Error('nothing is in flight');
  request.answer(status);
  await world.pass();
  return request;
}

describe('callbacks whose last delivery failed', () => {
  it('LAW 7 hold half of the slots of their host, however many of them are tried again', async () => {
    const world = await hangingAgain();
    expect(world.inFlight).toHaveLength(2);
    world.subscribe(HEALTHY);
    for (let nth = 0; nth < 3; nth++) {
      await world.pass();
      const request = world.inFlight.find(({ callback }) => callback === HEALTHY);
      expect(request?.attempt).toBe(1);
      request?.answer(204);
      await world.publish(`next ${nth}`);
    }
  });

  it('LAW 7 are all tried, in their turn, and one that succeeds is no longer among them', async () => {
    const world = await hangingAgain();
    const tried: Request[] = [];
    while (tried.length < 8) tried.push(await answerOne(world, 204));
    expect(new Set(tried.map(({ callback }) => callback)).size).toBe(8);
    expect(tried.map(({ attempt }) => attempt)).toEqual(Array<number>(8).fill(2));
    await world.publish('second');
    await world.widen();
    expect(world.inFlight).toHaveLength(4);
  });

  it('LAW 8 keep no slot while they are spared with their origin, nor when they end meanwhile', async () => {
    const world = new Delivering({ perHost: 2, breaker: true });
    world.policy = 'every';
    const recipients = Array.from({ length: 30 }, (_, nth) =>
      world.subscribe(`https://shared.example/${nth}`),
    );
    await world.publish('first');
    while (world.inFlight.length > 0) await answerOne(world, 500);
    await world.pass(2_000);
    const spared = recipients.find(({ delivery, failure }) => delivery === 'held' && failure !== null);
    if (spared === undefined) throw new Error('the origin is not spared');
    world.life.end(spared);
    const delivered = new Set<string>();
    for (let minute = 0; minute < 30; minute++) {
      await world.pass(60_000);
      while (world.inFlight.length > 0) delivered.add((await answerOne(world, 204)).callback);
    }
    expect(delivered.size).toBe(29);
    expect([world.life.deliveries.waiting, world.life.deliveries.inFlight]).toEqual([0, 0]);
  });
});
