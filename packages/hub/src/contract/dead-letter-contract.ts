import assert from 'node:assert/strict';
import type { DeadLetterBounds, Page } from '../subscription/registry.js';
import { promise, promiseForEver, type ContractCase } from './contract-case.js';
import type { RegistryUnderTest } from './registry-under-test.js';
import { FEED, KEEP_LETTERS, letterOf, NEWS, NOON } from './samples.js';

const everything: Page = { limit: 10_000 };

/** What every registry promises of dead letters. */
export const deadLetterContract: readonly ContractCase<RegistryUnderTest>[] = [
  promise('dead letters are listed as recorded, by id, page by page', async ({ registry }) => {
    const letters = [
      letterOf('a', 1),
      letterOf('a', 20, { entry: null, reason: 'trimmed', detail: 'ü "\\' }),
      letterOf('b', 3, { topic: NEWS, reason: 'corrupt' }),
    ];
    await registry.addDeadLetters(letters.toReversed(), KEEP_LETTERS);
    assert.deepEqual(await registry.listDeadLetters({}, everything), letters);
    assert.deepEqual(await registry.listDeadLetters({}, { after: 'a.1', limit: 1 }), [letters[1]]);
    assert.equal(await registry.countDeadLetters(), 3);
  }),
  promise('dead letters are listed by topic, callback and subscription', async ({ registry }) => {
    await registry.addDeadLetters(
      [letterOf('a', 1), letterOf('a', 2, { topic: NEWS }), letterOf('b', 3)],
      KEEP_LETTERS,
    );
    const ids = async (filter: { topic?: string; callback?: string; subscription?: string }) =>
      (await registry.listDeadLetters(filter, everything)).map(({ id }) => id);
    assert.deepEqual(await ids({ topic: FEED }), ['a.1', 'b.3']);
    assert.deepEqual(await ids({ subscription: 'a' }), ['a.1', 'a.2']);
    assert.deepEqual(await ids({ callback: letterOf('b', 3).callback }), ['b.3']);
    assert.deepEqual(await ids({ subscription: 'a', topic: NEWS }), ['a.2']);
    assert.deepEqual(await ids({ subscription: 'c' }), []);
  }),
  promise('dead letters are listed from a time on, found by id, and removed', async ({ registry }) => {
    const letters = [1, 2, 3].map((nth) => letterOf('a', nth, { at: NOON + nth }));
    await registry.addDeadLetters(letters, KEEP_LETTERS);
    assert.deepEqual(await registry.listDeadLetters({ since: NOON + 2 }, everything), letters.slice(1));
    assert.deepEqual(await registry.findDeadLetter('a.2'), letters[1]);
    await registry.removeDeadLetter('a.2');
    assert.equal(await registry.findDeadLetter('a.2'), undefined);
    await registry.removeDeadLetter('a.2');
    assert.equal(await registry.countDeadLetters(), 2);
  }),
  promise(
    'of more dead letters than a subscription may have the oldest go, by number and by bytes',
    async ({ registry }) => {
      const letters = [5, 1, 4, 2, 3].map((nth) => letterOf('a', nth, { at: NOON + nth }));
      assert.equal(await registry.addDeadLetters([letterOf('b', 1), ...letters], { count: 5, bytes: 50 }), 0);
      const add = (id: string, nth: number, bytes: number, kept: DeadLetterBounds) =>
        registry.addDeadLetters([letterOf(id, nth, { at: NOON + 100 + nth, bytes })], kept);
      assert.equal(await add('a', 6, 10, { count: 4, bytes: 50 }), 2);
      const ids = async () => (await registry.listDeadLetters({}, everything)).map(({ id }) => id);
      assert.deepEqual(await ids(), ['a.3', 'a.4', 'a.5', 'a.6', 'b.1']);
      // The same letter again is no further one.
      assert.equal(await add('a', 3, 10, { count: 4, bytes: 40 }), 0);
      assert.equal(await add('a', 7, 10, { count: 9, bytes: 25 }), 3);
      assert.deepEqual(await ids(), ['a.6', 'a.7', 'b.1']);
      await registry.removeDeadLetter('a.6');
      assert.equal(await add('a', 8, 15, { count: 2, bytes: 25 }), 0);
      assert.equal(await add('b', 2, 99, { count: 2, bytes: 25 }), 1);
      assert.deepEqual(await ids(), ['a.7', 'a.8', 'b.2']);
    },
  ),
  promise(
    'dead letters are asked for again, once each, until they are recorded anew',
    async ({ registry }) => {
      const many = Array.from({ length: 1_500 }, (_, index) => letterOf('a', index));
      await registry.addDeadLetters([...many, letterOf('b', 1, { topic: NEWS })], KEEP_LETTERS);
      assert.equal(await registry.askRedelivery({ id: 'a.7' }, NOON), 1);
      assert.equal(await registry.askRedelivery({ topic: FEED }, NOON + 1), 1_499);
      assert.equal(await registry.askRedelivery({ topic: FEED }, NOON + 2), 0);
      assert.deepEqual(await registry.findDeadLetter('a.7'), letterOf('a', 7, { redeliverAt: NOON }));
      assert.equal((await registry.findDeadLetter('b.1'))?.redeliverAt, null);
      await registry.addDeadLetters([letterOf('a', 7, { attempts: 15 })], KEEP_LETTERS);
      assert.deepEqual(await registry.findDeadLetter('a.7'), letterOf('a', 7, { attempts: 15 }));
    },
  ),
  promise(
    'what is to be delivered again is listed subscription by subscription, in log order',
    async ({ registry }) => {
      const letters = ['a', 'b', 'c'].flatMap((id) => [10, 9, 100].map((nth) => letterOf(id, nth)));
      await registry.addDeadLetters(letters, KEEP_LETTERS);
      await registry.askRedelivery({ subscription: 'a' }, NOON);
      await registry.askRedelivery({ subscription: 'c' }, NOON);
      const ids = async (after: string, limit: number) =>
        (await registry.listRedeliveries(after, limit, 2)).map(({ id }) => id);
      assert.deepEqual(await ids('', 5), ['a.9', 'a.10', 'c.9', 'c.10']);
      assert.deepEqual(await ids('', 1), ['a.9', 'a.10']);
      assert.deepEqual(await ids('a', 5), ['c.9', 'c.10']);
      assert.deepEqual(await ids('c', 5), []);
    },
  ),
  promise('recording a dead letter twice leaves one, as recorded last', async ({ registry }) => {
    await registry.addDeadLetters([letterOf('a', 1), letterOf('a', 1, { attempts: 15 })], KEEP_LETTERS);
    await registry.addDeadLetters([letterOf('a', 1, { attempts: 16 })], KEEP_LETTERS);
    assert.deepEqual(await registry.listDeadLetters({}, everything), [letterOf('a', 1, { attempts: 16 })]);
    assert.equal(await registry.countDeadLetters(), 1);
  }),
  promise('dead letters recorded before a time are removed', async ({ registry }) => {
    const letters = Array.from({ length: 2_500 }, (_, index) => letterOf('a', index, { at: NOON - index }));
    await registry.addDeadLetters(letters, KEEP_LETTERS);
    assert.equal(await registry.trimDeadLetters(NOON - 1), 2_498);
    assert.deepEqual(await registry.listDeadLetters({}, everything), letters.slice(0, 2));
    assert.equal(await registry.trimDeadLetters(NOON - 1), 0);
  }),
  promiseForEver('dead letters are there after a restart', async (open) => {
    const before = (await open()).registry;
    await before.addDeadLetters([letterOf('a', 1)], KEEP_LETTERS);
    await before.askRedelivery({}, NOON);
    const { registry } = await open();
    const again = [letterOf('a', 1, { redeliverAt: NOON })];
    assert.deepEqual(await registry.listDeadLetters({}, everything), again);
    assert.deepEqual(await registry.listRedeliveries('', 10, 10), again);
  }),
];
