import assert from 'node:assert/strict';
import type { Page } from '../subscription/registry.js';
import { promise, promiseForEver, type ContractCase } from './contract-case.js';
import type { RegistryUnderTest } from './registry-under-test.js';
import { FEED, letterOf, NEWS, NOON } from './samples.js';

const everything: Page = { limit: 10_000 };

/** What every registry promises of dead letters. */
export const deadLetterContract: readonly ContractCase<RegistryUnderTest>[] = [
  promise('dead letters are listed as recorded, by id, page by page', async ({ registry }) => {
    const letters = [
      letterOf('a', 1),
      letterOf('a', 20, { entry: null, reason: 'trimmed', detail: 'ü "\\' }),
      letterOf('b', 3, { topic: NEWS, reason: 'corrupt' }),
    ];
    await registry.addDeadLetters(letters.toReversed());
    assert.deepEqual(await registry.listDeadLetters({}, everything), letters);
    assert.deepEqual(await registry.listDeadLetters({}, { after: 'a.1', limit: 1 }), [letters[1]]);
    assert.equal(await registry.countDeadLetters(), 3);
  }),
  promise('dead letters are listed by topic, callback and subscription', async ({ registry }) => {
    await registry.addDeadLetters([letterOf('a', 1), letterOf('a', 2, { topic: NEWS }), letterOf('b', 3)]);
    const ids = async (filter: { topic?: string; callback?: string; subscription?: string }) =>
      (await registry.listDeadLetters(filter, everything)).map(({ id }) => id);
    assert.deepEqual(await ids({ topic: FEED }), ['a.1', 'b.3']);
    assert.deepEqual(await ids({ subscription: 'a' }), ['a.1', 'a.2']);
    assert.deepEqual(await ids({ callback: letterOf('b', 3).callback }), ['b.3']);
    assert.deepEqual(await ids({ subscription: 'a', topic: NEWS }), ['a.2']);
    assert.deepEqual(await ids({ subscription: 'c' }), []);
  }),
  promise('recording a dead letter twice leaves one, as recorded last', async ({ registry }) => {
    await registry.addDeadLetters([letterOf('a', 1), letterOf('a', 1, { attempts: 15 })]);
    await registry.addDeadLetters([letterOf('a', 1, { attempts: 16 })]);
    assert.deepEqual(await registry.listDeadLetters({}, everything), [letterOf('a', 1, { attempts: 16 })]);
    assert.equal(await registry.countDeadLetters(), 1);
  }),
  promise('dead letters recorded before a time are removed', async ({ registry }) => {
    const letters = Array.from({ length: 2_500 }, (_, index) => letterOf('a', index, { at: NOON - index }));
    await registry.addDeadLetters(letters);
    assert.equal(await registry.trimDeadLetters(NOON - 1), 2_498);
    assert.deepEqual(await registry.listDeadLetters({}, everything), letters.slice(0, 2));
    assert.equal(await registry.trimDeadLetters(NOON - 1), 0);
  }),
  promiseForEver('dead letters are there after a restart', async (open) => {
    await (await open()).registry.addDeadLetters([letterOf('a', 1)]);
    const { registry } = await open();
    assert.deepEqual(await registry.listDeadLetters({}, everything), [letterOf('a', 1)]);
  }),
];
