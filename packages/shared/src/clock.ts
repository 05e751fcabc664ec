/** Ends a timer that has not fired; harmless afterwards. */
export type CancelTimer = () => void;

/** Time as the hub and the subscriber know it. Everything that waits or measures goes through this port. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch: leases, retention. It may jump. */
  now(): number;
  /** Milliseconds that only grow, from an arbitrary start: time limits and measured durations. */
  monotonic(): number;
  /** Milliseconds, from an arbitrary start, in which this thread had nothing to do but wait. */
  idle(): number;
  /**
   * Calls `action` once, at least `delayMs` from now. Delays of any length are kept (`setTimeout` alone fires at once
   * past 24.8 days). The timer does not keep the process alive.
   */
  after(delayMs: number, action: () => void): CancelTimer;
}

// setTimeout keeps the delay in 32 bits: 2^31 ms would fire after 1 ms.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  idle: () => performance.eventLoopUtilization().idle,
  after(delayMs, action) {
    const endsAt = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = Math.ceil(endsAt - performance.now());
      timer = setTimeout(fire, Math.min(Math.max(left, 0), LONGEST_TIMER_MS));
      timer.unref();
    };
    // A part of a long delay is over, or setTimeout was up to 1 ms early, as it may be.
    const fire = (): void => (endsAt > performance.now() ? arm() : action());
    arm();
    return () => clearTimeout(timer);
  },
};

/** A clock for tests: time moves only by {@link TestClock.advance}. */
export class TestClock implements Clock {
  readonly #timers = new Set<{ readonly dueAt: number; readonly action: () => void }>();
  #now: number;

  constructor(start: Date | number = Date.UTC(2026, 0, 1)) {
    this.#now = Number(start);
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  /** Whatever is done in a test takes no time. */
  idle(): number {
    return this.#now;
  }

  after(delayMs: number, action: () => void): CancelTimer {
    const timer = { dueAt: this.#now + Math.max(0, delayMs), action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /**
   * Moves time forward by `ms` and fires what became due, in order; between two timers everything that was already
   * runnable gets its turn. Settles when the new time is reached.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      await turnOfTheLoop();
      const next = this.#earliest();
      if (next === undefined || next.dueAt > target) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.action();
    }
    // Another advance may have gone further meanwhile.
    this.#now = Math.max(this.#now, target);
    await turnOfTheLoop();
  }

  #earliest(): { readonly dueAt: number; readonly action: () => void } | undefined {
    let earliest: { readonly dueAt: number; readonly action: () => void } | undefined;
    for (const timer of this.#timers) {
      if (earliest === undefined || timer.dueAt < earliest.dueAt) earliest = timer;
    }
    return earliest;
  }
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
