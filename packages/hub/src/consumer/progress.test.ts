import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Position } from '../log/log.js';
import { Progress } from './progress.js';

const at = (position: number): Position => position as Position;
const begun = (position = 0): Progress =>
  new Progress({ position: at(position), beganAt: at(position), open: [] });

function given(...positions: readonly number[]): Progress {
  const progress = begun();
  for (const position of positions) progress.give(at(position));
  return progress;
}

describe('what a consumer has acknowledged', () => {
  it('is everything that was given up to an entry', () => {
    const progress = given(1, 3, 5);
    progress.settleThrough(at(3));
    expect(progress.place).toEqual({ position: 3, beganAt: 0, open: [] });
    expect(progress.unsettled).toBe(1);
  });

  it('is what was given before an entry that is given again, and not what lies before it', () => {
    const progress = given(1, 2, 3);
    progress.giveAgain(at(1), 50);
    progress.give(at(1));
    progress.settleThrough(at(3));
    expect(progress.place).toEqual({
      position: 3,
      beganAt: 0,
      open: [{ position: 1, attempts: 2, dueAt: 0 }],
    });
    progress.settleThrough(at(1));
    expect(progress.place.open).toEqual([]);
    expect(progress.through).toBe(3);
  });

  it('is one entry alone, and those before stay open', () => {
    const progress = given(1, 2, 3);
    expect(progress.settleOne(at(2))).toBe(true);
    expect(progress.settleOne(at(2))).toBe(false);
    expect(progress.place).toEqual({
      position: 2,
      beganAt: 0,
      open: [{ position: 1, attempts: 1, dueAt: 0 }],
    });
  });

  it('includes what was passed over once everything before is acknowledged', () => {
    const progress = given(1);
    progress.stand(at(9));
    expect(progress.through).toBe(0);
    progress.settleThrough(at(1));
    progress.stand(at(9));
    expect(progress.through).toBe(9);
  });

  it('does not include what shall be given again, when its time has come, once', () => {
    const progress = given(1, 2);
    expect(progress.giveAgain(at(7), 0)).toBe(false);
    progress.giveAgain(at(2), 100);
    progress.settleThrough(at(2));
    expect(progress.takeDue(99)).toEqual([]);
    expect(progress.nextDue()).toBe(100);
    expect(progress.takeDue(100)).toEqual([2]);
    expect(progress.takeDue(100)).toEqual([]);
    expect(progress.nextDue()).toBe(Infinity);
    expect(progress.unsettled).toBe(1);
  });
});

it('whatever is given, acknowledged and interrupted, nothing acknowledged comes again and nothing else is missed', () => {
  const step = fc.record({
    kind: fc.constantFrom('give', 'give', 'through', 'one', 'again', 'due', 'stand', 'interrupt'),
    nth: fc.nat(9),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let progress = begun();
      let next = 1;
      let inHand: number[] = [];
      const acknowledged = new Set<number>();
      const givenAgain: number[] = [];
      for (const { kind, nth } of steps) {
        const chosen = inHand[nth % Math.max(inHand.length, 1)];
        if (kind === 'give') {
          givenAgain.push(...(acknowledged.has(next) ? [next] : []));
          progress.give(at(next));
          inHand.push(next);
          next += 1;
        } else if (kind === 'due') {
          for (const position of progress.takeDue(1)) {
            givenAgain.push(...(acknowledged.has(position) ? [position] : []));
            progress.give(position);
            inHand.push(position);
          }
        } else if (kind === 'stand') progress.stand(at(next - 1));
        else if (kind === 'interrupt') {
          progress = new Progress(progress.place);
          inHand = [];
          next = progress.through + 1;
        } else if (chosen !== undefined) {
          const upTo = kind === 'through' ? inHand.indexOf(chosen) + 1 : 0;
          if (kind === 'again') progress.giveAgain(at(chosen), 1);
          else if (kind === 'one') progress.settleOne(at(chosen));
          else progress.settleThrough(at(chosen));
          const gone = kind === 'through' ? inHand.splice(0, upTo) : inHand.splice(inHand.indexOf(chosen), 1);
          if (kind !== 'again') for (const position of gone) acknowledged.add(position);
        }
      }
      expect(givenAgain).toEqual([]);
      // Whoever goes on from here is given exactly the rest.
      const { position, open } = new Progress(progress.place).place;
      const rest = open.map((entry) => Number(entry.position));
      for (let behind = position + 1; behind < 100; behind++) rest.push(behind);
      const expected = Array.from({ length: 99 }, (_each, index) => index + 1).filter(
        (one) => !acknowledged.has(one),
      );
      expect(rest.toSorted((one, other) => one - other)).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});
