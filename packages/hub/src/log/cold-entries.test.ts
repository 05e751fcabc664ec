import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ColdEntries } from './cold-entries.js';
import { BEFORE_ALL, type Entry, type Position } from './log.js';

const TOPIC = 'https://shop.example/orders';

/** An entry that takes as many bytes as its body has. */
function entryAt(position: number, bytes = 1): Entry {
  return {
    topic: TOPIC,
    id: String(position),
    content: { body: new Uint8Array(bytes), contentType: 'text/plain' },
    headers: {},
    publishedAt: 0,
    // A test gives positions as a log would.
    position: position as Position,
    corrupt: false,
  };
}

function entriesAt(...positions: number[]): Entry[] {
  return positions.map((position) => entryAt(position));
}

function roomFor(bytes: number): ColdEntries {
  return new ColdEntries(bytes, ({ content }) => content.body.byteLength);
}

function next(cold: ColdEntries, after: number): number | undefined {
  const position = after as Position;
  return cold.following(TOPIC, position)?.entries.firstAfter(position)?.position;
}

describe('entries that were read ahead', () => {
  it('are found by any position before the last of them', () => {
    const cold = roomFor(10);
    cold.add(TOPIC, BEFORE_ALL, entriesAt(3, 5, 9));
    expect([0, 2, 3, 4, 5, 8, 9].map((after) => next(cold, after))).toEqual([3, 3, 5, 5, 9, 9, undefined]);
    expect(cold.following('https://shop.example/other', BEFORE_ALL)).toBeUndefined();
  });

  it('go when there is no room for more, the least recently read first', () => {
    const cold = roomFor(4);
    cold.add(TOPIC, BEFORE_ALL, entriesAt(1, 2));
    cold.add(TOPIC, 2 as Position, entriesAt(3, 4));
    cold.add(TOPIC, 4 as Position, entriesAt(5, 6));
    expect([0, 2, 4].map((after) => next(cold, after))).toEqual([undefined, 3, 5]);
  });

  it('are kept without the one that there is no room for', () => {
    const cold = roomFor(4);
    cold.add(TOPIC, BEFORE_ALL, [...entriesAt(1, 2), entryAt(3, 5)]);
    expect([0, 1, 2].map((after) => next(cold, after))).toEqual([1, 2, undefined]);
    expect(cold.add(TOPIC, BEFORE_ALL, [entryAt(1, 5)])).toBeUndefined();
  });

  it('are what follows, or nothing, whoever reads from where', () => {
    const read = fc.record({ after: fc.nat(30), count: fc.integer({ min: 1, max: 8 }) });
    fc.assert(
      fc.property(fc.array(read, { maxLength: 40 }), ([...reads]) => {
        const cold = roomFor(20);
        for (const { after, count } of reads) {
          const positions = Array.from({ length: count }, (_each, n) => (Math.floor(after / 2) + n + 1) * 2);
          cold.add(TOPIC, after as Position, entriesAt(...positions));
          // What was read last is there, whatever it overlaps.
          expect(next(cold, after)).toBe(positions[0]);
          expect(next(cold, positions.at(-1)! - 1)).toBe(positions.at(-1));
          const known = Array.from({ length: 60 }, (_each, from) => [from, next(cold, from)] as const);
          for (const [from, found] of known)
            expect([undefined, (Math.floor(from / 2) + 1) * 2]).toContain(found);
        }
      }),
    );
  });
});
