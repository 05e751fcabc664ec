import { afterEach, describe, expect, it, vi } from 'vitest';
import { HotTail } from './hot-tail.js';
import { BEFORE_ALL, type Entry, type Log, type LogRead, type Position } from './log.js';

const A = 'https://a.example/';
const B = 'https://b.example/';

/** A log in an array, which counts its reads. */
class ArrayLog implements Log {
  readonly epoch = 'e';
  readonly entries: Entry[] = [];
  reads = 0;
  #listener: (entries: readonly Entry[]) => void = () => undefined;

  constructor(...topics: readonly string[]) {
    for (const topic of topics) this.#push(topic, 1);
  }

  /** Appends and wakes. */
  add(topic: string, bytes = 1): Entry {
    const entry = this.#push(topic, bytes);
    this.#listener([entry]);
    return entry;
  }

  #push(topic: string, bytes: number): Entry {
    const entry: Entry = {
      position: (this.entries.length + 1) as Position,
      topic,
      id: String(this.entries.length),
      content: { body: new Uint8Array(bytes), contentType: 'text/plain' },
      headers: {},
      publishedAt: 0,
      corrupt: false,
    };
    this.entries.push(entry);
    return entry;
  }

  head(): Position {
    return this.entries.length as Position;
  }

  read([topic]: readonly string[], after: Position): Promise<LogRead> {
    this.reads++;
    const found = this.entries.find((entry) => entry.topic === topic && entry.position > after);
    // As from a disk: equal, not the same.
    return Promise.resolve(
      found === undefined ? { kind: 'caught-up' } : { kind: 'entries', entries: [{ ...found }] },
    );
  }

  wake(listener: (entries: readonly Entry[]) => void): () => void {
    this.#listener = listener;
    return () => undefined;
  }

  append = vi.fn<Log['append']>();
  newest = vi.fn<Log['newest']>();
  trim = vi.fn<Log['trim']>();
}

function at(position: number): Position {
  return position as Position;
}

afterEach(() => vi.restoreAllMocks());

describe('HotTail', () => {
  it('gives readers at the head the very same entry without a read', () => {
    const log = new ArrayLog();
    const tail = new HotTail(log);
    const entry = log.add(A);
    expect(tail.next(A, BEFORE_ALL)).toBe(entry);
    expect(tail.next(A, BEFORE_ALL)).toBe(entry);
    expect(tail.next(A, entry.position)).toBe('caught-up');
    expect(tail.next(B, BEFORE_ALL)).toBe('caught-up');
    expect(log.reads).toBe(0);
  });

  it('gives the entries of a topic one after the other', () => {
    const log = new ArrayLog();
    const tail = new HotTail(log);
    const added = [A, B, A, A, B].map((topic) => log.add(topic));
    const seen: Entry[] = [];
    let next = tail.next(A, BEFORE_ALL);
    while (typeof next === 'object') {
      seen.push(next);
      next = tail.next(A, next.position);
    }
    expect(seen).toEqual([added[0], added[2], added[3]]);
    expect(next).toBe('caught-up');
  });

  it('does not know after a restart what a reader behind the head has missed', () => {
    const tail = new HotTail(new ArrayLog(A, A));
    expect(tail.next(A, BEFORE_ALL)).toBe('cold');
    expect(tail.next(A, at(2))).toBe('caught-up');
  });

  it('reads the log once for all readers of a quiet topic, then has the entry in memory', async () => {
    const log = new ArrayLog(A, B, B);
    const tail = new HotTail(log);
    const entry = log.add(A);
    expect(tail.next(A, at(1))).toBe('cold');
    expect(await Promise.all([tail.fetch(A, at(1)), tail.fetch(A, at(1))])).toEqual([entry, entry]);
    expect(await tail.fetch(A, at(1))).toBe(entry);
    expect(log.reads).toBe(2);
    expect(tail.next(A, at(1))).toBe(entry);
  });

  it('never hides an older entry behind the newest in memory', async () => {
    const log = new ArrayLog(A);
    const tail = new HotTail(log);
    log.add(A);
    expect(tail.next(A, BEFORE_ALL)).toBe('cold');
    expect(await tail.fetch(A, BEFORE_ALL)).toMatchObject({ position: 1 });
    expect(tail.next(A, BEFORE_ALL)).toMatchObject({ position: 1 });
    expect(tail.next(A, at(1))).toMatchObject({ position: 2 });
  });

  it('LAW 7 shares one entry among readers that lag, however many read it', async () => {
    const tail = new HotTail(new ArrayLog(A, A));
    const first = await tail.fetch(A, BEFORE_ALL);
    const second = await tail.fetch(A, BEFORE_ALL);
    expect(second).toBe(first);
  });

  it('LAW 8 stays below its bound, and gives from the log what it no longer holds', async () => {
    const log = new ArrayLog();
    const tail = new HotTail(log, { hotBytes: 10_000, coldBytes: 0 });
    for (let index = 0; index < 10; index++) log.add(index % 2 === 0 ? A : B, 2_000);
    expect(tail.next(A, BEFORE_ALL)).toBe('cold');
    expect(await tail.fetch(A, BEFORE_ALL)).toMatchObject({ position: 1 });
    expect(tail.next(A, at(7))).toMatchObject({ position: 9 });
    expect(tail.next(B, at(10))).toBe('caught-up');
  });

  it('keeps the newest entry although it is larger than the bound', () => {
    const log = new ArrayLog();
    const tail = new HotTail(log, { hotBytes: 100 });
    const entry = log.add(A, 10_000);
    expect(tail.next(A, BEFORE_ALL)).toBe(entry);
  });

  it('tells of a gap', async () => {
    const log = new ArrayLog(A);
    const tail = new HotTail(log);
    vi.spyOn(log, 'read').mockResolvedValue({ kind: 'gap', resume: at(5) });
    expect(await tail.fetch(A, BEFORE_ALL)).toEqual({ gap: 5 });
  });

  it('wakes whoever listens after it has the entries itself', () => {
    const log = new ArrayLog();
    const tail = new HotTail(log);
    const seen: unknown[] = [];
    const end = tail.wake(() => seen.push(tail.next(A, BEFORE_ALL)));
    const entry = log.add(A);
    end();
    log.add(A);
    expect(seen).toEqual([entry]);
  });
});
