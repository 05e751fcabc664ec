import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLog } from '@websub/hub/contract';
import fc from 'fast-check';
import { it } from 'vitest';
import { HotTail } from '../../packages/hub/dist/log/hot-tail.js';
import { openSqliteStore } from '../../packages/hub/dist/store/sqlite/sqlite-store.js';
import type { Store } from './opener.js';

type Log = Store['log'];
type NewEntry = Parameters<Log['append']>[0][number];
type Position = ReturnType<Log['head']>;
type Entry = Extract<Awaited<ReturnType<Log['read']>>, { kind: 'entries' }>['entries'][number];

const TOPICS = ['a', 'b', 'c', 'd'];
const START = 0 as Position;
const HOUR = 3_600_000;
const CLOCK_BACK_HOURS = 3;

/** The log under test, the tail over it, and the model. Positions are compared by their rank: they may have gaps. */
class Run {
  readonly model = new MemoryLog();
  readonly #folder: string;
  readonly #ranks = new Map<Position, Position>([[START, START]]);
  readonly #positions = new Map<Position, Position>([[START, START]]);
  #store: Store;
  #now = 100 * HOUR;
  tail: HotTail;

  private constructor(folder: string, store: Store) {
    this.#folder = folder;
    this.#store = store;
    this.tail = tinyTail(store);
  }

  static async start(folder: string): Promise<Run> {
    return new Run(folder, await openSqliteStore({ folder }));
  }

  async reopen(): Promise<void> {
    await this.#store.close();
    this.#store = await openSqliteStore({ folder: this.#folder });
    this.tail = tinyTail(this.#store);
    assert.equal(this.rank(this.tail.head()), this.model.head());
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  get log(): Log {
    return this.#store.log;
  }

  /** The entry, published so much later than the one before, by a clock that may go back. */
  entryOf({ hoursLater, clockBackHours, ...entry }: Generated): NewEntry {
    this.#now += hoursLater * HOUR;
    return { ...entry, publishedAt: this.#now - clockBackHours * HOUR };
  }

  /** A time that no further entry precedes. */
  get earliest(): number {
    return this.#now - CLOCK_BACK_HOURS * HOUR;
  }

  learn(actual: Position, modelled: Position): void {
    this.#ranks.set(actual, modelled);
    this.#positions.set(modelled, actual);
  }

  rank(position: Position): Position {
    return this.#ranks.get(position)!;
  }

  position(rank: Position): Position {
    return this.#positions.get(rank)!;
  }
}

/** Room for a few entries, so that most runs come to every way of finding an entry. */
function tinyTail(store: Store): HotTail {
  return new HotTail(store.log, { hotBytes: 6 * 512, coldBytes: 4 * 512 });
}

const topic = fc.constantFrom(...TOPICS);
const newEntry = fc.record({
  topic,
  id: fc.constantFrom('1', '2', '3'),
  idempotent: fc.boolean(),
  content: fc.record({ body: fc.uint8Array({ maxLength: 40 }), contentType: fc.constant('text/plain') }),
  headers: fc.dictionary(fc.stringMatching(/^x-[a-z]$/), fc.string({ maxLength: 4 }), { maxKeys: 2 }),
  hoursLater: fc.integer({ min: 0, max: 6 }),
  clockBackHours: fc.integer({ min: 0, max: CLOCK_BACK_HOURS }),
});
/** Some position that was given, or the start. */
const someRank = fc.nat();

type Generated = typeof newEntry extends fc.Arbitrary<infer T> ? T : never;
type Step = (run: Run) => Promise<void>;

const append = fc
  .array(fc.array(newEntry, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
  .map((calls): Step => async (run) => {
    const batches = calls.map((entries) => entries.map((entry) => run.entryOf(entry)));
    const answers = await Promise.all(batches.map((entries) => run.tail.append(entries)));
    for (const [index, entries] of batches.entries()) {
      const modelled = await run.model.append(entries);
      const actual = answers[index]!;
      for (const [place, { position, fresh }] of modelled.entries()) {
        if (fresh) run.learn(actual[place]!.position, position);
      }
      assert.deepEqual(
        actual.map((one) => ({ ...one, position: run.rank(one.position) })),
        modelled,
      );
    }
    assert.equal(run.rank(run.tail.head()), run.model.head());
  });

const read = fc
  .record({
    topics: fc.subarray(TOPICS),
    nth: someRank,
    entries: fc.integer({ min: 1, max: 5 }),
    bytes: fc.integer({ min: 0, max: 100 }),
  })
  .map(({ topics, nth, ...limit }): Step => async (run) => {
    const after = afterOf(run, nth);
    const modelled = await run.model.read(topics, after, limit);
    for (const log of [run.log, run.tail]) {
      const actual = await log.read(topics, run.position(after), limit);
      assert.deepEqual(asModelled(run, actual), asModelled(undefined, modelled));
    }
    const newest = await run.log.newest(topics);
    assert.deepEqual(
      new Map([...newest].map(([url, position]) => [url, run.rank(position)])),
      await run.model.newest(topics),
    );
  });

const follow = fc.record({ url: topic, nth: someRank }).map(({ url, nth }): Step => async (run) => {
  const after = afterOf(run, nth);
  const expected = await readOn(run.model, url, after);
  const { entries, gaps } = await followOn(run.tail, url, run.position(after));
  // Memory may still give what retention has removed, and then there is no gap to be told of.
  const removed = entries.length - expected.entries.length;
  assert.deepEqual(
    entries.slice(removed).map((entry) => plain(entry, run)),
    expected.entries.map((entry) => plain(entry)),
  );
  if (removed === 0) assert.equal(gaps, expected.gaps);
});

const trim = fc
  .record({
    ageMs: fc.integer({ min: 0, max: 80 }).map((hours) => hours * HOUR),
    count: fc.integer({ min: 0, max: 20 }),
    bytes: fc.integer({ min: 0, max: 600 }),
  })
  .map((retention): Step => async (run) => {
    const now = run.earliest;
    assert.equal(await run.tail.trim(retention, now), await run.model.trim(retention, now));
  });

const reopen = fc.constant<Step>((run) => run.reopen());

it('the log in SQLite, and the hot tail over it, do what the model does', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: append },
    { weight: 4, arbitrary: read },
    { weight: 4, arbitrary: follow },
    { weight: 2, arbitrary: trim },
    { weight: 1, arbitrary: reopen },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const folder = await mkdtemp(join(tmpdir(), 'websub-model-'));
      const run = await Run.start(folder);
      try {
        for (const one of steps) await one(run);
      } finally {
        await run.close();
        await rm(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: Number(process.env['WEBSUB_MODEL_RUNS'] ?? 20) },
  );
}, 600_000);

function afterOf(run: Run, nth: number): Position {
  // The model counts 1, 2, 3: any number up to its head is a position that was given.
  return (nth % (run.model.head() + 1)) as Position;
}

async function readOn(log: Log, url: string, start: Position): Promise<{ entries: Entry[]; gaps: number }> {
  const entries: Entry[] = [];
  let gaps = 0;
  for (let after = start; ;) {
    const found = await log.read([url], after, { entries: 100, bytes: Infinity });
    if (found.kind === 'caught-up') return { entries, gaps };
    if (found.kind === 'gap') {
      gaps += 1;
      after = found.resume;
    } else {
      entries.push(...found.entries);
      after = found.entries.at(-1)!.position;
    }
  }
}

/** What a delivery does: one entry after another. */
async function followOn(
  tail: HotTail,
  url: string,
  start: Position,
): Promise<{ entries: Entry[]; gaps: number }> {
  const entries: Entry[] = [];
  let gaps = 0;
  for (let after = start; ;) {
    const hot = tail.next(url, after);
    const found = hot === 'cold' ? await tail.fetch(url, after) : hot;
    if (found === 'caught-up') return { entries, gaps };
    if ('gap' in found) {
      gaps += 1;
      after = found.gap;
    } else {
      entries.push(found);
      after = found.position;
    }
  }
}

function asModelled(run: Run | undefined, answer: Awaited<ReturnType<Log['read']>>): unknown {
  if (answer.kind === 'caught-up') return answer;
  if (answer.kind === 'gap')
    return { ...answer, resume: run === undefined ? answer.resume : run.rank(answer.resume) };
  return { ...answer, entries: answer.entries.map((entry) => plain(entry, run)) };
}

function plain(entry: Entry, run?: Run): unknown {
  return {
    ...entry,
    content: { ...entry.content, body: [...entry.content.body] },
    headers: { ...entry.headers },
    position: run === undefined ? entry.position : run.rank(entry.position),
  };
}
