import { TestClock } from '@websub/shared';
import { exportJWK, generateKeyPair } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { KeySet } from './key-set.js';

let jwk: Record<string, unknown>;
beforeAll(async () => {
  const { publicKey } = await generateKeyPair('ES256');
  jwk = { ...(await exportJWK(publicKey)), alg: 'ES256' };
});

function world(...kids: readonly string[]) {
  const clock = new TestClock();
  const faults: string[] = [];
  const state = { kids, reads: 0, down: false, answers: Promise.resolve() };
  const source = {
    secret: false,
    read: async () => {
      state.reads++;
      await state.answers;
      if (state.down) throw new Error('it is out of order');
      return JSON.stringify({ keys: state.kids.map((kid) => ({ ...jwk, kid })) });
    },
  };
  const keys = new KeySet({ source, clock, onFault: ({ message }) => void faults.push(message) });
  const find = async (kid: string) => (await keys.find(kid, 'ES256'))?.map(({ id }) => id);
  return { clock, faults, state, keys, find };
}

describe('a key set', () => {
  it('is read once for many tokens, also for those that come together', async () => {
    const { state, find } = world('a', 'b');
    expect(await Promise.all([find('a'), find('b'), find('a')])).toEqual([['a'], ['b'], ['a']]);
    expect(state.reads).toBe(1);
  });

  it('is read again after ten minutes, and what is gone from it is not taken any more', async () => {
    const { clock, state, find } = world('a');
    await find('a');
    state.kids = ['b'];
    await clock.advance(599_000);
    expect(await find('a')).toEqual(['a']);
    await clock.advance(1_000);
    expect(await find('a')).toEqual([]);
    expect(await find('b')).toEqual(['b']);
  });

  it('is read again for a key that it does not hold, at most every ten seconds', async () => {
    const { clock, state, find } = world('a');
    await find('a');
    state.kids = ['a', 'b'];
    for (let index = 0; index < 50; index++) expect(await find(`unknown-${index}`)).toEqual([]);
    expect(state.reads).toBe(1);
    await clock.advance(10_000);
    expect(await find('b')).toEqual(['b']);
    expect(state.reads).toBe(2);
  });

  it('keeps what it had while its source is out of order, and says so', async () => {
    const { clock, faults, state, find } = world('a');
    await find('a');
    state.down = true;
    await clock.advance(600_000);
    expect(await find('a')).toEqual(['a']);
    expect(faults).toEqual([expect.stringContaining('out of order')]);
  });

  it('keeps nobody waiting for a source that gave no answer the last time', async () => {
    const { clock, state, find } = world('a');
    await find('a');
    state.down = true;
    await clock.advance(600_000);
    await find('a');
    await clock.advance(10_000);
    // Now it hangs.
    let answer = (): void => undefined;
    state.answers = new Promise((resolve) => (answer = resolve));
    expect(await find('a')).toEqual(['a']);
    // It is back, with other keys.
    Object.assign(state, { down: false, kids: ['b'] });
    answer();
    await clock.advance(0);
    expect(await find('a')).toEqual([]);
  });

  it('answers that nobody can say until it was read', async () => {
    const { clock, state, find } = world('a');
    state.down = true;
    expect(await find('a')).toBeUndefined();
    expect(await find('a')).toBeUndefined();
    expect(state.reads).toBe(1);
    state.down = false;
    await clock.advance(10_000);
    expect(await find('a')).toEqual(['a']);
  });

  it('uses a key for its own algorithm only', async () => {
    const { keys } = world('a');
    expect(await keys.find('a', 'HS256')).toEqual([]);
    expect(await keys.find('a', 'none')).toEqual([]);
    expect(await keys.find(undefined, 'ES256')).toHaveLength(1);
  });
});
