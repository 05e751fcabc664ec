import { describe, expect, it } from 'vitest';
import { StallWatch, STALLED_MS, windowBytes, WINDOW_BYTES } from './back-pressure.js';

const MIB = 1024 * 1024;

describe('the window of a client', () => {
  it('is 256 KiB while there are a thousand streams', () => {
    expect([0, 1, 1_000].map(windowBytes)).toEqual([WINDOW_BYTES, WINDOW_BYTES, WINDOW_BYTES]);
  });

  it('LAW 8: shrinks with their number, so that no more than 256 MiB wait in all', () => {
    for (const streams of [1_025, 5_000, 12_000, 16_384])
      expect(windowBytes(streams) * streams).toBeLessThanOrEqual(256 * MIB);
    expect(windowBytes(1_000_000)).toBe(16 * 1024);
  });
});

describe('a client', () => {
  it('is stalled when it takes nothing for 30 s while something waits for it', () => {
    const watch = new StallWatch(0);
    expect(watch.isStalled(10, 100, true)).toBe(false);
    expect(watch.isStalled(STALLED_MS + 9, 100, true)).toBe(false);
    expect(watch.isStalled(STALLED_MS + 10, 100, true)).toBe(true);
  });

  it('is not stalled when it takes a little, or has everything', () => {
    const watch = new StallWatch(0);
    for (let second = 1; second < 100; second++)
      expect(watch.isStalled(second * 1_000, second, true)).toBe(false);
    expect(watch.isStalled(1_000_000, 99, false)).toBe(false);
    expect(watch.isStalled(1_020_000, 99, true)).toBe(false);
  });
});
