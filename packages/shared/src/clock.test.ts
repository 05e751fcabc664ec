import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock, TestClock } from './clock.js';

const DAY_MS = 86_400_000;

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'],
      now: Date.UTC(2026, 0, 1),
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells the time of the wall and one that only grows', () => {
    expect(systemClock.now()).toBe(Date.UTC(2026, 0, 1));
    const before = systemClock.monotonic();
    vi.advanceTimersByTime(1234);
    expect(systemClock.now()).toBe(Date.UTC(2026, 0, 1) + 1234);
    expect(systemClock.monotonic() - before).toBe(1234);
    vi.setSystemTime(0);
    expect(systemClock.monotonic() - before).toBe(1234);
  });

  it.each([1, 1000, DAY_MS, 2 ** 31 - 1, 2 ** 31, 25 * DAY_MS, 30 * DAY_MS, 90 * DAY_MS])(
    'calls once after %i ms and not before',
    (delayMs) => {
      const action = vi.fn<() => void>();
      systemClock.after(delayMs, action);
      vi.advanceTimersByTime(delayMs - 1);
      expect(action).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(action).toHaveBeenCalledTimes(1);
      vi.advanceTimersByTime(100 * DAY_MS);
      expect(action).toHaveBeenCalledTimes(1);
    },
  );

  it.each([0.4, 1.5, 999.001])('does not call before %d ms are over', (delayMs) => {
    const action = vi.fn<() => void>();
    systemClock.after(delayMs, action);
    vi.advanceTimersByTime(Math.floor(delayMs));
    expect(action).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(action).toHaveBeenCalledTimes(1);
  });

  it.each([0, -1, -Infinity])('calls soon after %d ms, but not within the call', (delayMs) => {
    const action = vi.fn<() => void>();
    systemClock.after(delayMs, action);
    expect(action).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(action).toHaveBeenCalledTimes(1);
  });

  it('never calls after an endless delay', () => {
    const action = vi.fn<() => void>();
    const cancel = systemClock.after(Infinity, action);
    vi.advanceTimersByTime(400 * DAY_MS);
    expect(action).not.toHaveBeenCalled();
    cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends a timer of 30 days, also on its way', () => {
    const action = vi.fn<() => void>();
    const early = systemClock.after(30 * DAY_MS, action);
    const late = systemClock.after(30 * DAY_MS, action);
    early();
    vi.advanceTimersByTime(29 * DAY_MS);
    late();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(30 * DAY_MS);
    expect(action).not.toHaveBeenCalled();
  });

  it('ends a timer twice, and one that has fired, without harm', () => {
    const action = vi.fn<() => void>();
    const cancel = systemClock.after(10, action);
    vi.advanceTimersByTime(10);
    cancel();
    cancel();
    expect(action).toHaveBeenCalledTimes(1);
  });
});

it('systemClock counts as idle what passes while nothing is done', async () => {
  const before = systemClock.idle();
  const busyUntil = systemClock.monotonic() + 20;
  while (systemClock.monotonic() < busyUntil);
  expect(systemClock.idle()).toBe(before);
  await setTimeout(20);
  expect(systemClock.idle()).toBeGreaterThan(before);
});

describe('TestClock', () => {
  it('begins where it is told and stands still', () => {
    expect(new TestClock().now()).toBe(Date.UTC(2026, 0, 1));
    expect(new TestClock(5).now()).toBe(5);
    expect(new TestClock(new Date(7)).monotonic()).toBe(7);
  });

  it('fires in the order of time, and of arming where the time is equal', async () => {
    const clock = new TestClock(0);
    const fired: string[] = [];
    clock.after(20, () => fired.push('c'));
    clock.after(10, () => fired.push('a'));
    clock.after(20, () => fired.push('d'));
    clock.after(10, () => fired.push('b'));
    await clock.advance(20);
    expect(fired).toEqual(['a', 'b', 'c', 'd']);
  });

  it('shows each timer the time at which it was due', async () => {
    const clock = new TestClock(0);
    const times: number[] = [];
    for (const delay of [30, 10, 20]) clock.after(delay, () => times.push(clock.now()));
    await clock.advance(100);
    expect(times).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(100);
  });

  it('fires at the very end of the time and not behind it', async () => {
    const clock = new TestClock(0);
    const action = vi.fn<() => void>();
    clock.after(100, action);
    await clock.advance(99);
    expect(action).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(action).toHaveBeenCalledTimes(1);
    await clock.advance(1000);
    expect(action).toHaveBeenCalledTimes(1);
  });

  it('fires what is armed on the way, in its place', async () => {
    const clock = new TestClock(0);
    const fired: string[] = [];
    clock.after(10, () => {
      fired.push('first');
      clock.after(5, () => fired.push('nested'));
      clock.after(50, () => fired.push('too late'));
    });
    clock.after(20, () => fired.push('second'));
    await clock.advance(30);
    expect(fired).toEqual(['first', 'nested', 'second']);
  });

  it('lets what follows a timer run before the next one', async () => {
    const clock = new TestClock(0);
    const fired: string[] = [];
    const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
    const chain = (async () => {
      for (let count = 0; count < 3; count++) {
        await wait(10);
        fired.push(`chain ${clock.now()}`);
      }
    })();
    clock.after(15, () => fired.push('timer 15'));
    await clock.advance(30);
    await chain;
    expect(fired).toEqual(['chain 10', 'timer 15', 'chain 20', 'chain 30']);
  });

  it('fires a repeating timer as often as the time holds', async () => {
    const clock = new TestClock(0);
    let count = 0;
    const again = (): void => {
      count++;
      clock.after(10, again);
    };
    clock.after(10, again);
    await clock.advance(100);
    expect(count).toBe(10);
  });

  it('keeps a delay of 30 days', async () => {
    const clock = new TestClock();
    const action = vi.fn<() => void>();
    clock.after(30 * DAY_MS, action);
    await clock.advance(30 * DAY_MS - 1);
    expect(action).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(action).toHaveBeenCalledTimes(1);
  });

  it('ends a timer, also from within another one that is due at the same time', async () => {
    const clock = new TestClock(0);
    const action = vi.fn<() => void>();
    let cancel = (): void => {};
    clock.after(10, () => cancel());
    cancel = clock.after(10, action);
    await clock.advance(10);
    cancel();
    expect(action).not.toHaveBeenCalled();
  });

  it('takes a negative delay as none', async () => {
    const clock = new TestClock(0);
    const times: number[] = [];
    clock.after(-5, () => times.push(clock.now()));
    await clock.advance(0);
    expect(times).toEqual([0]);
  });

  it('never goes back, whatever advances overlap', async () => {
    const clock = new TestClock(0);
    const times: number[] = [];
    for (const delay of [10, 40, 70]) clock.after(delay, () => times.push(clock.now()));
    await Promise.all([clock.advance(100), clock.advance(50)]);
    expect(times).toEqual([10, 40, 70]);
    expect(clock.now()).toBe(100);
    await clock.advance(-30);
    expect(clock.now()).toBe(100);
  });

  it('fires the same however the time is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(100), { maxLength: 15 }),
        fc.array(fc.nat(40), { maxLength: 5 }),
        async (delays, pieces) => {
          const run = async (steps: readonly number[]): Promise<readonly (readonly [number, number])[]> => {
            const clock = new TestClock(0);
            const fired: (readonly [number, number])[] = [];
            delays.forEach((delay, index) => clock.after(delay, () => fired.push([index, clock.now()])));
            for (const step of steps) await clock.advance(step);
            return fired;
          };
          const total = pieces.reduce((sum, piece) => sum + piece, 0);
          expect(await run(pieces)).toEqual(
            await run([total]).then((fired) => (pieces.length === 0 ? [] : fired)),
          );
        },
      ),
      { numRuns: 50 },
    );
  });
});
