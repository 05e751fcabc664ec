import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Position } from '../log/log.js';
import { MOST_OPEN, Window, type Manner, type Step, type WindowEntry } from './window.js';

const at = (position: number): Position => position as Position;
const NEWEST = at(1_000);

/** A window that has taken these positions, which follow each other. */
function windowOf(...positions: number[]) {
  const window = new Window(at(0));
  const entries = positions.map((position) => window.take(at(position), 0));
  return { window, entries };
}

function failed(window: Window, entry: WindowEntry, dueAt: number): void {
  entry.attempts++;
  entry.dueAt = dueAt;
  window.land(entry);
}

function settled(window: Window, entry: WindowEntry): void {
  window.settle(entry);
  window.land(entry);
}

describe('Window', () => {
  it('has its floor before the oldest entry that is not settled, however much lies behind that one', () => {
    const { window, entries } = windowOf(3, 5, 9);
    expect(window.floor).toBe(0);
    settled(window, entries[1]!);
    expect(window.floor).toBe(0);
    settled(window, entries[0]!);
    expect(window.floor).toBe(5);
    settled(window, entries[2]!);
    expect(window.floor).toBe(9);
    expect(window.isOver).toBe(true);
  });

  it('takes 32 entries that are not settled, and no more until one is', () => {
    const { window, entries } = windowOf(...Array.from({ length: MOST_OPEN }, (_, index) => index + 1));
    expect(window.step('wide', NEWEST, 0)).toBeUndefined();
    failed(window, entries[3]!, 50);
    expect(window.step('wide', NEWEST, 0)).toBeUndefined();
    settled(window, entries[7]!);
    expect(window.step('wide', NEWEST, 0)).toBe('next');
  });

  it('has no end while others go on: an entry that waits holds up neither them nor what is stored', () => {
    const { window, entries } = windowOf(1);
    failed(window, entries[0]!, Infinity);
    for (let position = 2; position <= 500; position++) settled(window, window.take(at(position), 0));
    expect(window.beyond).toEqual({
      reach: 500,
      open: [{ position: 1, after: 0, attempts: 1, dueAt: Infinity }],
    });
  });

  it('sends again what is due, before anything new', () => {
    const { window, entries } = windowOf(1, 2);
    failed(window, entries[0]!, 50);
    expect(window.nextDue(0)).toBe(50);
    expect(window.step('wide', NEWEST, 49)).toBe('next');
    expect(window.step('wide', NEWEST, 50)).toBe(entries[0]);
  });

  it.each<[Manner, Step | undefined]>([
    ['one-by-one', 'next'],
    ['in-order', undefined],
    ['dissolve', 'dissolve'],
  ])('goes on %s only when nothing is in flight', (manner, next) => {
    const { window, entries } = windowOf(1, 2);
    failed(window, entries[0]!, 50);
    expect(window.step(manner, NEWEST, 0)).toBeUndefined();
    settled(window, entries[1]!);
    expect(window.step(manner, NEWEST, 0)).toBe(next);
  });

  it('in order, waits for the oldest although others are due', () => {
    const { window, entries } = windowOf(1, 2);
    failed(window, entries[0]!, 50);
    failed(window, entries[1]!, 0);
    expect(window.step('in-order', NEWEST, 49)).toBeUndefined();
    expect(window.step('in-order', NEWEST, 50)).toBe(entries[0]);
  });

  it('lets one failure speak for all that were in flight together', () => {
    const { window, entries } = windowOf(1, 2, 3);
    expect(entries.map((entry) => window.noteFailure(entry))).toEqual([true, false, false]);
    expect(window.noteFailure(window.take(at(4), 0))).toBe(true);
  });

  it('sends nothing after a rewind until what was in flight beyond has landed, and keeps what is open before', () => {
    const { window, entries } = windowOf(1, 2, 3);
    failed(window, entries[0]!, 50);
    window.rewind(at(1));
    expect(window.reach).toBe(1);
    expect(window.open).toEqual([entries[0]]);
    expect(window.step('wide', NEWEST, 50)).toBeUndefined();
    expect(window.settle(entries[1]!)).toBe(false);
    window.land(entries[1]!);
    window.land(entries[2]!);
    expect(window.step('wide', NEWEST, 50)).toBe(entries[0]);
  });

  it('forgets everything when it is moved, and is over once that has landed', () => {
    const { window, entries } = windowOf(1, 2);
    window.moveTo(at(7));
    expect([window.floor, window.beyond, window.isOver]).toEqual([7, null, false]);
    for (const entry of entries) window.land(entry);
    expect(window.isOver).toBe(true);
  });

  it('knows what lies behind the newest that is settled', () => {
    const { window, entries } = windowOf(1, 2, 3, 4);
    expect(window.settledThrough).toBe(0);
    settled(window, entries[1]!);
    expect(window.settledThrough).toBe(2);
    settled(window, entries[3]!);
    expect(window.settledThrough).toBe(4);
  });

  it('waits as long as before when the clock jumps, and never longer than until a bound when it is read again', () => {
    const { window, entries } = windowOf(1, 2);
    expect(window.shift(100)).toBe(false);
    failed(window, entries[0]!, 50);
    expect(window.shift(100)).toBe(true);
    expect(window.nextDue(0)).toBe(150);
    expect(Window.from(window.beyond!, 80).nextDue(0)).toBe(80);
    window.hasten();
    expect(window.nextDue(0)).toBe(Infinity);
  });
});

/** What a test knows about a window beside it: a plain map of every entry that was taken. */
interface Model {
  window: Window;
  readonly settled: Map<Position, boolean>;
  readonly inFlight: Set<WindowEntry>;
  /** Sent while it was in flight, or after it was settled. */
  readonly wrongs: WindowEntry[];
}

const MANNERS: readonly Manner[] = ['wide', 'wide', 'wide', 'one-by-one', 'in-order'];

function act(model: Model, action: number, choice: number): void {
  const { window } = model;
  if (action === 0) {
    // A restart: what is in flight is forgotten, what is stored is all that is left.
    model.inFlight.clear();
    const { beyond, floor } = window;
    model.window = beyond === null ? new Window(floor) : Window.from(beyond, Infinity);
    return;
  }
  if (action > 4) {
    const step = window.step(MANNERS[choice % MANNERS.length]!, NEWEST, choice);
    if (step === undefined || step === 'dissolve') return;
    const entry = step === 'next' ? window.take(at(window.reach + 1 + (choice % 3)), 0) : step;
    if (step !== 'next') window.send(step);
    if (model.inFlight.has(entry) || model.settled.get(entry.position) === true) model.wrongs.push(entry);
    model.inFlight.add(entry);
    model.settled.set(entry.position, false);
    return;
  }
  const entry = [...model.inFlight][choice % Math.max(1, model.inFlight.size)];
  if (entry === undefined) return;
  model.inFlight.delete(entry);
  if (action === 1) failed(window, entry, choice);
  else {
    settled(window, entry);
    model.settled.set(entry.position, true);
  }
}

it('LAW 3: has at most 32 in flight, none twice, and a floor that never passes what is not settled', () => {
  const actions = fc.array(fc.tuple(fc.nat(12), fc.nat(100)), { maxLength: 200 });
  fc.assert(
    fc.property(actions, (taken) => {
      const model: Model = { window: new Window(at(0)), settled: new Map(), inFlight: new Set(), wrongs: [] };
      for (const [action, choice] of taken) {
        const before = model.window.floor;
        act(model, action, choice);
        const { window } = model;
        const unsettled = [...model.settled]
          .filter(([, isSettled]) => !isSettled)
          .map(([position]) => position);
        expect(model.wrongs).toEqual([]);
        expect(window.inFlight).toBe(model.inFlight.size);
        expect(window.inFlight).toBeLessThanOrEqual(MOST_OPEN);
        expect(window.floor).toBeGreaterThanOrEqual(before);
        expect(window.open.map(({ position }) => position)).toEqual(unsettled);
        // All that is settled without a hole in between, and no more.
        const settledBefore = [...model.settled.keys()].filter(
          (position) => position < (unsettled[0] ?? Infinity),
        );
        expect(window.floor).toBe(settledBefore.at(-1) ?? 0);
      }
    }),
    { numRuns: 60 },
  );
});
