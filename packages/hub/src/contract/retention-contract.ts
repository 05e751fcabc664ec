import assert from 'node:assert/strict';
import { BEFORE_ALL, type Log } from '../log/log.js';
import { promise, promiseForEver, type ContractCase } from './contract-case.js';
import {
  ALL,
  appendAll,
  contentOf,
  entriesAfter,
  entryOf,
  FEED,
  HOUR,
  idsOf,
  KEEP_ALL,
  NEWS,
  NOON,
} from './samples.js';

const IDS = ['a', 'b', 'c', 'd', 'e'];

/** What every log promises of retention. */
export const retentionContract: readonly ContractCase<Log>[] = [
  promise('trimming by count removes the oldest over all topics', async (log) => {
    const [, b, c] = await appendAll(log, IDS);
    await appendAll(log, ['f'], { topic: NEWS });
    assert.equal(await log.trim({ ...KEEP_ALL, count: 4 }, NOON), 2);
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED, NEWS], b!)), ['c', 'd', 'e', 'f']);
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED], c!)), ['d', 'e']);
    assert.equal(await log.trim({ ...KEEP_ALL, count: 4 }, NOON), 0);
  }),
  promise('trimming by bytes keeps at most that many', async (log) => {
    const positions = await appendAll(log, IDS, { content: contentOf('ten bytes.') });
    assert.equal(await log.trim({ ...KEEP_ALL, bytes: 50 }, NOON), 0);
    assert.equal(await log.trim({ ...KEEP_ALL, bytes: 29 }, NOON), 3);
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED], positions[2]!)), ['d', 'e']);
  }),
  promise('trimming by age keeps what is young enough, and what follows it', async (log) => {
    const ages = [3 * HOUR, 2 * HOUR, HOUR, 5 * HOUR, 0];
    const appended = await log.append(
      IDS.map((id, index) => entryOf(id, { publishedAt: NOON - ages[index]! })),
    );
    assert.equal(await log.trim({ ...KEEP_ALL, ageMs: 2 * HOUR }, NOON), 1);
    assert.equal(await log.trim({ ...KEEP_ALL, ageMs: 2 * HOUR - 1 }, NOON), 1);
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED], appended[1]!.position)), ['c', 'd', 'e']);
  }),
  promise('a reader that missed entries is told of the gap, and misses nothing that is left', async (log) => {
    const [a, b] = await appendAll(log, IDS);
    await log.trim({ ...KEEP_ALL, count: 3 }, NOON);
    for (const after of [BEFORE_ALL, a!]) {
      const read = await log.read([FEED, NEWS], after, ALL);
      assert.deepEqual(read, { kind: 'gap', resume: b });
    }
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED, NEWS], b!)), ['c', 'd', 'e']);
  }),
  promise('a reader of a quiet topic is told of no gap that is not its own', async (log) => {
    const [quiet] = await appendAll(log, ['quiet'], { topic: NEWS });
    await appendAll(log, IDS);
    await log.trim({ ...KEEP_ALL, count: 0 }, NOON);
    assert.deepEqual(await log.read([NEWS], quiet!, ALL), { kind: 'caught-up' });
    assert.deepEqual(await log.read(['never published'], BEFORE_ALL, ALL), { kind: 'caught-up' });
    assert.deepEqual(await log.read([NEWS], BEFORE_ALL, ALL), { kind: 'gap', resume: quiet });
    assert.equal((await log.read([NEWS, FEED], quiet!, ALL)).kind, 'gap');
  }),
  promise('newest positions, head and repeated ids are known after everything was removed', async (log) => {
    const [first] = await log.append([entryOf('a', { idempotent: true })]);
    const [b] = await appendAll(log, ['b'], { topic: NEWS });
    assert.equal(await log.trim({ ...KEEP_ALL, count: 0 }, NOON), 2);
    assert.deepEqual(
      await log.newest([FEED, NEWS]),
      new Map([
        [FEED, first!.position],
        [NEWS, b!],
      ]),
    );
    assert.equal(log.head(), b);
    assert.deepEqual(await log.append([entryOf('a', { idempotent: true })]), [{ ...first, fresh: false }]);
    const [c] = await appendAll(log, ['c']);
    assert.ok(c! > b!);
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED], first!.position)), ['c']);
  }),
  promise('its size is that of the entries that are kept', async (log) => {
    assert.deepEqual(await log.size(), { entries: 0, bytes: 0 });
    await appendAll(log, IDS, { content: contentOf('ten bytes.') });
    assert.deepEqual(await log.size(), { entries: 5, bytes: 50 });
    await log.trim({ ...KEEP_ALL, count: 2 }, NOON);
    assert.deepEqual(await log.size(), { entries: 2, bytes: 20 });
  }),
  promise('trimming forgets no id of the last 24 hours', async (log) => {
    const at = (publishedAt: number) => entryOf(`id-${publishedAt}`, { idempotent: true, publishedAt });
    await log.append([at(NOON), at(NOON + HOUR)]);
    await log.trim(KEEP_ALL, NOON + 24 * HOUR);
    // The clock went back, so a log that still knows the id must answer the first entry.
    const answers = await log.append([at(NOON + HOUR)]);
    assert.deepEqual(
      answers.map(({ fresh }) => fresh),
      [false],
    );
  }),
  promise('what is appended while it trims is kept', async (log) => {
    const old = Array.from({ length: 3_000 }, (_, index) =>
      entryOf(`old-${index}`, { publishedAt: NOON - HOUR }),
    );
    const last = (await log.append(old)).at(-1)!.position;
    const trimming = log.trim({ ...KEEP_ALL, ageMs: HOUR - 1 }, NOON);
    await appendAll(log, IDS);
    assert.equal(await trimming, 3_000);
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED], last)), IDS);
  }),
  promiseForEver('gaps, head and newest positions are known after a restart', async (open) => {
    const before = await open();
    const [a, b] = await appendAll(before, ['a', 'b']);
    const [c] = await appendAll(before, ['c'], { topic: NEWS });
    await before.trim({ ...KEEP_ALL, count: 1 }, NOON);
    const after = await open();
    assert.deepEqual(await after.read([FEED], a!, ALL), { kind: 'gap', resume: b });
    assert.deepEqual(await after.read([FEED], b!, ALL), { kind: 'caught-up' });
    assert.deepEqual(idsOf(await entriesAfter(after, [NEWS], BEFORE_ALL)), ['c']);
    await after.trim({ ...KEEP_ALL, count: 0 }, NOON);
    const empty = await open();
    assert.equal(empty.head(), c);
    assert.deepEqual(
      await empty.newest([FEED, NEWS]),
      new Map([
        [FEED, b!],
        [NEWS, c!],
      ]),
    );
    const [d] = await appendAll(empty, ['d']);
    assert.ok(d! > c!);
  }),
];
