import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admission,
  FIRST_PROBE_MS,
  HEALTHY,
  hostBreaker,
  LONGEST_PROBE_MS,
  WINDOW_MS,
  type Breaker,
  type BreakerEvent,
} from './host-breaker.js';

const NOW = 1_000_000;
const closed = { kind: 'closed', since: NOW - 1_000 } as const;

const STATES = {
  healthy: HEALTHY,
  'one failure': { ...closed, attempts: 1, failures: 1, inRow: 1 },
  '19 in a row': { ...closed, attempts: 19, failures: 19, inRow: 19 },
  'window over': { ...closed, since: NOW - WINDOW_MS, attempts: 15, failures: 10, inRow: 1 },
  '9 of 19': { ...closed, attempts: 19, failures: 9, inRow: 0 },
  '8 of 19': { ...closed, attempts: 19, failures: 8, inRow: 0 },
  open: { kind: 'open', since: NOW - 10, probeAt: NOW + 20, waitMs: 30_000 },
  due: { kind: 'open', since: NOW - 30_000, probeAt: NOW, waitMs: 30_000 },
  probing: { kind: 'probing', since: NOW - 10, waitMs: 30_000 },
  'probing for long': { kind: 'probing', since: NOW - 10, waitMs: LONGEST_PROBE_MS },
} satisfies Record<string, Breaker>;

const EVENTS = {
  answered: { kind: 'answered', startedAt: NOW - 5 },
  'answered what began before': { kind: 'answered', startedAt: NOW - 40_000 },
  failed: { kind: 'failed', startedAt: NOW - 5 },
  'failed what began before': { kind: 'failed', startedAt: NOW - 40_000 },
  'probe-sent': { kind: 'probe-sent' },
  'probe-dropped': { kind: 'probe-dropped' },
} satisfies Record<string, BreakerEvent>;

type State = keyof typeof STATES;
type EventName = keyof typeof EVENTS;

// A missing cell does not compile. '=' is "nothing changes"; closed is told as failures/attempts, in a row.
const TABLE: Record<State, Record<EventName, string>> = {
  healthy: {
    answered: '=',
    'answered what began before': '=',
    failed: 'closed 1/1, 1',
    'failed what began before': 'closed 1/1, 1',
    'probe-sent': '=',
    'probe-dropped': '=',
  },
  'one failure': {
    answered: 'closed 1/2, 0',
    'answered what began before': 'closed 1/2, 0',
    failed: 'closed 2/2, 2',
    'failed what began before': 'closed 2/2, 2',
    'probe-sent': '=',
    'probe-dropped': '=',
  },
  '19 in a row': {
    answered: 'closed 19/20, 0',
    'answered what began before': 'closed 19/20, 0',
    failed: 'open 30000',
    'failed what began before': 'open 30000',
    'probe-sent': '=',
    'probe-dropped': '=',
  },
  'window over': {
    answered: 'healthy',
    'answered what began before': 'healthy',
    failed: 'closed 1/1, 2',
    'failed what began before': 'closed 1/1, 2',
    'probe-sent': '=',
    'probe-dropped': '=',
  },
  '9 of 19': {
    answered: 'closed 9/20, 0',
    'answered what began before': 'closed 9/20, 0',
    failed: 'open 30000',
    'failed what began before': 'open 30000',
    'probe-sent': '=',
    'probe-dropped': '=',
  },
  '8 of 19': {
    answered: 'closed 8/20, 0',
    'answered what began before': 'closed 8/20, 0',
    failed: 'closed 9/20, 1',
    'failed what began before': 'closed 9/20, 1',
    'probe-sent': '=',
    'probe-dropped': '=',
  },
  open: {
    answered: 'healthy',
    'answered what began before': '=',
    failed: '=',
    'failed what began before': '=',
    'probe-sent': 'probing 30000',
    'probe-dropped': '=',
  },
  due: {
    answered: 'healthy',
    'answered what began before': '=',
    failed: '=',
    'failed what began before': '=',
    'probe-sent': 'probing 30000',
    'probe-dropped': '=',
  },
  probing: {
    answered: 'healthy',
    'answered what began before': '=',
    failed: 'open 60000',
    'failed what began before': '=',
    'probe-sent': '=',
    'probe-dropped': 'open 0',
  },
  'probing for long': {
    answered: 'healthy',
    'answered what began before': '=',
    failed: 'open 600000',
    'failed what began before': '=',
    'probe-sent': '=',
    'probe-dropped': 'open 0',
  },
};

/** The next state in the words of the table. */
function nextOf(state: State, event: EventName): string {
  const before: Breaker = STATES[state];
  const next = hostBreaker(before, EVENTS[event], NOW);
  if (next === before) return '=';
  if (next === HEALTHY) return 'healthy';
  switch (next.kind) {
    case 'closed':
      return `closed ${next.failures}/${next.attempts}, ${next.inRow}`;
    case 'open':
      return `open ${next.probeAt - NOW}`;
    case 'probing':
      return `probing ${next.waitMs}`;
  }
}

describe('the breaker of a callback origin', () => {
  for (const [state, row] of Object.entries(TABLE)) {
    for (const [event, expected] of Object.entries(row)) {
      it(`${state} + ${event} -> ${expected}`, () => {
        expect(nextOf(state as State, event as EventName)).toBe(expected);
      });
    }
  }

  it.each([
    ['healthy', 'send'],
    ['19 in a row', 'send'],
    ['open', 'hold'],
    ['due', 'probe'],
    ['probing', 'hold'],
  ] as const)('%s: %s', (state, expected) => {
    expect(admission(STATES[state], NOW)).toBe(expected);
  });

  it('opens with the twentieth failure in a row, and not with one before', () => {
    let breaker: Breaker = HEALTHY;
    for (let nth = 1; nth <= 20; nth++) {
      expect(breaker.kind).toBe('closed');
      // Hours apart: in a row means in a row.
      breaker = hostBreaker(breaker, { kind: 'failed', startedAt: 0 }, nth * 3_600_000);
    }
    expect(breaker.kind).toBe('open');
  });

  it('probes after 30 s, then after twice as long each time, at most every ten minutes', () => {
    let now = 0;
    let breaker: Breaker = { kind: 'open', since: 0, probeAt: FIRST_PROBE_MS, waitMs: FIRST_PROBE_MS };
    const waits: number[] = [];
    for (let nth = 0; nth < 7; nth++) {
      if (breaker.kind !== 'open') throw new Error('a failed probe leaves it open');
      waits.push(breaker.probeAt - now);
      now = breaker.probeAt;
      breaker = hostBreaker(breaker, { kind: 'probe-sent' }, now);
      breaker = hostBreaker(breaker, { kind: 'failed', startedAt: now }, now);
    }
    expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
  });

  it('whatever happened before, lets something through within ten minutes', () => {
    const names = fc.constantFrom(...(Object.keys(EVENTS) as EventName[]));
    const steps = fc.array(fc.tuple(names, fc.nat({ max: 700_000 })), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (script) => {
        let now = 0;
        let breaker: Breaker = HEALTHY;
        const later: string[] = [];
        for (const [name, passed] of script) {
          now += passed;
          const event = EVENTS[name];
          breaker = hostBreaker(breaker, 'startedAt' in event ? { ...event, startedAt: now } : event, now);
          if (breaker.kind === 'open') later.push(admission(breaker, now + LONGEST_PROBE_MS));
        }
        expect(later.filter((each) => each !== 'probe')).toEqual([]);
      }),
    );
  });
});
