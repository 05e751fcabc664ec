import assert from 'node:assert/strict';
import { BEFORE_ALL, type Log, type Position, type Whereabouts } from '../log/log.js';
import { promise, promiseForEver, type ContractCase } from './contract-case.js';
import { ALL, appendAll, entriesAfter, entryOf, FEED, idsOf, KEEP_ALL, NEWS, NOON } from './samples.js';

const IDS = ['a', 'b', 'c', 'd', 'e'];

/** What every log promises of finding a place in it. */
export const lookupContract: readonly ContractCase<Log>[] = [
  promise('its contents name topics and positions, in log order, and go on from there', async (log) => {
    const [a] = await appendAll(log, ['a']);
    const [b] = await appendAll(log, ['b'], { topic: NEWS });
    const [c] = await appendAll(log, ['c']);
    assert.deepEqual(plain(await contentsAfter(log, BEFORE_ALL, 2)), [
      [FEED, a],
      [NEWS, b],
    ]);
    assert.deepEqual(plain(await contentsAfter(log, b!, 2)), [[FEED, c]]);
    assert.deepEqual(await log.contentsAfter(c!, 2), { kind: 'caught-up' });
    assert.deepEqual(plain(await log.contentsThrough(log.head(), 2)), [
      [FEED, c],
      [NEWS, b],
    ]);
    assert.deepEqual(plain(await log.contentsThrough(a!, 2)), [[FEED, a]]);
    assert.deepEqual(await log.contentsThrough(BEFORE_ALL, 2), []);
  }),
  promise('its contents tell of a gap when entries of any topic were removed', async (log) => {
    const [a, b] = await appendAll(log, IDS);
    await log.trim({ ...KEEP_ALL, count: 3 }, NOON);
    assert.deepEqual(await log.contentsAfter(a!, 10), { kind: 'gap', resume: b });
    assert.equal((await contentsAfter(log, b!, 10)).length, 3);
  }),
  promise('entries are found by their id, the newest first', async (log) => {
    const [first] = await appendAll(log, ['a']);
    const [second] = await appendAll(log, ['a'], { topic: NEWS });
    await appendAll(log, ['b']);
    assert.deepEqual(plain(await log.named('a', 10)), [
      [NEWS, second],
      [FEED, first],
    ]);
    assert.deepEqual(plain(await log.named('a', 1)), [[NEWS, second]]);
    assert.deepEqual(await log.named('A', 10), []);
  }),
  promise('the earliest place gives everything that is kept, without a gap', async (log) => {
    assert.equal(await log.earliest(), BEFORE_ALL);
    await appendAll(log, IDS);
    assert.equal(await log.earliest(), BEFORE_ALL);
    await log.trim({ ...KEEP_ALL, count: 2 }, NOON);
    assert.deepEqual(await idsAfter(log, await log.earliest()), ['d', 'e']);
    await log.trim({ ...KEEP_ALL, count: 0 }, NOON);
    assert.deepEqual(await idsAfter(log, await log.earliest()), []);
  }),
  promise('the newest entries of several topics are counted together', async (log) => {
    for (const id of IDS) await log.append([entryOf(id), entryOf(`${id}2`, { topic: NEWS })]);
    const lastOf = async (topics: readonly string[], count: number) =>
      idsOf(await entriesAfter(log, topics, await log.last(topics, count)));
    assert.deepEqual(await lastOf([FEED], 2), ['d', 'e']);
    assert.deepEqual(await lastOf([FEED, NEWS, FEED], 3), ['d2', 'e', 'e2']);
    assert.deepEqual(await lastOf([FEED], 0), []);
    assert.deepEqual(await lastOf([FEED], 100), IDS);
    assert.deepEqual(await lastOf(['unknown'], 3), []);
    await log.trim({ ...KEEP_ALL, count: 3 }, NOON);
    assert.deepEqual(await lastOf([FEED], 100), ['e']);
  }),
  promise('a time is a place in the whole log', async (log) => {
    for (const [nth, id] of IDS.entries())
      await log.append([entryOf(id, { publishedAt: NOON + nth, topic: nth % 2 === 0 ? FEED : NEWS })]);
    const since = async (time: number) => idsAfter(log, await log.since(time));
    assert.deepEqual(await since(NOON + 3), ['d', 'e']);
    assert.deepEqual(await since(NOON + 2.5), ['d', 'e']);
    assert.deepEqual(await since(NOON), IDS);
    assert.deepEqual(await since(0), IDS);
    assert.deepEqual(await since(NOON + 5), []);
  }),
  promise('a time before what is kept tells of a gap only when something of it was removed', async (log) => {
    for (const [nth, id] of IDS.entries()) await log.append([entryOf(id, { publishedAt: NOON + nth })]);
    await log.trim({ ...KEEP_ALL, count: 2 }, NOON);
    assert.equal((await log.read([FEED], await log.since(NOON + 2), ALL)).kind, 'gap');
    assert.deepEqual(await idsAfter(log, await log.since(NOON + 2.5)), ['d', 'e']);
    await log.trim({ ...KEEP_ALL, count: 0 }, NOON);
    assert.deepEqual(await log.read([FEED], await log.since(NOON + 4.5), ALL), { kind: 'caught-up' });
  }),
  promise('a time of the publisher is a place in its topic, wherever later ones lie', async (log) => {
    const times = [
      ['a', 2000],
      ['b', 10],
      ['c', -5],
      ['d', 20],
    ] as const;
    for (const [id, eventTime] of times) {
      await log.append([entryOf(id, { eventTime }), entryOf(`${id}2`, { topic: NEWS, eventTime: 20 })]);
      await log.append([entryOf(`${id} without`)]);
    }
    const since = async (time: number) =>
      (await entriesAfter(log, [FEED], await log.sinceEventTime(FEED, time)))
        .filter(({ eventTime }) => eventTime !== undefined && eventTime >= time)
        .map(({ id, eventTime }) => [id, eventTime]);
    assert.deepEqual(await since(20), [
      ['a', 2000],
      ['d', 20],
    ]);
    assert.deepEqual(await since(-5), times);
    assert.deepEqual(await since(2001), []);
    assert.equal(await log.sinceEventTime(FEED, 2001), log.head());
    assert.equal(await log.sinceEventTime('unknown', 0), log.head());
  }),
  promise(
    'of what retention removed no time of the publisher is found, and none tells of a gap',
    async (log) => {
      for (const [nth, id] of IDS.entries()) await log.append([entryOf(id, { eventTime: nth })]);
      await log.trim({ ...KEEP_ALL, count: 2 }, NOON);
      const place = await log.sinceEventTime(FEED, 0);
      assert.deepEqual(idsOf(await entriesAfter(log, [FEED], place)), ['d', 'e']);
      const [after] = await appendAll(log, ['f']);
      assert.ok((await log.sinceEventTime(FEED, 5)) >= after!);
    },
  ),
  promiseForEver('a time of the publisher is found after a restart, as it was', async (open) => {
    const before = await open();
    await before.append([
      entryOf('a', { eventTime: 1 }),
      entryOf('b', { eventTime: Number.MAX_SAFE_INTEGER }),
    ]);
    const after = await open();
    const place = await after.sinceEventTime(FEED, Number.MAX_SAFE_INTEGER);
    const [entry] = await entriesAfter(after, [FEED], place);
    assert.deepEqual([entry?.id, entry?.eventTime, entry?.corrupt], ['b', Number.MAX_SAFE_INTEGER, false]);
  }),
  promiseForEver('places are found after a restart', async (open) => {
    const before = await open();
    const positions = await appendAll(before, IDS);
    await before.trim({ ...KEEP_ALL, count: 3 }, NOON);
    const after = await open();
    assert.equal(await after.earliest(), positions[1]);
    assert.deepEqual(plain(await after.named('d', 10)), [[FEED, positions[3]]]);
    assert.equal(await after.since(NOON), BEFORE_ALL);
    assert.equal(await after.last([FEED], 1), positions[3]);
  }),
];

async function contentsAfter(log: Log, after: Position, limit: number): Promise<readonly Whereabouts[]> {
  const contents = await log.contentsAfter(after, limit);
  assert.equal(contents.kind, 'entries');
  return contents.kind === 'entries' ? contents.entries : [];
}

async function idsAfter(log: Log, after: Position): Promise<readonly string[]> {
  return idsOf(await entriesAfter(log, [FEED, NEWS], after));
}

function plain(found: readonly Whereabouts[]): readonly (readonly [string, Position])[] {
  return found.map(({ topic, position }) => [topic, position]);
}
