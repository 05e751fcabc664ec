import { describe, expect, it } from 'vitest';
import { SpareSlots } from './spare-slots.js';

function takenOf(slots: SpareSlots, host: string): number {
  let taken = 0;
  while (slots.take(host)) taken++;
  return taken;
}

describe('SpareSlots', () => {
  it.each([
    [1, 0],
    [2, 1],
    [10, 7],
    [64, 48],
  ])('of %i slots of a host it gives %i, and leaves a quarter to others', (perHost, spare) => {
    expect(takenOf(new SpareSlots({ perHost, inAll: 1_000 }), 'host')).toBe(spare);
  });

  it('leaves a quarter of all slots to others, however many hosts ask', () => {
    const slots = new SpareSlots({ perHost: 10, inAll: 12 });
    expect(takenOf(slots, 'one')).toBe(7);
    expect(takenOf(slots, 'other')).toBe(2);
  });

  it('gives again what was given back, to that host or to another', () => {
    const slots = new SpareSlots({ perHost: 10, inAll: 10 });
    takenOf(slots, 'one');
    expect(slots.take('other')).toBe(false);
    slots.give('one');
    expect(slots.take('other')).toBe(true);
    slots.give('other');
    expect(takenOf(slots, 'one')).toBe(1);
  });
});
