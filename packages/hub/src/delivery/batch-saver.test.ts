import { TestClock } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { HubEmitter } from '../events.js';
import { BatchSaver } from './batch-saver.js';

function given() {
  const clock = new TestClock();
  const events = new HubEmitter();
  const faults: string[] = [];
  events.on('fault', ({ where }) => void faults.push(where));
  const saved: (readonly string[])[] = [];
  const store = { isBroken: false };
  const saver = new BatchSaver<string>({
    save: async (items) => {
      await Promise.resolve();
      if (store.isBroken) throw new Error('the disk is full');
      saved.push(items);
    },
    where: 'places',
    clock,
    events,
  });
  return { clock, faults, saved, store, saver };
}

describe('what changes often', () => {
  it('is saved 50 ms after the first change, all of it together and each once', async () => {
    const { clock, saved, saver } = given();
    for (const item of ['a', 'b', 'a']) saver.changed(item);
    await clock.advance(49);
    expect(saved).toEqual([]);
    await clock.advance(1);
    expect(saved).toEqual([['a', 'b']]);
  });

  it('is saved at once when 1,000 have changed', async () => {
    const { clock, saved, saver } = given();
    for (let nth = 0; nth < 1_000; nth++) saver.changed(String(nth));
    await clock.advance(0);
    expect(saved.map((batch) => batch.length)).toEqual([1_000]);
  });

  it('is saved again a second after the store has failed, which is told, and only then settles', async () => {
    const { clock, faults, saved, store, saver } = given();
    store.isBroken = true;
    let isDurable = false;
    void saver.saved('a').then(() => (isDurable = true));
    await clock.advance(50);
    saver.changed('b');
    await clock.advance(999);
    expect({ faults, isDurable }).toEqual({ faults: ['places'], isDurable: false });
    store.isBroken = false;
    await clock.advance(1);
    expect({ saved: saved.flat().toSorted(), isDurable }).toEqual({ saved: ['a', 'b'], isDurable: true });
  });

  it('is saved when somebody asks for all of it, and what changes after that as usual', async () => {
    const { clock, saved, store, saver } = given();
    saver.changed('a');
    await saver.flush();
    expect(saved).toEqual([['a']]);
    saver.changed('b');
    await clock.advance(50);
    expect(saved).toEqual([['a'], ['b']]);
    store.isBroken = true;
    saver.changed('c');
    await expect(saver.flush()).rejects.toThrow('the disk is full');
  });
});
