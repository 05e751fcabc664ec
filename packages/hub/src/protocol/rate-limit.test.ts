import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.js';

describe('RateLimit', () => {
  it('admits a burst, then the rate, and says how long to wait', () => {
    const limit = new RateLimit({ perSecond: 10, burst: 3 });
    expect([1, 2, 3].map(() => limit.admit('a', 0))).toEqual([0, 0, 0]);
    expect(limit.admit('a', 0)).toBe(100);
    expect(limit.admit('a', 99)).toBe(1);
    expect(limit.admit('a', 100)).toBe(0);
    expect(limit.admit('a', 100)).toBe(100);
  });

  it('gives a key that rested its burst again', () => {
    const limit = new RateLimit({ perSecond: 10, burst: 2 });
    limit.admit('a', 0);
    limit.admit('a', 0);
    expect([1, 2, 3].map(() => limit.admit('a', 10_000))).toEqual([0, 0, 100]);
  });

  it('bounds each key by itself', () => {
    const limit = new RateLimit({ perSecond: 1, burst: 1 });
    expect(limit.admit('a', 0)).toBe(0);
    expect(limit.admit('b', 0)).toBe(0);
  });

  it('LAW 8 admits strangers with ever new keys without growing for ever', () => {
    const limit = new RateLimit({ perSecond: 0.001, burst: 1 });
    const refused = Array.from({ length: 250_000 }, (_, index) => limit.admit(`key${index}`, 0)).filter(
      (waitMs) => waitMs > 0,
    );
    expect(refused).toEqual([]);
  });
});
