import { TestClock, type Clock } from '@websub/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agenda, type AgendaItem } from './agenda.js';

interface Named extends AgendaItem {
  readonly name: string;
}

function item(name: string): Named {
  return { name, agendaTime: Infinity, agendaIndex: -1 };
}

describe('Agenda', () => {
  it('calls what is due in the order of time, once', async () => {
    const clock = new TestClock(0);
    const called: string[] = [];
    const agenda = new Agenda<Named>(clock, ({ name }) => called.push(name));
    agenda.schedule(item('late'), 300);
    agenda.schedule(item('early'), 100);
    agenda.schedule(item('past'), -5);
    await clock.advance(0);
    expect(called).toEqual(['past']);
    await clock.advance(1_000);
    expect(called).toEqual(['past', 'early', 'late']);
    expect(agenda.size).toBe(0);
  });

  it('moves an item that is on it, and takes it off at Infinity', async () => {
    const clock = new TestClock(0);
    const called: string[] = [];
    const agenda = new Agenda<Named>(clock, ({ name }) => called.push(name));
    const moved = item('moved');
    const dropped = item('dropped');
    agenda.schedule(moved, 500);
    agenda.schedule(dropped, 100);
    agenda.schedule(moved, 50);
    agenda.schedule(dropped, Infinity);
    await clock.advance(60);
    expect(called).toEqual(['moved']);
    await clock.advance(1_000);
    expect(called).toEqual(['moved']);
  });

  it('notices within a minute that the wall clock jumped forward', async () => {
    const clock = new TestClock(0);
    let jumpMs = 0;
    const jumping = { ...bind(clock), now: () => clock.now() + jumpMs };
    const called: string[] = [];
    const agenda = new Agenda<Named>(jumping, ({ name }) => called.push(name));
    agenda.schedule(item('lease'), 86_400_000);
    jumpMs = 90_000_000;
    await clock.advance(60_000);
    expect(called).toEqual(['lease']);
  });

  it('calls nothing after it was stopped', async () => {
    const clock = new TestClock(0);
    const called: string[] = [];
    const agenda = new Agenda<Named>(clock, ({ name }) => called.push(name));
    agenda.schedule(item('a'), 10);
    agenda.stop();
    agenda.schedule(item('b'), 10);
    await clock.advance(100);
    expect(called).toEqual([]);
  });

  it('keeps the order of time whatever is scheduled, moved and removed', async () => {
    const steps = fc.array(
      fc.record({ which: fc.nat(19), time: fc.oneof(fc.nat(1_000), fc.constant(Infinity)) }),
      { maxLength: 200 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (moves) => {
        const clock = new TestClock(0);
        const called: Named[] = [];
        const agenda = new Agenda<Named>(clock, (due) => called.push(due));
        const items = Array.from({ length: 20 }, (_, index) => item(String(index)));
        const last = new Map<Named, number>();
        for (const { which, time } of moves) {
          agenda.schedule(items[which]!, time);
          last.set(items[which]!, time);
        }
        await clock.advance(2_000);
        const expected = [...last.values()].filter(Number.isFinite).sort((a, b) => a - b);
        expect(called.map((due) => last.get(due))).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });
});

function bind(clock: TestClock): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    idle: () => clock.idle(),
    after: (ms, action) => clock.after(ms, action),
  };
}
