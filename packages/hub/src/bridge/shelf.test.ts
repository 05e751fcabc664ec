import { describe, expect, it } from 'vitest';
import type { Entry } from '../log/log.js';
import { entryWith } from './entry.sample.js';
import { Shelf } from './shelf.js';

function shelfOf(mostBytes: number): { shelf: Shelf<string>; made: string[] } {
  const made: string[] = [];
  const shelf = new Shelf(
    mostBytes,
    ({ id }) => {
      made.push(id);
      return `made of ${id}`;
    },
    () => 10,
  );
  return { shelf, made };
}

describe('a shelf', () => {
  it('makes something of an entry once, whoever asks', () => {
    const { shelf, made } = shelfOf(100);
    const entry = entryWith({ id: 'a' });
    expect([shelf.of(entry), shelf.of(entry)]).toEqual(['made of a', 'made of a']);
    expect(made).toEqual(['a']);
  });

  it('keeps no more than its bytes, the newest', () => {
    const { shelf, made } = shelfOf(20);
    const [a, b, c] = ['a', 'b', 'c'].map((id) => entryWith({ id }));
    for (const entry of [a!, b!, c!, c!, b!, a!]) shelf.of(entry);
    expect(made).toEqual(['a', 'b', 'c', 'a']);
  });

  it.each([
    [
      [3, 3, 3, 3, 3],
      [3, 4],
    ],
    [
      [4, 9, 1],
      [1, 2],
    ],
    [[1, 10], [1]],
    [
      [10, 1, 1],
      [1, 2],
    ],
    [
      [2, 2, 2, 6],
      [2, 3],
    ],
  ])('of %j bytes keeps no more than ten', (sizes, kept) => {
    const isKept = (nth: number): boolean => {
      const made: number[] = [];
      const make = ({ position }: Entry): number => made.push(position);
      const shelf = new Shelf(10, make, ({ position }) => sizes[position]!);
      const entries = sizes.map((_size, position) => entryWith({ position }));
      for (const entry of entries) shelf.of(entry);
      shelf.of(entries[nth]!);
      return made.length === sizes.length;
    };
    expect([...sizes.keys()].filter(isKept)).toEqual(kept);
    expect(kept.reduce((sum, nth) => sum + sizes[nth]!, 0)).toBeLessThanOrEqual(10);
  });

  it('does not keep what is larger than all of it', () => {
    const { shelf, made } = shelfOf(5);
    const entry = entryWith({ id: 'a' });
    shelf.of(entry);
    expect(shelf.of(entry)).toBe('made of a');
    expect(made).toEqual(['a', 'a']);
  });
});
