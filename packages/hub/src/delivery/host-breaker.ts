/**
 * How a callback origin has answered lately. `closed`: deliveries go out. `open`: they wait until a probe is due.
 * `probing`: one of them is under way, the others wait for what it comes to. All times are monotonic milliseconds.
 */
export type Breaker =
  | {
      readonly kind: 'closed';
      /** When the present window began: with a failure, so that a healthy origin has nothing to remember. */
      readonly since: number;
      readonly attempts: number;
      readonly failures: number;
      /** Failures since the last answer, whenever that was. */
      readonly inRow: number;
    }
  | { readonly kind: 'open'; readonly since: number; readonly probeAt: number; readonly waitMs: number }
  | { readonly kind: 'probing'; readonly since: number; readonly waitMs: number };

/** What came of an attempt that began at `startedAt`, or what was done about a probe. */
export type BreakerEvent =
  | { readonly kind: 'answered'; readonly startedAt: number }
  | { readonly kind: 'failed'; readonly startedAt: number }
  | { readonly kind: 'probe-sent' }
  /** The probe was not needed after all: its subscription ended, or nothing is owed to it any more. */
  | { readonly kind: 'probe-dropped' };

/** `probe`: send this one, and tell the breaker so; `hold`: wait. */
export type Admission = 'send' | 'probe' | 'hold';

/** An origin of which nothing bad is known. */
export const HEALTHY: Breaker = { kind: 'closed', since: 0, attempts: 0, failures: 0, inRow: 0 };

export const WINDOW_MS = 60_000;
const LEAST_ATTEMPTS = 20;
const LEAST_FAILURE_SHARE = 0.5;
const MOST_FAILURES_IN_ROW = 20;
export const FIRST_PROBE_MS = 30_000;
export const LONGEST_PROBE_MS = 600_000;

/** Whether an attempt may go out now. */
export function admission(breaker: Breaker, now: number): Admission {
  switch (breaker.kind) {
    case 'closed':
      return 'send';
    case 'open':
      return breaker.probeAt <= now ? 'probe' : 'hold';
    case 'probing':
      return 'hold';
  }
}

/** The breaker's whole life: a pure function of where it is, what happened and when. */
export function hostBreaker(breaker: Breaker, event: BreakerEvent, now: number): Breaker {
  switch (breaker.kind) {
    case 'closed':
      return whenClosed(breaker, event, now);
    case 'open':
      return whenOpen(breaker, event, now);
    case 'probing':
      return whenProbing(breaker, event, now);
  }
}

function whenClosed(
  breaker: Extract<Breaker, { kind: 'closed' }>,
  event: BreakerEvent,
  now: number,
): Breaker {
  const inWindow = breaker.attempts > 0 && now - breaker.since < WINDOW_MS;
  switch (event.kind) {
    case 'answered':
      return inWindow ? { ...breaker, attempts: breaker.attempts + 1, inRow: 0 } : HEALTHY;
    case 'failed': {
      const { since, attempts, failures } = inWindow ? breaker : { since: now, attempts: 0, failures: 0 };
      const counted = { since, attempts: attempts + 1, failures: failures + 1, inRow: breaker.inRow + 1 };
      return isTooMuch(counted) ? opened(now, FIRST_PROBE_MS) : { kind: 'closed', ...counted };
    }
    case 'probe-sent':
    case 'probe-dropped':
      return breaker;
  }
}

function isTooMuch(counted: {
  readonly attempts: number;
  readonly failures: number;
  readonly inRow: number;
}): boolean {
  const { attempts, failures, inRow } = counted;
  return (
    inRow >= MOST_FAILURES_IN_ROW ||
    (attempts >= LEAST_ATTEMPTS && failures >= attempts * LEAST_FAILURE_SHARE)
  );
}

function whenOpen(breaker: Extract<Breaker, { kind: 'open' }>, event: BreakerEvent, now: number): Breaker {
  switch (event.kind) {
    case 'answered':
      // What was under way when it opened says how the origin was then.
      return event.startedAt < breaker.since ? breaker : HEALTHY;
    case 'probe-sent':
      return { kind: 'probing', since: now, waitMs: breaker.waitMs };
    case 'failed':
    case 'probe-dropped':
      return breaker;
  }
}

function whenProbing(
  breaker: Extract<Breaker, { kind: 'probing' }>,
  event: BreakerEvent,
  now: number,
): Breaker {
  switch (event.kind) {
    case 'answered':
      return event.startedAt < breaker.since ? breaker : HEALTHY;
    case 'failed':
      return event.startedAt < breaker.since
        ? breaker
        : opened(now, Math.min(breaker.waitMs * 2, LONGEST_PROBE_MS));
    case 'probe-dropped':
      return { kind: 'open', since: breaker.since, probeAt: now, waitMs: breaker.waitMs };
    case 'probe-sent':
      return breaker;
  }
}

function opened(now: number, waitMs: number): Breaker {
  return { kind: 'open', since: now, probeAt: now + waitMs, waitMs };
}
