import assert from 'node:assert/strict';
import type { Consumer } from '../consumer/consumer.js';
import type { Consumers } from '../consumer/consumers.js';
import type { Position } from '../log/log.js';
import { promise, promiseForEver, type ContractCase } from './contract-case.js';
import { FEED, gather, NOON } from './samples.js';

/** What every store of named consumers promises. */
export const consumersContract: readonly ContractCase<Consumers>[] = [
  promise('a store without consumers loads none', async (consumers) => {
    await consumers.save([]);
    await consumers.remove(['unknown']);
    assert.deepEqual(await gather(consumers.load()), []);
  }),
  promise('consumers are loaded as they were saved', async (consumers) => {
    const saved = [
      consumerOf('a'),
      consumerOf('b', {
        owner: { tenant: 'acme', holder: 'subject:ü "\\ 🦊' },
        patterns: ['https://*.example/*'],
        position: Number.MAX_SAFE_INTEGER as Position,
        open: [
          { position: 3 as Position, attempts: 2, dueAt: NOON + 0.5 },
          { position: 5 as Position, attempts: 1, dueAt: 0 },
        ],
      }),
    ];
    await consumers.save(saved);
    assert.deepEqual(await load(consumers), saved);
  }),
  promise('the last save of a consumer counts, in one batch and over several', async (consumers) => {
    await consumers.save([consumerOf('a', { position: 1 as Position }), consumerOf('b')]);
    const last = consumerOf('a', { position: 3 as Position, usedAt: NOON + 1 });
    await consumers.save([consumerOf('a', { position: 2 as Position }), last]);
    assert.deepEqual(await load(consumers), [last, consumerOf('b')]);
  }),
  promise('calls made together count in their order', async (consumers) => {
    await Promise.all([
      consumers.save([consumerOf('a')]),
      consumers.remove(['a']),
      consumers.save([consumerOf('b')]),
      consumers.remove(['b']),
      consumers.save([consumerOf('b', { usedAt: NOON + 2 })]),
    ]);
    assert.deepEqual(await load(consumers), [consumerOf('b', { usedAt: NOON + 2 })]);
  }),
  promise('more consumers are loaded than fit into one batch', async (consumers) => {
    const saved = Array.from({ length: 4_500 }, (_each, nth) => consumerOf(String(nth).padStart(5, '0')));
    await consumers.save(saved);
    assert.deepEqual(await load(consumers), saved);
  }),
  promiseForEver('consumers are there after a restart, and removed ones are not', async (open) => {
    const before = await open();
    await before.save([consumerOf('a'), consumerOf('b')]);
    await before.remove(['a']);
    assert.deepEqual(await load(await open()), [consumerOf('b')]);
  }),
];

function consumerOf(id: string, fields: Partial<Consumer> = {}): Consumer {
  return {
    id,
    owner: { tenant: null, holder: 'admin' },
    name: `name of ${id}`,
    topics: [FEED],
    patterns: [],
    createdAt: NOON,
    usedAt: NOON,
    position: 7 as Position,
    beganAt: 5 as Position,
    open: [],
    ...fields,
  };
}

async function load(consumers: Consumers): Promise<Consumer[]> {
  const all = await gather(consumers.load());
  return all.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}
