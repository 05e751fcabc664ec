import { TestClock } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { StreamRounds } from './stream-rounds.js';
import type { OpenStream } from './open-stream.js';

/** Each look at the clock takes a quarter of a slice. */
class SlowClock extends TestClock {
  #looks = 0;

  override monotonic(): number {
    return (this.#looks += 0.25);
  }
}

function setting(count: number) {
  const clock = new SlowClock();
  const looked: string[] = [];
  /** How many had been looked after when others had their turn. */
  const turns: number[] = [];
  const open = new Map(Array.from({ length: count }, (_each, n) => [String(n), streamOf(String(n))]));
  const look = ({ id }: OpenStream): void => {
    if (looked.length === 0) setImmediate(() => turns.push(looked.length));
    looked.push(id);
  };
  return { clock, looked, turns, open, rounds: new StreamRounds({ clock, open, look }) };
}

function streamOf(id: string): OpenStream {
  // A round asks for nothing else.
  return { id } as OpenStream;
}

async function until(enough: () => boolean): Promise<void> {
  while (!enough()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a round of the streams', () => {
  it('looks after each once a second, in slices between which others have their turn', async () => {
    const { clock, looked, turns, rounds } = setting(10);
    rounds.goOn();
    await clock.advance(999);
    expect(looked).toEqual([]);
    await clock.advance(1);
    await until(() => looked.length === 10);
    expect(turns[0]).toBeGreaterThan(0);
    expect(turns[0]).toBeLessThan(10);
    expect(looked).toEqual(Array.from({ length: 10 }, (_each, n) => String(n)));
    await clock.advance(1_000);
    await until(() => looked.length === 20);
  });

  it('looks after who comes while it is under way, and not after who has gone', async () => {
    const { clock, looked, open, rounds } = setting(100);
    rounds.goOn();
    await clock.advance(1_000);
    expect(looked.length).toBeLessThan(99);
    open.delete('99');
    open.set('new', streamOf('new'));
    rounds.goOn();
    await until(() => looked.includes('new'));
    expect(looked).toEqual([...Array.from({ length: 99 }, (_each, n) => String(n)), 'new']);
  });

  it('is the last when nobody is there, until somebody comes', async () => {
    const { clock, looked, open, rounds } = setting(1);
    rounds.goOn();
    open.clear();
    await clock.advance(10_000);
    expect(looked).toEqual([]);
    open.set('new', streamOf('new'));
    rounds.goOn();
    await clock.advance(1_000);
    expect(looked).toEqual(['new']);
  });

  it('goes no further once it is stopped', async () => {
    const { clock, looked, rounds } = setting(100);
    rounds.goOn();
    await clock.advance(1_000);
    const before = looked.length;
    rounds.stop();
    await clock.advance(10_000);
    expect(looked).toHaveLength(before);
  });
});
