import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostTurns } from './host-turns.js';

function takeAll(turns: HostTurns<string>): string[] {
  const taken: string[] = [];
  for (let next = turns.take(); next !== undefined; next = turns.take()) taken.push(next);
  return taken;
}

describe('HostTurns', () => {
  it('LAW 7 gives a host with one item its turn before a host with many has had two', () => {
    const turns = new HostTurns<string>(10, 10);
    for (let index = 0; index < 5; index++) turns.add('busy', `busy${index}`);
    turns.add('quiet', 'quiet0');
    expect(takeAll(turns).slice(0, 3)).toEqual(['busy0', 'quiet0', 'busy1']);
  });

  it('LAW 7 lets a host that answers nothing hold its own slots only', () => {
    const turns = new HostTurns<string>(2, 100);
    for (let index = 0; index < 50; index++) turns.add('hangs', `hangs${index}`);
    for (let index = 0; index < 2; index++) turns.add('fine', `fine${index}`);
    expect(takeAll(turns)).toEqual(['hangs0', 'fine0', 'hangs1', 'fine1']);
    turns.release('fine');
    expect(turns.take()).toBeUndefined();
    turns.release('hangs');
    expect(turns.take()).toBe('hangs2');
  });

  it('is first in, first out within a host', () => {
    const turns = new HostTurns<string>(1, 1);
    for (const name of ['a', 'b', 'c']) turns.add('host', name);
    const order: string[] = [];
    for (let next = turns.take(); next !== undefined; next = turns.take()) {
      order.push(next);
      turns.release('host');
    }
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('LAW 8 never has more in flight than allowed, and forgets nothing', () => {
    const steps = fc.array(
      fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constant('take'), fc.constant('release')),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(steps, (script) => {
        const turns = new HostTurns<string>(2, 4);
        const held: string[] = [];
        let added = 0;
        let taken = 0;
        for (const step of script) {
          if (step === 'take') {
            const item = turns.take();
            if (item !== undefined) {
              held.push(item);
              taken++;
            }
          } else if (step === 'release') {
            const host = held.shift();
            if (host !== undefined) turns.release(host);
          } else {
            turns.add(step, step);
            added++;
          }
          expect(turns.inFlight).toBe(held.length);
          expect(held.length).toBeLessThanOrEqual(4);
          for (const host of ['a', 'b', 'c'])
            expect(held.filter((of) => of === host).length).toBeLessThanOrEqual(2);
        }
        while (held.length > 0 || turns.waiting > 0) {
          const item = turns.take();
          if (item === undefined) turns.release(held.shift()!);
          else {
            held.push(item);
            taken++;
          }
        }
        expect(taken).toBe(added);
      }),
    );
  });
});
