import { describe, expect, it } from 'vitest';
import type { Position, Retention } from '../../log/log.js';
import { countToTrim } from './trim-decision.js';

const NOW = 1_000_000;
const KEEP_ALL: Retention = { ageMs: Infinity, count: Infinity, bytes: Infinity };

/** Entries of ten bytes with these ages. */
function entriesOfAge(...ages: number[]) {
  return ages.map((age, index) => ({ position: (index + 1) as Position, publishedAt: NOW - age, bytes: 10 }));
}

describe('the number of entries to trim', () => {
  const oldest = entriesOfAge(50, 40, 30, 20, 10);
  const totals = { entries: 5, bytes: 50 };

  it.each<[string, Partial<Retention>, number]>([
    ['nothing without a bound', {}, 0],
    ['what is older than the age, not what is exactly as old', { ageMs: 40 }, 1],
    ['what exceeds the count', { count: 2 }, 3],
    ['what exceeds the bytes', { bytes: 29 }, 3],
    ['everything when nothing is kept', { count: 0 }, 5],
    ['what any of the bounds asks for', { ageMs: 45, count: 4, bytes: 20 }, 3],
  ])('is %s', (_title, retention, count) => {
    expect(countToTrim(oldest, totals, { ...KEEP_ALL, ...retention }, NOW)).toBe(count);
  });

  it('stops at a young entry although an older one follows, after a clock that went back', () => {
    expect(
      countToTrim(entriesOfAge(50, 0, 50), { entries: 3, bytes: 30 }, { ...KEEP_ALL, ageMs: 20 }, NOW),
    ).toBe(1);
  });

  it('counts what it was not shown', () => {
    expect(countToTrim(oldest.slice(0, 2), totals, { ...KEEP_ALL, count: 1 }, NOW)).toBe(2);
  });
});
