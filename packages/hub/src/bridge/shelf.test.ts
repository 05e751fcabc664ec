import { describe, expect, it } from 'vitest';
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

  it('does not keep what is larger than all of it', () => {
    const { shelf, made } = shelfOf(5);
    const entry = entryWith({ id: 'a' });
    shelf.of(entry);
    expect(shelf.of(entry)).toBe('made of a');
    expect(made).toEqual(['a', 'a']);
  });
});
