import { expect, it } from 'vitest';
import { phaseAfter, serves, type Phase, type PhaseEvent } from './listener-phase.js';

const PHASES: readonly Phase[] = ['opening', 'open', 'ending', 'draining', 'cut', 'over'];

it('moves on as the table says, and in no other way', () => {
  const table: Record<PhaseEvent, readonly Phase[]> = {
    opened: ['open', 'open', 'ending', 'draining', 'cut', 'over'],
    stop: ['cut', 'ending', 'ending', 'draining', 'cut', 'over'],
    ended: ['opening', 'open', 'draining', 'draining', 'cut', 'over'],
    cut: ['cut', 'cut', 'cut', 'cut', 'cut', 'over'],
    closed: ['opening', 'open', 'ending', 'draining', 'over', 'over'],
  };
  for (const event of ['opened', 'stop', 'ended', 'cut', 'closed'] as const)
    expect([event, PHASES.map((phase) => phaseAfter(phase, event))]).toEqual([event, table[event]]);
});

it('serves callbacks while it is open, and while subscriptions end', () => {
  expect(PHASES.filter(serves)).toEqual(['open', 'ending']);
});
