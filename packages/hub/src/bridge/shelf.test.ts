import { describe, expect, it } from 'vitest';
import type { Entry } from '../log/log.js';
import { sizeOf } from '../log/entry-size.js';
import { entryWith } from './entry.sample.js';
import { Shelf } from './shelf.js';

const MADE_BYTES = 10;

/** With room for so many. */
function shelfOf(most: number): { shelf: Shelf<string>; made: string[] } {
  const made: string[] = [];
  const shelf = new Shelf(
    most * (sizeOf(entryWith({})) + MADE_BYTES),
    ({ id }) => {
      made.push(id);
      return `made of ${id}`;
    },
    () => MADE_BYTES,
  );
  return { shelf, made };
}

describe('a shelf', () => {
  it('makes something of an entry once, whoever asks', () => {
    const { shelf, made } = shelfOf(10);
    const entry = entryWith({ id: 'a' });
    expect([shelf.of(entry), shelf.of(entry)]).toEqual(['made of a', 'made of a']);
    expect(made).toEqual(['a']);
  });

  it('keeps no more than its bytes and those of the entries, the newest', () => {
    const { shelf, made } = shelfOf(2);
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
  ])('with things of %j, and room for ten, keeps the newest of them', (sizes, kept) => {
    const isKept = (nth: number): boolean => {
      const made: number[] = [];
      const make = ({ position }: Entry): number => {
        made.push(position);
        return position;
      };
      const shelf = new Shelf(10 * 2_000, make, (at, entry) => sizes[at]! * 2_000 - sizeOf(entry));
      const entries = sizes.map((_size, position) => entryWith({ position }));
      for (const entry of entries) shelf.of(entry);
      shelf.of(entries[nth]!);
      return made.length === sizes.length;
    };
    expect([...sizes.keys()].filter(isKept)).toEqual(kept);
    expect(kept.reduce((sum, nth) => sum + sizes[nth]!, 0)).toBeLessThanOrEqual(10);
  });

  it('keeps the newest even when it is larger than all of it, and nothing else', () => {
    const { shelf, made } = shelfOf(0.5);
    const [a, b] = ['a', 'b'].map((id) => entryWith({ id }));
    for (const entry of [a!, a!, b!, b!, a!]) shelf.of(entry);
    expect(made).toEqual(['a', 'b', 'a']);
  });
});
