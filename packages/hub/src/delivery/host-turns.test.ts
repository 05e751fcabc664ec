import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostTurns } from './host-turns.js';

/** What starts now. */
function takeAll(turns: HostTurns<string>): string[] {
  const started: string[] = [];
  turns.serve((item) => started.push(item));
  return started;
}

describe('HostTurns', () => {
  it('LAW 7 gives a host with one item its turn before a host with many has had two', () => {
    const turns = new HostTurns<string>({ perHost: 10, inAll: 10 });
    for (let index = 0; index < 5; index++) turns.add('busy', `busy${index}`);
    turns.add('quiet', 'quiet0');
    expect(takeAll(turns).slice(0, 3)).toEqual(['busy0', 'quiet0', 'busy1']);
  });

  it('LAW 7 lets a host that answers nothing hold its own slots only', () => {
    const turns = new HostTurns<string>({ perHost: 2, inAll: 100 });
    for (let index = 0; index < 50; index++) turns.add('hangs', `hangs${index}`);
    for (let index = 0; index < 2; index++) turns.add('fine', `fine${index}`);
    expect(takeAll(turns)).toEqual(['hangs0', 'fine0', 'hangs1', 'fine1']);
    turns.release('fine');
    expect(takeAll(turns)).toEqual([]);
    turns.release('hangs');
    expect(takeAll(turns)).toEqual(['hangs2']);
  });

  it('LAW 7 gives a host that stands apart its turn first, and while the others hold all slots', () => {
    const turns = new HostTurns<string>({ perHost: 1, inAll: 2, hostApart: 'apart' });
    for (const host of ['a', 'b', 'c', 'apart', 'apart']) turns.add(host, host);
    expect(takeAll(turns)).toEqual(['apart', 'a', 'b']);
    expect(turns.inFlight).toBe(3);
    turns.release('apart');
    expect(turns.canServe).toBe(true);
    expect(takeAll(turns)).toEqual(['apart']);
    turns.release('a');
    expect(takeAll(turns)).toEqual(['c']);
  });

  it('gives a host few slots at first, and all of them when it is told to', () => {
    const turns = new HostTurns<string>({ perHost: 10, inAll: 100, perHostAtFirst: 2 });
    for (let index = 0; index < 20; index++) turns.add('slow', `slow${index}`);
    turns.add('quick', 'quick0');
    expect(takeAll(turns)).toEqual(['slow0', 'quick0', 'slow1']);
    expect(turns.isCramped).toBe(true);
    turns.widenHosts();
    expect(takeAll(turns)).toHaveLength(8);
    expect(turns.isCramped).toBe(false);
    expect(turns.inFlight).toBe(11);
  });

  it('gives all hosts together few slots at first, all of them when it is told to, and few again besides what is taken for long', () => {
    const turns = new HostTurns<string>({ perHost: 1, inAll: 20, inAllAtFirst: 8 });
    for (let host = 0; host < 60; host++) turns.add(`host${host}`, `host${host}`);
    const taken = takeAll(turns);
    expect(taken).toHaveLength(8);
    expect([turns.canServe, turns.isCramped]).toEqual([false, true]);
    turns.widenAll();
    taken.push(...takeAll(turns));
    expect(taken).toHaveLength(20);
    expect([turns.canServe, turns.isCramped]).toEqual([false, false]);
    turns.narrow(3);
    for (const host of taken) turns.release(host);
    expect(takeAll(turns)).toHaveLength(8 + 3);
    expect(turns.isCramped).toBe(true);
    turns.narrow(19);
    expect(takeAll(turns)).toHaveLength(20 - 11);
  });

  it('begins anew with few slots once a host has nothing more to do', () => {
    const turns = new HostTurns<string>({ perHost: 4, inAll: 100, perHostAtFirst: 1 });
    turns.add('host', 'a');
    turns.add('host', 'b');
    takeAll(turns);
    turns.widenHosts();
    takeAll(turns);
    for (let index = 0; index < 2; index++) turns.release('host');
    expect(turns.isCramped).toBe(false);
    for (const item of ['c', 'd']) turns.add('host', item);
    expect(takeAll(turns)).toEqual(['c']);
  });

  it('is first in, first out within a host', () => {
    const turns = new HostTurns<string>({ perHost: 1, inAll: 1 });
    for (const name of ['a', 'b', 'c']) turns.add('host', name);
    const order: string[] = [];
    turns.serve((item) => {
      order.push(item);
      turns.release('host');
    });
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('serves a hundred thousand items that end at once without running out of stack', () => {
    const turns = new HostTurns<number>({ perHost: 1, inAll: 1 });
    for (let index = 0; index < 100_000; index++) turns.add('host', index);
    let served = 0;
    const start = (): void => {
      served++;
      turns.release('host');
      turns.serve(start);
    };
    turns.serve(start);
    expect(served).toBe(100_000);
  });

  it('LAW 8 never has more in flight than allowed, and forgets nothing', () => {
    const steps = fc.array(fc.constantFrom('a', 'b', 'c', 'serve', 'release'), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (script) => {
        const turns = new HostTurns<string>({ perHost: 2, inAll: 4 });
        const held: string[] = [];
        let started = 0;
        const start = (host: string): void => {
          held.push(host);
          started++;
        };
        const release = (): void => {
          const host = held.shift();
          if (host !== undefined) turns.release(host);
        };
        const counts = { most: 0, mostOfOne: 0 };
        for (const step of script) {
          if (step === 'serve') turns.serve(start);
          else if (step === 'release') release();
          else turns.add(step, step);
          counts.most = Math.max(counts.most, held.length);
          for (const host of ['a', 'b', 'c'])
            counts.mostOfOne = Math.max(counts.mostOfOne, held.filter((of) => of === host).length);
        }
        while (held.length > 0 || turns.waiting > 0) {
          turns.serve(start);
          release();
        }
        expect(counts.most).toBeLessThanOrEqual(4);
        expect(counts.mostOfOne).toBeLessThanOrEqual(2);
        expect(started).toBe(script.filter((step) => step.length === 1).length);
      }),
    );
  });
});
