import { TestClock } from '@websub/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pump, type PumpOptions } from './pump.js';

/** What the hub does takes all of its time. */
class BusyClock extends TestClock {
  override idle(): number {
    return 0;
  }
}

function pumpOf(
  perHost: number,
  inAll: number,
  clock = new TestClock(),
  options: Partial<PumpOptions<string>> = {},
) {
  const started: string[] = [];
  const pump = new Pump<string>({ perHost, inAll, clock, start: (item) => started.push(item), ...options });
  const add = (host: string, count: number): void => {
    for (let n = 0; n < count; n++) pump.add(host, host);
    pump.run();
  };
  return { clock, started, pump, add };
}

describe('Pump', () => {
  it('serves a host over four slots at first, and gives it all of them while it takes its time', async () => {
    const { clock, started, add } = pumpOf(64, 1_000);
    add('slow', 100);
    expect(started).toHaveLength(4);
    await clock.advance(2);
    expect(started).toHaveLength(64);
    await clock.advance(100);
    expect(started).toHaveLength(64);
  });

  it('has 64 in flight at first, and all that there may be while hosts take their time', async () => {
    const { clock, started, add } = pumpOf(64, 300);
    for (let host = 0; host < 500; host++) add(`host ${host}`, 1);
    expect(started).toHaveLength(64);
    await clock.advance(2);
    expect(started).toHaveLength(300);
  });

  it('looks for as long as it is told whether hosts take their time', async () => {
    const { clock, started, add } = pumpOf(64, 1_000, new TestClock(), { lookEveryMs: 5 });
    add('slow', 100);
    await clock.advance(4);
    expect(started).toHaveLength(4);
    await clock.advance(6);
    expect(started).toHaveLength(64);
  });

  it('has no more in flight while the hub waits for the processor rather than for hosts', async () => {
    const { clock, started, pump, add } = pumpOf(64, 1_000, new BusyClock());
    add('quick', 100);
    for (let ended = 0; ended < 90; ended++) {
      pump.release('quick');
      await clock.advance(2);
      expect(started).toHaveLength(4 + ended + 1);
    }
  });

  it('has more in flight while the hub is busy with something else and hosts take their time, and less when they do not', async () => {
    const { clock, started, pump, add } = pumpOf(64, 300, new BusyClock());
    let ended = 0;
    const end = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) pump.release(started[ended++]!);
      await clock.advance(2);
    };
    for (let host = 0; host < 6_000; host++) add(`host ${host}`, 1);
    for (let round = 0; round < 6; round++) await end(5);
    expect(pump.inFlight).toBe(300);
    for (let round = 0; round < 6; round++) await end(pump.inFlight - 1);
    expect(pump.inFlight).toBe(1 + 64);
  });

  it('has as much in flight beside callbacks that hang as without them', async () => {
    const { clock, started, pump, add } = pumpOf(64, 300, new BusyClock());
    for (let host = 0; host < 100; host++) add(`hanging ${host}`, 1);
    await clock.advance(12);
    expect(started).toHaveLength(100);
    for (let host = 0; host < 3_000; host++) add(`quick ${host}`, 1);
    let ended = 100;
    for (let round = 0; round < 12; round++) {
      while (ended < started.length) pump.release(started[ended++]!);
      await clock.advance(2);
    }
    expect(pump.inFlight).toBe(100 + 64);
  });

  it('starts everything in the end, whatever is added and ends in whatever order, and is idle then', async () => {
    const step = fc.record({
      host: fc.constantFrom('a', 'b', 'c'),
      add: fc.nat(6),
      release: fc.nat(6),
      ms: fc.nat(6),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { clock, started, pump, add } = pumpOf(5, 8);
        let ended = 0;
        const endSome = (most: number): void => {
          for (let n = 0; n < most && ended < started.length; n++) pump.release(started[ended++]!);
        };
        for (const { host, add: count, release, ms } of steps) {
          add(host, count);
          endSome(release);
          await clock.advance(ms);
          expect(pump.inFlight).toBeLessThanOrEqual(8);
        }
        // Each round ends what was started, so that as many can start: it takes no more rounds than there are items.
        const all = steps.reduce((sum, { add: count }) => sum + count, 0);
        for (let round = 0; round <= all && ended < all; round++) {
          endSome(all);
          await clock.advance(5);
        }
        expect(started).toHaveLength(all);
        await pump.stop();
        expect(pump.inFlight + pump.waiting).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('starts nothing more once it is stopped, and tells when the last turn is over', async () => {
    const { clock, started, pump, add } = pumpOf(1, 1);
    add('host', 2);
    let isOver = false;
    const stopped = pump.stop().then(() => (isOver = true));
    await clock.advance(100);
    expect(isOver).toBe(false);
    pump.release('host');
    await stopped;
    await clock.advance(100);
    expect(started).toHaveLength(1);
  });
});
