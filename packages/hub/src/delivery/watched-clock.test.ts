import { TestClock } from '@websub/shared';
import { expect, it } from 'vitest';
import { WatchedClock } from './watched-clock.js';

const HOUR = 3_600_000;

function watched() {
  const time = new TestClock();
  const jumps: number[] = [];
  let wall = 0;
  const clock = new WatchedClock(
    {
      now: () => time.now() + wall,
      monotonic: () => time.monotonic(),
      idle: () => time.idle(),
      after: (ms, action) => time.after(ms, action),
    },
    (byMs) => jumps.push(byMs),
  );
  return { clock, time, jumps, jump: (byMs: number) => (wall += byMs) };
}

it('a jump is told once, before the new time is given', () => {
  const { clock, jumps, jump } = watched();
  const before = clock.now();
  for (const byMs of [HOUR, -2 * HOUR, 11 * 24 * HOUR]) {
    jump(byMs);
    clock.now();
    clock.now();
  }
  expect(jumps).toEqual([HOUR, -2 * HOUR, 11 * 24 * HOUR]);
  expect(clock.now() - before).toBe(HOUR - 2 * HOUR + 11 * 24 * HOUR);
});

it('a jump back that a pause of the process hides is told within a second', async () => {
  const { clock, time, jumps, jump } = watched();
  clock.now();
  await time.advance(HOUR);
  jump(-HOUR);
  expect([clock.now(), jumps]).toEqual([expect.any(Number), []]);
  await time.advance(1_000);
  clock.now();
  expect(jumps).toEqual([-HOUR]);
});

it('time that passes, and small corrections, are no jump', async () => {
  const { clock, time, jumps, jump } = watched();
  for (let n = 0; n < 100; n++) {
    await time.advance(HOUR);
    jump(900);
    clock.now();
  }
  expect(jumps).toEqual([]);
});
