import { describe, expect, it, vi } from 'vitest';
import { MemoryLog } from '../contract/memory-log.js';
import { entryOf, idsOf, KEEP_ALL, NOON } from '../contract/samples.js';
import { HotTail } from './hot-tail.js';
import { BEFORE_ALL, type Entry, type Position } from './log.js';

const LIMIT = { entries: 100, bytes: Infinity };
/** Room for four entries without a body. */
const FOUR = { hotBytes: 4 * 1024 };

async function publish(log: HotTail | MemoryLog, topic: string, ...ids: string[]): Promise<Position[]> {
  const content = { body: new Uint8Array(), contentType: 'text/plain' };
  return (await log.append(ids.map((id) => entryOf(id, { topic, content })))).map(({ position }) => position);
}

/** Until what was begun without waiting for it is over. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function entry(answer: Entry | 'caught-up' | 'cold' | { gap: Position }): Entry {
  if (typeof answer === 'string' || 'gap' in answer) throw new Error(`no entry: ${JSON.stringify(answer)}`);
  return answer;
}

describe('at the head', () => {
  it('gives every reader the same entry without reading the log', async () => {
    const log = new MemoryLog();
    const tail = new HotTail(log);
    const [first] = await publish(tail, 'a', '1', '2');
    const one = entry(tail.next('a', BEFORE_ALL));
    expect(tail.next('a', BEFORE_ALL)).toBe(one);
    expect(entry(tail.next('a', first!)).id).toBe('2');
    expect(tail.next('a', tail.head())).toBe('caught-up');
    expect(tail.next('b', BEFORE_ALL)).toBe('caught-up');
    const read = await tail.read(['a', 'b'], BEFORE_ALL, LIMIT);
    expect(read.kind === 'entries' && read.entries[0]).toBe(one);
    expect(log.reads).toBe(0);
  });

  it('tells its listeners when the entries are in memory', async () => {
    const tail = new HotTail(new MemoryLog());
    const told: string[] = [];
    tail.wake(([first]) => told.push(entry(tail.next(first!.topic, BEFORE_ALL)).id));
    await publish(tail, 'a', '1');
    expect(told).toEqual(['1']);
  });

  it('does not say caught up to a listener of the log that is told earlier than itself', async () => {
    const log = new MemoryLog();
    const answers: unknown[] = [];
    log.wake(() => answers.push(tail.next('a', BEFORE_ALL)));
    const tail = new HotTail(log);
    await publish(log, 'a', '1');
    expect(answers).toEqual(['cold']);
  });
});

describe('after a restart', () => {
  it('asks the store once what precedes its memory, whatever the number of readers', async () => {
    const log = new MemoryLog();
    const [first, last] = await publish(log, 'a', '1', '2');
    const tail = new HotTail(log);
    expect(tail.next('a', first!)).toBe('cold');
    const fetched = await Promise.all([1, 2, 3].map(() => tail.fetch('a', first!)));
    expect(new Set(fetched).size).toBe(1);
    expect(log.reads).toBe(1);
    expect(tail.next('a', last!)).toBe('caught-up');
    expect(tail.next('b', BEFORE_ALL)).toBe('cold');
    expect(await tail.fetch('b', BEFORE_ALL)).toBe('caught-up');
    expect(tail.next('b', BEFORE_ALL)).toBe('caught-up');
  });

  it('reads ahead for a reader that is further back', async () => {
    const log = new MemoryLog();
    const positions = await publish(log, 'a', '1', '2', '3');
    const tail = new HotTail(log);
    await tail.fetch('a', BEFORE_ALL);
    const ids = positions.slice(0, 2).map((position) => entry(tail.next('a', position)).id);
    expect(ids).toEqual(['2', '3']);
    expect(log.reads).toBe(1);
  });
});

describe('for a reader that is far back', () => {
  /** Reads to the first entry of what the reader is read further ahead. */
  async function farBack(log: MemoryLog): Promise<{ tail: HotTail; positions: readonly Position[] }> {
    const positions = await publish(log, 'a', ...Array.from({ length: 600 }, (_each, n) => String(n)));
    const tail = new HotTail(log);
    await tail.fetch('a', BEFORE_ALL);
    await tail.fetch('a', positions[15]!);
    expect(log.reads).toBe(2);
    return { tail, positions };
  }

  it('reads further ahead, and what follows while that is taken', async () => {
    const log = new MemoryLog();
    const { tail, positions } = await farBack(log);
    expect(entry(tail.next('a', positions[15]!)).id).toBe('16');
    expect(entry(tail.next('a', positions[16]!)).id).toBe('17');
    await settled();
    expect(log.reads).toBe(3);
    expect(entry(tail.next('a', positions[271]!)).id).toBe('272');
    expect(entry(tail.next('a', positions[500]!)).id).toBe('501');
  });

  it('tells of a failed read when the reader comes there, and reads again', async () => {
    const log = new MemoryLog();
    const { tail, positions } = await farBack(log);
    vi.spyOn(log, 'read').mockRejectedValueOnce(new Error('broken'));
    tail.next('a', positions[15]!);
    await settled();
    expect(tail.next('a', positions[271]!)).toBe('cold');
    expect(entry(await tail.fetch('a', positions[271]!)).id).toBe('272');
  });
});

describe('when memory is full', () => {
  it('keeps the newest, and finds the others in the store', async () => {
    const log = new MemoryLog();
    const tail = new HotTail(log, FOUR);
    const positions = await publish(tail, 'a', '1', '2', '3', '4', '5', '6');
    expect(tail.next('a', BEFORE_ALL)).toBe('cold');
    expect(entry(await tail.fetch('a', BEFORE_ALL)).id).toBe('1');
    expect(entry(tail.next('a', positions[1]!)).id).toBe('3');
    expect(log.reads).toBe(1);
  });

  it('keeps the newest entry even when it is larger than the memory', async () => {
    const tail = new HotTail(new MemoryLog(), { hotBytes: 0 });
    await publish(tail, 'a', '1', '2');
    const first = entry(await tail.fetch('a', BEFORE_ALL));
    expect(entry(tail.next('a', first.position)).id).toBe('2');
  });

  it('counts what the headers of an entry take', async () => {
    const log = new MemoryLog();
    const tail = new HotTail(log, FOUR);
    const headers = { 'x-long': 'x'.repeat(4 * 1024) };
    const positions = await tail.append([
      entryOf('1', { topic: 'a', headers }),
      entryOf('2', { topic: 'a' }),
    ]);
    expect(tail.next('a', BEFORE_ALL)).toBe('cold');
    expect(entry(tail.next('a', positions[0]!.position)).id).toBe('2');
  });

  it('knows of a quiet topic that nothing was missed', async () => {
    const log = new MemoryLog();
    const tail = new HotTail(log, FOUR);
    const [quiet] = await publish(tail, 'quiet', 'q');
    await publish(tail, 'busy', '1', '2', '3', '4', '5', '6');
    expect(tail.next('quiet', quiet!)).toBe('caught-up');
    await publish(tail, 'quiet', 'r');
    expect(entry(tail.next('quiet', quiet!)).id).toBe('r');
    expect(log.reads).toBe(0);
    expect(tail.next('quiet', BEFORE_ALL)).toBe('cold');
    expect(entry(await tail.fetch('quiet', BEFORE_ALL)).id).toBe('q');
  });

  it('learns from one reader what it need not ask for the others', async () => {
    const log = new MemoryLog();
    const before = await publish(log, 'other', '1', '2', '3');
    const tail = new HotTail(log, FOUR);
    await publish(tail, 'quiet', 'q');
    expect(entry(await tail.fetch('quiet', before[0]!)).id).toBe('q');
    expect(before.slice(1).map((position) => entry(tail.next('quiet', position)).id)).toEqual(['q', 'q']);
    expect(log.reads).toBe(1);
  });

  it('gives the same object to all who fetch the same large entry while one of them holds it', async () => {
    const log = new MemoryLog();
    const content = { body: new Uint8Array(4 * 1024), contentType: 'text/plain' };
    await log.append([entryOf('1', { topic: 'a', content })]);
    const tail = new HotTail(log, { coldBytes: 0 });
    const held = entry(await tail.fetch('a', BEFORE_ALL));
    expect(await tail.fetch('a', BEFORE_ALL)).toBe(held);
    const read = await tail.read(['a', 'b'], BEFORE_ALL, LIMIT);
    expect(read.kind === 'entries' && read.entries[0]).toBe(held);
    expect(log.reads).toBe(3);
  });
});

describe('a fetch', () => {
  it('that was under way when an entry was published does not say caught up', async () => {
    const log = new MemoryLog();
    await publish(log, 'other', '1');
    const tail = new HotTail(log);
    const late = vi.spyOn(log, 'read').mockImplementationOnce(async () => {
      await publish(log, 'a', '2');
      return { kind: 'caught-up' };
    });
    expect(entry(await tail.fetch('a', BEFORE_ALL)).id).toBe('2');
    expect(late).toHaveBeenCalledTimes(1);
  });

  it('asks again when memory was too small for what was published meanwhile', async () => {
    const log = new MemoryLog();
    await publish(log, 'other', '1');
    const tail = new HotTail(log, { hotBytes: 0 });
    vi.spyOn(log, 'read').mockImplementationOnce(async () => {
      await publish(log, 'a', '2');
      await publish(log, 'other', '3', '4');
      return { kind: 'caught-up' };
    });
    expect(entry(await tail.fetch('a', BEFORE_ALL)).id).toBe('2');
  });

  it('that fails fails for all who wait, and the next one asks again', async () => {
    const log = new MemoryLog();
    await publish(log, 'a', '1');
    const tail = new HotTail(log);
    vi.spyOn(log, 'read').mockRejectedValueOnce(new Error('broken'));
    const answers = await Promise.allSettled([1, 2].map(() => tail.fetch('a', BEFORE_ALL)));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(entry(await tail.fetch('a', BEFORE_ALL)).id).toBe('1');
  });
});

describe('retention', () => {
  it('tells a late reader of the gap, and forgets what was removed', async () => {
    const log = new MemoryLog();
    const tail = new HotTail(log);
    const [first, second] = await publish(tail, 'a', '1', '2');
    await publish(tail, 'b', '3', '4');
    expect(await tail.trim({ ...KEEP_ALL, count: 1 }, NOON)).toBe(3);
    expect(tail.next('a', first!)).toBe('cold');
    expect(await tail.fetch('a', first!)).toEqual({ gap: second });
    expect(tail.next('a', second!)).toBe('caught-up');
    const read = await tail.read(['b'], tail.head(), LIMIT);
    expect(read).toEqual({ kind: 'caught-up' });
  });

  it('tells of the gap also whoever could read on in what was read ahead', async () => {
    const log = new MemoryLog();
    await publish(log, 'a', '1', '2');
    const tail = new HotTail(log);
    await tail.fetch('a', BEFORE_ALL);
    expect(entry(tail.next('a', BEFORE_ALL)).id).toBe('1');
    await tail.trim({ ...KEEP_ALL, count: 0 }, NOON);
    expect(tail.next('a', BEFORE_ALL)).toBe('cold');
    expect(await tail.read(['a'], BEFORE_ALL, LIMIT)).toEqual({ kind: 'gap', resume: log.head() });
  });

  it('keeps in memory what the log keeps', async () => {
    const log = new MemoryLog();
    const tail = new HotTail(log);
    const [first] = await publish(tail, 'a', '1', '2', '3');
    await tail.trim({ ...KEEP_ALL, count: 2 }, NOON);
    const reads = log.reads;
    const read = await tail.read(['a'], first!, LIMIT);
    expect(read.kind === 'entries' && idsOf(read.entries)).toEqual(['2', '3']);
    expect(log.reads).toBe(reads);
  });
});
