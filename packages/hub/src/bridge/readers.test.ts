import { systemClock, type Clock } from '@websub/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryLog } from '../contract/memory-log.js';
import { entryOf } from '../contract/samples.js';
import { HubEmitter } from '../events.js';
import { HotTail } from '../log/hot-tail.js';
import { BEFORE_ALL, type Entry, type Position } from '../log/log.js';
import type { Gap } from './gap.js';
import { Payloads } from './payload.js';
import type { Permit } from './permit.js';
import type { Reader, Sink } from './reader.js';
import { Readers } from './readers.js';
import { selectionOf, type Selection } from './selection.js';
import { parseUrlPattern } from './url-pattern.js';

const TOPICS = ['https://a.example/1', 'https://a.example/2', 'https://b.example/1'];
const KEEP_ALL = { ageMs: Infinity, count: Infinity, bytes: Infinity };

/** A client that takes so many entries and is full until it is let on. */
class Client implements Sink {
  readonly entries: Entry[] = [];
  readonly gaps: Gap[] = [];
  lives = 0;
  failures = 0;
  /** Clients of one connection share it. */
  window = { left: Infinity };
  reader: Reader | undefined;

  room(): number {
    return this.window.left;
  }

  entry(entry: Entry): void {
    this.entries.push(entry);
    this.window.left -= 1;
  }

  gap(gap: Gap): void {
    this.gaps.push(gap);
  }

  live(): void {
    this.lives += 1;
  }

  failed(): void {
    this.failures += 1;
  }

  take(count: number): void {
    this.window.left = count;
    this.reader?.resume();
  }

  get ids(): string[] {
    return this.entries.map(({ id }) => id);
  }
}

const everything: Permit = {
  principal: undefined,
  filter: undefined,
  subject: undefined,
  endsAt: Infinity,
  mayRead: () => true,
  hold: () => () => undefined,
};

interface Opened {
  readonly position?: Position;
  readonly permit?: Permit;
  readonly left?: number;
}

class Room {
  readonly store = new MemoryLog();
  readonly log: HotTail;
  readonly events = new HubEmitter();
  readonly readers: Readers;

  constructor(hotEntries = 1_000, clock: Clock = systemClock) {
    this.log = new HotTail(this.store, {
      hotBytes: hotEntries * 1_032,
      coldBytes: hotEntries === 1 ? 0 : 4 * 1_032,
    });
    this.readers = new Readers({
      log: this.log,
      payloads: new Payloads(),
      clock,
      events: this.events,
    });
  }

  open(
    selection: Selection,
    { position = BEFORE_ALL, permit = everything, left = Infinity }: Opened = {},
  ): Client {
    const client = new Client();
    client.window.left = left;
    client.reader = this.readers.open(
      { selection, filter: undefined, onGap: 'earliest', position, permit },
      client,
    );
    return client;
  }

  async publish(...ids: readonly string[]): Promise<Position> {
    const appended = await this.log.append(ids.map((id) => entryOf(id, { topic: topicOf(id) })));
    return appended.at(-1)!.position;
  }
}

/** The first letter of an id says which topic it is of. */
function topicOf(id: string): string {
  return TOPICS['abc'.indexOf(id.charAt(0))]!;
}

/** Settles when every reader has come as far as it can. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const one = (): Selection => selectionOf([TOPICS[0]!], []);
const two = (): Selection => selectionOf([TOPICS[0]!, TOPICS[2]!], []);
const pattern = (): Selection => selectionOf([], [parseUrlPattern('https://a.example/*')]);

describe.each([
  ['one topic', one, ['a1', 'a2', 'a3']],
  ['several topics', two, ['a1', 'c1', 'a2', 'a3']],
  ['topics by a pattern', pattern, ['a1', 'b1', 'a2', 'b2', 'a3']],
])('a reader of %s', (_what, selection, expected) => {
  it.each([
    ['memory', 1_000],
    ['the store', 1],
  ])('is given what there is, from %s, and then what comes, as one sequence', async (_from, hotEntries) => {
    const room = new Room(hotEntries);
    await room.publish('a1', 'b1', 'c1');
    const client = room.open(selection());
    await room.publish('a2', 'b2');
    await settled();
    await room.publish('a3');
    await settled();
    expect(client.ids).toEqual(expected);
    expect(client.reader?.state).toBe('live');
  });

  it('is only further back while it is full, and goes on where it was', async () => {
    const room = new Room(1);
    const client = room.open(selection(), { left: 1 });
    for (const id of ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']) await room.publish(id);
    await settled();
    expect(client.entries).toHaveLength(1);
    expect(client.reader?.state).toBe('full');
    while (client.reader?.state === 'full') {
      client.take(2);
      await settled();
    }
    expect(client.ids).toEqual(expected);
  });

  it('is told of the gap when retention was faster, and given the rest', async () => {
    const room = new Room(1);
    const client = room.open(selection(), { left: 1 });
    for (const id of ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']) await room.publish(id);
    await settled();
    await room.log.trim({ ...KEEP_ALL, count: 1 }, 0);
    client.take(Infinity);
    await settled();
    expect(client.ids).toEqual(['a1', 'a3']);
    expect(client.gaps).toMatchObject([{ reason: 'evicted', lost: null, requested: 'memory.1' }]);
  });

  it('is given nothing after its end', async () => {
    const room = new Room();
    const client = room.open(selection());
    await settled();
    room.readers.close(client.reader!);
    await room.publish('a1');
    await settled();
    expect(client.entries).toEqual([]);
  });
});

describe('readers', () => {
  it('are given the same object of an entry, whoever reads it', async () => {
    const room = new Room();
    const clients = [one(), two(), pattern()].map((selection) => room.open(selection));
    await settled();
    await room.publish('a1');
    await settled();
    const entries = clients.map((client) => client.entries[0]);
    expect(entries[0]).toBeDefined();
    expect(new Set(entries).size).toBe(1);
  });

  it('that have everything do not ask the store when something is published', async () => {
    const room = new Room(1);
    const client = room.open(one());
    await settled();
    const before = room.store.reads;
    for (let nth = 0; nth < 20; nth++) await room.publish(`b${nth}`);
    await room.publish('a1');
    await settled();
    expect(client.ids).toEqual(['a1']);
    expect(room.store.reads).toBe(before);
  });

  it('LAW 13: are asked for each entry whether they may read it, also of what was stored before', async () => {
    const room = new Room();
    await room.publish('a1', 'a2');
    let allowed = true;
    const permit: Permit = { ...everything, mayRead: (topic) => allowed && topic === TOPICS[0] };
    const client = room.open(pattern(), { permit, left: 1 });
    await settled();
    allowed = false;
    client.take(Infinity);
    await room.publish('a3', 'b1');
    await settled();
    expect(client.ids).toEqual(['a1']);
    allowed = true;
    await room.publish('a4', 'b2');
    await settled();
    expect(client.ids).toEqual(['a1', 'a4']);
  });

  it('end when the store fails, and it is told', async () => {
    const room = new Room(1);
    await room.publish('a1', 'b1');
    const faults: string[] = [];
    room.events.on('fault', ({ where }) => faults.push(where));
    room.store.read = () => Promise.reject(new Error('disk'));
    const client = room.open(two());
    await settled();
    expect([client.failures, client.reader?.state, faults]).toEqual([1, 'ended', ['reading']]);
  });

  it.each(['room', 'entry'] as const)('LAW 7: end alone when their sink fails in %s', async (method) => {
    const room = new Room();
    const faults: string[] = [];
    room.events.on('fault', ({ where }) => faults.push(where));
    const [failing, other] = [room.open(one()), room.open(one())];
    failing[method] = () => {
      throw new RangeError('a defect');
    };
    await room.publish('a1', 'a2');
    await settled();
    expect([failing.failures, failing.reader?.state, faults]).toEqual([1, 'ended', ['reading']]);
    expect(other.ids).toEqual(['a1', 'a2']);
  });

  it('of one connection are given no more together than it takes', async () => {
    const room = new Room();
    const [first, other] = [room.open(one()), room.open(one())];
    first.window.left = 2;
    other.window = first.window;
    await room.publish('a1', 'a2');
    await settled();
    expect([first.ids, other.ids]).toEqual([['a1', 'a2'], []]);
    expect(other.reader?.state).toBe('full');
    other.take(Infinity);
    await settled();
    expect(other.ids).toEqual(['a1', 'a2']);
  });

  it('of one connection are given no more again than it takes', async () => {
    const room = new Room();
    const clients = [room.open(one()), room.open(one())];
    const position = await room.publish('a1');
    await settled();
    const window = { left: 1 };
    for (const client of clients) {
      client.window = window;
      room.readers.repeat(client.reader!, { position, onDropped: () => undefined });
    }
    await settled();
    expect(clients.map(({ ids }) => ids)).toEqual([['a1', 'a1'], ['a1']]);
    expect(clients[1]!.reader?.state).toBe('full');
    clients[1]!.take(Infinity);
    await settled();
    expect(clients[1]!.ids).toEqual(['a1', 'a1']);
  });

  it('are told nothing, not even that they have everything, once they are full: also when their turn has begun', async () => {
    let now = 0;
    const room = new Room(1_000, { ...systemClock, monotonic: () => now });
    const position = await room.publish('a1');
    room.open(one()).entry = () => (now += 2);
    const pausing = room.open(one(), { position });
    await new Promise((resolve) => setImmediate(resolve));
    pausing.window.left = 0;
    await settled();
    expect([pausing.lives, pausing.reader?.state]).toEqual([0, 'full']);
    pausing.take(Infinity);
    await settled();
    expect([pausing.lives, pausing.reader?.state]).toEqual([1, 'live']);
  });

  it('LAW 7: hold nothing back of what others are given over the same connection when their sink fails', async () => {
    const room = new Room();
    const failing = room.open(one());
    let corked = 0;
    let corkedAtEnd: number | undefined;
    Object.assign(failing, {
      cork: () => (corked += 1),
      uncork: () => (corked -= 1),
      failed: () => (corkedAtEnd = corked),
      entry: () => {
        throw new RangeError('a defect');
      },
    });
    await room.publish('a1', 'a2');
    await settled();
    expect(corkedAtEnd).toBe(0);
  });

  it('that are full keep nothing of what they were woken for: they are told of the gap when retention was faster', async () => {
    const room = new Room();
    const client = room.open(one());
    await settled();
    client.window.left = 0;
    await room.publish('a1');
    await settled();
    expect([client.reader?.state, client.reader?.found]).toEqual(['full', undefined]);
    await room.log.trim({ ...KEEP_ALL, count: 0 }, 0);
    client.take(Infinity);
    await settled();
    expect([client.ids, client.gaps.map(({ reason }) => reason)]).toEqual([[], ['evicted']]);
  });

  it('leave the event loop to others after a millisecond, however many of them have room, and have their turns in order', async () => {
    let now = 0;
    const room = new Room(1_000, { ...systemClock, monotonic: () => now });
    const given: number[] = [];
    for (let nth = 1; nth <= 5; nth++)
      room.open(one()).entry = () => {
        given.push(nth);
        now += 0.75;
      };
    await settled();
    await room.publish('a1');
    const turns: number[][] = [];
    while (given.length < 5) {
      await new Promise((resolve) => setImmediate(resolve));
      turns.push([...given]);
    }
    expect(turns).toEqual([
      [1, 2],
      [1, 2, 3, 4],
      [1, 2, 3, 4, 5],
    ]);
  });

  it('know where they stand, also when what came was not for them', async () => {
    const room = new Room();
    const client = room.open(one());
    const position = await room.publish('a1', 'b1');
    await settled();
    expect(room.readers.cursorOf(client.reader!)).toBe(`memory.${position}`);
  });
});

it('LAW 12: whatever is published, read and removed in whatever order, nobody misses anything silently or has it twice', async () => {
  const publish = fc.record({
    kind: fc.constant('publish' as const),
    letters: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 }),
  });
  const take = fc.record({
    kind: fc.constant('take' as const),
    nth: fc.nat(2),
    count: fc.constantFrom(1, 2, 3, Infinity),
  });
  const trim = fc.record({ kind: fc.constant('trim' as const), count: fc.nat(6) });
  const rest = fc.constant({ kind: 'rest' as const });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(publish, take, rest, trim), { minLength: 5, maxLength: 30 }),
      async (steps) => {
        const room = new Room(3);
        const clients = [one(), two(), pattern()].map((selection) => room.open(selection, { left: 2 }));
        const published: string[] = [];
        for (const step of steps) {
          if (step.kind === 'publish') {
            const ids = step.letters.map((letter, nth) => `${letter}${published.length + nth}`);
            published.push(...ids);
            await room.publish(...ids);
          } else if (step.kind === 'take') clients[step.nth]!.take(step.count);
          else if (step.kind === 'trim') await room.log.trim({ ...KEEP_ALL, count: step.count }, 0);
          else await settled();
        }
        for (const client of clients) client.take(Infinity);
        await settled();
        for (const client of clients) {
          const wanted = published.filter((id) => client.reader!.selection.includes(topicOf(id)));
          expect(new Set(client.ids).size).toBe(client.ids.length);
          expect(client.ids).toEqual(wanted.filter((id) => client.ids.includes(id)));
          expect(client.ids.length === wanted.length || client.gaps.length > 0).toBe(true);
        }
      },
    ),
    { numRuns: 60 },
  );
});
