import { describe, expect, it } from 'vitest';
import type { Parcel } from '../delivery/sender.js';
import { LoadedParcels } from './loaded-parcels.js';

function parcelOf(bytes: number): Parcel {
  return { id: '', topic: '', body: new Uint8Array(bytes), headers: [] };
}

describe('LoadedParcels', () => {
  it('takes a parcel to the thread once, also when nothing named it for a while', () => {
    const parcels = new LoadedParcels();
    const [parcel, other] = [parcelOf(10), parcelOf(10)];
    const first = parcels.take(parcel);
    const second = parcels.take(parcel);
    expect([first.isNew, second.isNew, first.load.key === second.load.key]).toEqual([true, false, true]);
    expect(parcels.take(other)).toMatchObject({ isNew: true });
    expect([...parcels.release(first.load), ...parcels.release(second.load)]).toEqual([]);
    expect(parcels.take(parcel)).toMatchObject({ isNew: false });
  });

  it.each([
    ['too many', { parcels: 2, bytes: 1_000 }],
    ['too large', { parcels: 100, bytes: 20 }],
  ])(
    'LAW 8 drops what has been idle longest when the idle are %s, and nothing that is named',
    (_what, bounds) => {
      const parcels = new LoadedParcels(bounds);
      const named = parcels.take(parcelOf(10));
      const idle = Array.from({ length: 4 }, () => parcelOf(10));
      const loads = idle.map((parcel) => parcels.take(parcel).load);
      const dropped = loads.map((load) => parcels.release(load));
      expect(dropped).toEqual([[], [], [loads[0]?.key], [loads[1]?.key]]);
      expect(parcels.take(idle[3]!).isNew).toBe(false);
      expect(parcels.take(idle[0]!).isNew).toBe(true);
      expect(parcels.take(named.load.parcel).isNew).toBe(false);
    },
  );
});
