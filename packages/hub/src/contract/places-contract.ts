import assert from 'node:assert/strict';
import type { Position } from '../log/log.js';
import type { Place, Places } from '../subscription/places.js';
import { promise, promiseForEver, type ContractCase } from './contract-case.js';
import { gather, NOON } from './samples.js';

/** What every store of places promises. */
export const placesContract: readonly ContractCase<Places>[] = [
  promise('a store without places loads none', async (places) => {
    await places.save([]);
    assert.deepEqual(await gather(places.load()), []);
  }),
  promise('what was saved is loaded', async (places) => {
    const saved = [
      placeOf('a'),
      placeOf('b', { position: Number.MAX_SAFE_INTEGER as Position, attempts: 14, dueAt: NOON }),
      placeOf('ü 🦊', { dueAt: NOON + 0.25 }),
      placeOf('failing', { failure: { since: NOON, at: NOON + 1, status: 503, detail: 'ü "\\' } }),
    ];
    await places.save(saved);
    assert.deepEqual(await load(places), sorted(saved));
  }),
  promise('what lies beyond a place is loaded with it, until it is saved without', async (places) => {
    const open = Array.from({ length: 32 }, (_, index) => ({
      position: (Number.MAX_SAFE_INTEGER - 31 + index) as Position,
      after: (Number.MAX_SAFE_INTEGER - 32 + index) as Position,
      attempts: index,
      dueAt: index === 0 ? 0 : NOON + 0.25,
    }));
    const beyond = { reach: Number.MAX_SAFE_INTEGER as Position, open };
    await places.save([placeOf('a', { beyond }), placeOf('b')]);
    assert.deepEqual(await load(places), [placeOf('a', { beyond }), placeOf('b')]);
    await places.save([placeOf('a')]);
    assert.deepEqual(await load(places), [placeOf('a'), placeOf('b')]);
  }),
  promise('the last save of a subscription counts, in one batch and over several', async (places) => {
    await places.save([placeOf('a', { position: 1 as Position }), placeOf('b')]);
    await places.save([
      placeOf('a', { position: 2 as Position }),
      placeOf('a', { position: 3 as Position, attempts: 2 }),
    ]);
    assert.deepEqual(await load(places), [
      placeOf('a', { position: 3 as Position, attempts: 2 }),
      placeOf('b'),
    ]);
  }),
  promise(
    'many that move to the same position are there, those without a place before too',
    async (places) => {
      const failing = {
        attempts: 3,
        dueAt: NOON,
        failure: { since: NOON, at: NOON, status: 503, detail: 'no' },
      };
      const beyond = { reach: 9 as Position, open: [] };
      const known = Array.from({ length: 20 }, (_, n) =>
        placeOf(`known-${n}`, n % 2 === 0 ? failing : { beyond }),
      );
      await places.save([...known, placeOf('other')]);
      const moved = [...known.map(({ subscription }) => subscription), 'new', 'it\'s "new"'].map(
        (subscription) => placeOf(subscription, { position: 8 as Position }),
      );
      await places.save([placeOf('known-1', failing), ...moved, placeOf('known-2', failing)]);
      const last = moved.filter(({ subscription }) => subscription !== 'known-2');
      assert.deepEqual(await load(places), sorted([...last, placeOf('known-2', failing), placeOf('other')]));
      await places.save(moved);
      assert.deepEqual(await load(places), sorted([...moved, placeOf('other')]));
    },
  ),
  promise('saves made together count in the order of the calls', async (places) => {
    await Promise.all([1, 2, 3].map((attempts) => places.save([placeOf('a', { attempts })])));
    assert.deepEqual(await load(places), [placeOf('a', { attempts: 3 })]);
  }),
  promiseForEver('twelve thousand places are loaded after a restart, each once', async (open) => {
    const saved = Array.from({ length: 12_000 }, (_, index) =>
      placeOf(`subscription-${index}`, { attempts: index }),
    );
    await (await open()).save(saved);
    assert.deepEqual(await load(await open()), sorted(saved));
  }),
];

function placeOf(subscription: string, fields: Partial<Place> = {}): Place {
  return {
    subscription,
    position: 7 as Position,
    attempts: 0,
    dueAt: 0,
    failure: null,
    beyond: null,
    ...fields,
  };
}

async function load(places: Places): Promise<Place[]> {
  return sorted(await gather(places.load()));
}

function sorted(places: readonly Place[]): Place[] {
  return places.toSorted((a, b) => (a.subscription < b.subscription ? -1 : 1));
}
