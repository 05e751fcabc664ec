import assert from 'node:assert/strict';
import { BEFORE_ALL, type Entry, type Log, type Position } from '../log/log.js';
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
import { lookupContract } from './lookup-contract.js';
import { retentionContract } from './retention-contract.js';

type Case = ContractCase<Log>;

const appending: readonly Case[] = [
  promise('an empty log has nothing to read', async (log) => {
    assert.match(log.epoch, /^[a-z0-9]+$/);
    assert.equal(log.head(), BEFORE_ALL);
    assert.deepEqual(await log.read([FEED], BEFORE_ALL, ALL), { kind: 'caught-up' });
    assert.deepEqual([...(await log.newest([FEED]))], []);
    assert.deepEqual(await log.append([]), []);
  }),
  promise('positions grow in the order of the entries of one call', async (log) => {
    const appended = await log.append([entryOf('a'), entryOf('b', { topic: NEWS }), entryOf('c')]);
    assert.deepEqual(
      appended.map(({ id, fresh }) => [id, fresh]),
      [
        ['a', true],
        ['b', true],
        ['c', true],
      ],
    );
    assertGrowing(appended.map(({ position }) => position));
    assert.equal(log.head(), appended[2]!.position);
  }),
  promise('a passing entry has a position and is told of, and nothing is kept of it', async (log) => {
    const told: string[] = [];
    log.wake((entries) => told.push(...entries.map(({ id, position }) => `${id} ${position}`)));
    const [a] = await appendAll(log, ['a']);
    const [passing] = await log.append([entryOf('passing', { topic: NEWS, passing: true })]);
    const [b] = await appendAll(log, ['b']);
    assertGrowing([a!, passing!.position, b!]);
    assert.deepEqual(told, [`a ${a}`, `passing ${passing!.position}`, `b ${b}`]);
    assert.equal((await log.size()).entries, 2);
    assert.deepEqual([...(await log.newest([NEWS]))], []);
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED], BEFORE_ALL)), ['a', 'b']);
  }),
  promise('calls made together are appended in the order of the calls', async (log) => {
    const ids = Array.from({ length: 200 }, (_, index) => `entry-${index}`);
    assertGrowing(await appendAll(log, ids));
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED], BEFORE_ALL)), ids);
  }),
  promise('an entry is read as it was appended', async (log) => {
    const entry = entryOf('ид/1', {
      subject: 'Order/ü 7',
      topic: 'https://publisher.example/ünï?q=1&r=%F0%9F%A6%8A#x',
      type: 'invoice.paid',
      content: {
        body: Uint8Array.from({ length: 256 }, (_, byte) => byte),
        contentType: 'text/html; charset=utf-8',
      },
      headers: { 'x-event': 'paid', 'x-quoted': '"\\ü', __proto__x: 'y' },
      publishedAt: NOON + 1,
    });
    const [appended] = await log.append([entry]);
    const [read] = await entriesAfter(log, [entry.topic], BEFORE_ALL);
    const { idempotent: _, ...fields } = entry;
    assertEntry(read, { ...fields, position: appended!.position, corrupt: false });
  }),
  promise('an entry without a type and a subject has none, and an empty body stays empty', async (log) => {
    await log.append([entryOf('a', { content: contentOf('') })]);
    const [read] = await entriesAfter(log, [FEED], BEFORE_ALL);
    assert.equal('type' in read!, false);
    assert.equal('subject' in read!, false);
    assert.equal(read!.content.body.byteLength, 0);
    assert.equal(read!.corrupt, false);
  }),
  promise('a body of 5 MiB is kept, and so is a view into a larger memory', async (log) => {
    const large = new Uint8Array(5 * 1024 * 1024).map((_, index) => index * 7);
    const view = large.subarray(1000, 2000);
    await log.append([
      entryOf('large', { content: { body: large, contentType: 'a/b' } }),
      entryOf('view', { content: { body: view, contentType: 'a/b' } }),
    ]);
    const [first, second] = await entriesAfter(log, [FEED], BEFORE_ALL);
    assert.equal(Buffer.compare(first!.content.body, large), 0);
    assert.equal(Buffer.compare(second!.content.body, view), 0);
  }),
];

const idempotency: readonly Case[] = [
  promise('a repeated idempotent entry is answered with the first one', async (log) => {
    const [first] = await log.append([entryOf('a', { idempotent: true, content: contentOf('first') })]);
    const [again] = await log.append([entryOf('a', { idempotent: true, content: contentOf('second') })]);
    assert.deepEqual(again, { ...first, fresh: false });
    assert.equal(log.head(), first!.position);
    const entries = await entriesAfter(log, [FEED], BEFORE_ALL);
    assert.deepEqual(
      entries.map(({ content }) => new TextDecoder().decode(content.body)),
      ['first'],
    );
  }),
  promise('entries repeated in one call, and in calls made together, are appended once', async (log) => {
    const one = entryOf('a', { idempotent: true });
    const answers = (await Promise.all([log.append([one, one]), log.append([one])])).flat();
    assert.deepEqual(
      answers.map(({ fresh }) => fresh),
      [true, false, false],
    );
    assert.equal(new Set(answers.map(({ position }) => position)).size, 1);
    assert.equal((await entriesAfter(log, [FEED], BEFORE_ALL)).length, 1);
  }),
  promise(
    'the same id in another topic, or of entries that are not idempotent, is another entry',
    async (log) => {
      const answers = await log.append([
        entryOf('a', { idempotent: true }),
        entryOf('a', { idempotent: true, topic: NEWS }),
        entryOf('b'),
        entryOf('b'),
      ]);
      assert.ok(answers.every(({ fresh }) => fresh));
    },
  ),
  promise('an id may be used again after 24 hours', async (log) => {
    const at = (publishedAt: number) => entryOf('a', { idempotent: true, publishedAt });
    const answers = await log.append([
      at(NOON),
      at(NOON + 24 * HOUR - 1),
      at(NOON + 24 * HOUR),
      at(NOON + 25 * HOUR),
    ]);
    assert.deepEqual(
      answers.map(({ fresh }) => fresh),
      [true, false, true, false],
    );
    assert.equal(answers[3]!.position, answers[2]!.position);
  }),
];

const reading: readonly Case[] = [
  promise('a read gives what follows the position, of the topics asked for, in log order', async (log) => {
    const topics = ['t1', 't2', 't3'];
    const ids = Array.from({ length: 30 }, (_, index) => `entry-${index}`);
    const appended = await log.append(ids.map((id, index) => entryOf(id, { topic: topics[index % 3]! })));
    const after = appended[8]!.position;
    const expected = ids.filter((_, index) => index > 8 && index % 3 !== 1);
    assert.deepEqual(idsOf(await entriesAfter(log, ['t3', 'unknown', 't1', 't3'], after)), expected);
  }),
  promise('a reader of everything that its topics have is caught up', async (log) => {
    const [first, last] = await appendAll(log, ['a', 'b']);
    await log.append([entryOf('c', { topic: NEWS })]);
    assert.deepEqual(await log.read([FEED], last!, ALL), { kind: 'caught-up' });
    assert.deepEqual(await log.read([FEED], log.head(), ALL), { kind: 'caught-up' });
    assert.deepEqual(await log.read([], first!, ALL), { kind: 'caught-up' });
  }),
  promise('a read stops at its number of entries, and goes on from there', async (log) => {
    await appendAll(log, ['a', 'b', 'c', 'd', 'e']);
    const ids: string[] = [];
    let after: Position = BEFORE_ALL;
    for (;;) {
      const read = await log.read([FEED, NEWS], after, { ...ALL, entries: 2 });
      if (read.kind !== 'entries') break;
      assert.ok(read.entries.length <= 2);
      ids.push(...idsOf(read.entries));
      after = read.entries.at(-1)!.position;
    }
    assert.deepEqual(ids, ['a', 'b', 'c', 'd', 'e']);
  }),
  promise('a read stops with the entry that reaches its bytes, and always gives one', async (log) => {
    const content = contentOf('ten bytes.');
    await appendAll(log, ['a', 'b', 'c'], { content });
    const idsWithin = async (bytes: number): Promise<string[]> => {
      const read = await log.read([FEED], BEFORE_ALL, { ...ALL, bytes });
      return read.kind === 'entries' ? idsOf(read.entries) : [];
    };
    assert.deepEqual(await idsWithin(0), ['a']);
    assert.deepEqual(await idsWithin(10), ['a']);
    assert.deepEqual(await idsWithin(11), ['a', 'b']);
    assert.deepEqual(await idsWithin(1000), ['a', 'b', 'c']);
    const read = await log.read([FEED], BEFORE_ALL, { entries: 0, bytes: 0 });
    assert.equal(read.kind, 'entries');
  }),
  promise('the newest position is known for each topic that has one', async (log) => {
    const [, second] = await appendAll(log, ['a', 'b']);
    const [third] = await appendAll(log, ['c'], { topic: NEWS });
    assert.deepEqual(
      await log.newest([NEWS, 'unknown', FEED]),
      new Map([
        [NEWS, third!],
        [FEED, second!],
      ]),
    );
  }),
];

const waking: readonly Case[] = [
  promise(
    'listeners are told of fresh entries, each once, in log order, before the append settles',
    async (log) => {
      const told: Entry[] = [];
      log.wake((entries) => told.push(...entries));
      const appends = ['a', 'b', 'a'].map((id) => log.append([entryOf(id, { idempotent: true })]));
      await Promise.all(appends);
      assert.deepEqual(idsOf(told), ['a', 'b']);
      await log.append([entryOf('b', { idempotent: true }), entryOf('c')]);
      assert.deepEqual(idsOf(told), ['a', 'b', 'c']);
      const read = await entriesAfter(log, [FEED], BEFORE_ALL);
      told.forEach((entry, index) => assertEntry(entry, read[index]!));
    },
  ),
  promise('whoever is told finds the entries by reading, and the head past them', async (log) => {
    const found: Promise<readonly Entry[]>[] = [];
    log.wake((entries) => {
      assert.ok(log.head() >= entries.at(-1)!.position);
      found.push(entriesAfter(log, [FEED], BEFORE_ALL));
    });
    await log.append([entryOf('a')]);
    assert.deepEqual(idsOf((await Promise.all(found)).flat()), ['a']);
  }),
  promise('what listeners are told of holds no memory besides its own', async (log) => {
    const told: Entry[] = [];
    log.wake((entries) => told.push(...entries));
    const received = Buffer.alloc(64 * 1024);
    const bodies = [received.subarray(10, 11), received, Buffer.from('from the pool of Node')];
    await log.append(
      bodies.map((body, nth) => entryOf(`${nth}`, { content: { body, contentType: 'text/plain' } })),
    );
    assert.deepEqual(
      told.map(({ content }) => content.body.buffer.byteLength),
      bodies.map(({ byteLength }) => byteLength),
    );
  }),
  promise('a listener that has ended is not told', async (log) => {
    let told = 0;
    const listener = (): void => void (told += 1);
    const end = log.wake(listener);
    log.wake(listener);
    await log.append([entryOf('a')]);
    assert.equal(told, 2);
    end();
    end();
    await log.append([entryOf('b')]);
    assert.equal(told, 3);
  }),
];

const reopening: readonly Case[] = [
  promiseForEver('epoch, head and entries are there after a restart, and positions go on', async (open) => {
    const before = await open();
    const { epoch } = before;
    const [first, second] = await appendAll(before, ['a', 'b']);
    const after = await open();
    assert.equal(after.epoch, epoch);
    assert.equal(after.head(), second);
    assert.deepEqual(idsOf(await entriesAfter(after, [FEED], first!)), ['b']);
    const [third] = await appendAll(after, ['c']);
    assertGrowing([second!, third!]);
  }),
  promiseForEver('an idempotent entry is recognised after a restart', async (open) => {
    const [first] = await (await open()).append([entryOf('a', { idempotent: true })]);
    const [again] = await (await open()).append([entryOf('a', { idempotent: true })]);
    assert.deepEqual(again, { ...first, fresh: false });
  }),
];

const finding: readonly Case[] = [
  promise('an entry is found by its topic and position', async (log) => {
    const [first, second] = await appendAll(log, ['a', 'b']);
    const { idempotent: _, ...fields } = entryOf('b');
    assertEntry(await log.find(FEED, second!), { ...fields, position: second!, corrupt: false });
    assert.equal((await log.find(FEED, first!))?.id, 'a');
    assert.equal(await log.find(NEWS, first!), undefined);
    assert.equal(await log.find(FEED, BEFORE_ALL), undefined);
  }),
  promise('reading goes on with what was published at a time or later', async (log) => {
    for (const [nth, id] of ['a', 'b', 'c'].entries())
      await log.append([
        entryOf(id, { publishedAt: NOON + nth }),
        entryOf(`${id}2`, { topic: NEWS, publishedAt: NOON }),
      ]);
    const from = async (topic: string, time: number) =>
      idsOf(await entriesAfter(log, [topic], await log.before(topic, time)));
    assert.deepEqual(await from(FEED, NOON + 1), ['b', 'c']);
    assert.deepEqual(await from(FEED, NOON + 0.5), ['b', 'c']);
    assert.deepEqual(await from(FEED, 0), ['a', 'b', 'c']);
    assert.deepEqual(await from(FEED, NOON + 3), []);
    assert.deepEqual(await from(NEWS, NOON), ['a2', 'b2', 'c2']);
    assert.equal(await log.before('unknown', NOON), BEFORE_ALL);
  }),
  promise('a reader is told how many entries it is behind, and since when', async (log) => {
    for (const [nth, id] of ['a', 'bb', 'ccc'].entries())
      await log.append([entryOf(id, { publishedAt: NOON + nth })]);
    const [other] = await log.append([entryOf('d', { topic: NEWS })]);
    const first = await log.before(FEED, NOON + 1);
    assert.deepEqual(await log.behind(FEED, first, 100), { entries: 2, bytes: 5, since: NOON + 1 });
    assert.deepEqual(await log.behind(FEED, BEFORE_ALL, 2), { entries: 2, bytes: 3, since: NOON });
    assert.deepEqual(await log.behind(FEED, other!.position, 100), { entries: 0, bytes: 0, since: null });
    assert.deepEqual(await log.behind('unknown', BEFORE_ALL, 100), { entries: 0, bytes: 0, since: null });
  }),
  promise('what retention removed is not found, and reading from a time goes on behind it', async (log) => {
    const [first] = await appendAll(log, ['a', 'b', 'c']);
    assert.equal(await log.trim({ ...KEEP_ALL, count: 1 }, NOON), 2);
    assert.equal(await log.find(FEED, first!), undefined);
    assert.deepEqual(idsOf(await entriesAfter(log, [FEED], await log.before(FEED, 0))), ['c']);
  }),
];

/** What every log promises. */
export const logContract: readonly Case[] = [
  ...appending,
  ...idempotency,
  ...reading,
  ...waking,
  ...finding,
  ...lookupContract,
  ...reopening,
  ...retentionContract,
];

function assertGrowing(positions: readonly Position[]): void {
  positions.forEach((position, index) => assert.ok(position > (positions[index - 1] ?? BEFORE_ALL)));
}

/** Bodies may be of different classes: a Buffer is as good as any other view of bytes. */
function assertEntry(actual: Entry | undefined, expected: Entry): void {
  const plain = (entry: Entry) => ({
    ...entry,
    content: { ...entry.content, body: Buffer.from(entry.content.body).toString('hex') },
    headers: { ...entry.headers },
  });
  assert.ok(actual);
  assert.deepEqual(plain(actual), plain(expected));
}
