/**
 * Where a run of a listener stands. `opening`: not reachable yet; `open`; `ending`: subscriptions are being ended, which hubs
 * verify, so that it serves as if open; `draining`: only what was begun goes on; `cut`: connections are cut off; `over`.
 */
export type Phase = 'opening' | 'open' | 'ending' | 'draining' | 'cut' | 'over';

export type PhaseEvent =
  | 'opened'
  /** A graceful stop is asked for. */
  | 'stop'
  /** The subscriptions have ended, or time is up. */
  | 'ended'
  /** An immediate stop is asked for, or a graceful one has come to its end. */
  | 'cut'
  | 'closed';

/** The phase after an event. What comes too late, or a second time, changes nothing. */
export function phaseAfter(phase: Phase, event: PhaseEvent): Phase {
  switch (event) {
    case 'opened':
      return phase === 'opening' ? 'open' : phase;
    case 'stop':
      // Nothing was begun yet that could be ended in good order.
      if (phase === 'opening') return 'cut';
      return phase === 'open' ? 'ending' : phase;
    case 'ended':
      return phase === 'ending' ? 'draining' : phase;
    case 'cut':
      return phase === 'over' ? phase : 'cut';
    case 'closed':
      return phase === 'cut' ? 'over' : phase;
  }
}

/** Whether callbacks are served; at other times hubs are told to come again. */
export function serves(phase: Phase): boolean {
  return phase === 'open' || phase === 'ending';
}
