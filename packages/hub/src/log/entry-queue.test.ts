import { describe, expect, it } from 'vitest';
import { BEFORE_ALL, type Entry, type Position } from './log.js';
import { EntryQueue } from './entry-queue.js';

const at = (position: number): Position => position as Position;

function entryAt(position: number): Entry {
  return {
    topic: 't',
    id: String(position),
    content: { body: new Uint8Array(), contentType: 'a/b' },
    headers: {},
    publishedAt: 0,
    position: at(position),
    corrupt: false,
  };
}

function queueOf(...positions: number[]): EntryQueue {
  const queue = new EntryQueue();
  for (const position of positions) queue.push(entryAt(position));
  return queue;
}

describe('a queue of entries', () => {
  it('finds what follows a position, whether or not the position is its own', () => {
    const queue = queueOf(2, 4, 8);
    const following = [0, 1, 2, 3, 4, 7, 8, 9].map((position) => queue.firstAfter(at(position))?.position);
    expect(following).toEqual([2, 2, 4, 4, 8, 8, undefined, undefined]);
    expect(queue.after(at(2), 1).map(({ position }) => position)).toEqual([4]);
    expect(queue.after(BEFORE_ALL, 10)).toHaveLength(3);
  });

  it('finds an entry at its position only', () => {
    const queue = queueOf(2, 4);
    expect([1, 2, 3, 4, 5].map((position) => queue.at(at(position))?.position)).toEqual([
      undefined,
      2,
      undefined,
      4,
      undefined,
    ]);
  });

  it('forgets what is taken, however much it is', () => {
    const queue = new EntryQueue();
    for (let position = 1; position <= 5_000; position++) queue.push(entryAt(position));
    for (let taken = 0; taken < 4_000; taken++) {
      expect(queue.first?.position).toBe(taken + 1);
      queue.shift();
      expect(queue.at(at(taken + 1))).toBeUndefined();
      expect(queue.firstAfter(BEFORE_ALL)?.position).toBe(taken + 2);
    }
    expect(queue.size).toBe(1_000);
    expect(queue.after(BEFORE_ALL, 5_000).at(-1)?.position).toBe(5_000);
  });

  it('is empty again when everything is taken', () => {
    const queue = queueOf(1);
    queue.shift();
    expect([queue.size, queue.first, queue.firstAfter(BEFORE_ALL)]).toEqual([0, undefined, undefined]);
  });
});
