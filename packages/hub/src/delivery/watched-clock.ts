import type { CancelTimer, Clock } from '@websub/shared';

// What an operating system corrects little by little is no jump, nor is a process that had to wait for the processor.
const SLACK_MS = 1_000;

/**
 * A clock that tells of a jump of the wall clock before anybody acts on the new time: by how much, forwards or back. Retries
 * wait for a time of day, so that they survive a restart; told of the jump, the hub can move them by as much.
 */
export class WatchedClock implements Clock {
  readonly #clock: Clock;
  readonly #onJump: (byMs: number) => void;
  /** What the wall clock is ahead of the monotonic one. */
  #ahead: number;
  #comparedAt: number;

  constructor(clock: Clock, onJump: (byMs: number) => void) {
    this.#clock = clock;
    this.#onJump = onJump;
    this.#comparedAt = clock.now();
    this.#ahead = this.#comparedAt - clock.monotonic();
  }

  now(): number {
    const now = this.#clock.now();
    const sinceMs = now - this.#comparedAt;
    // A delivery asks for the time often. A jump back that hides here, behind a pause as long, is told within the second.
    if (sinceMs >= 0 && sinceMs < SLACK_MS) return now;
    this.#comparedAt = now;
    const ahead = now - this.#clock.monotonic();
    const byMs = ahead - this.#ahead;
    this.#ahead = ahead;
    if (Math.abs(byMs) >= SLACK_MS) this.#onJump(Math.round(byMs));
    return now;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  idle(): number {
    return this.#clock.idle();
  }

  after(delayMs: number, action: () => void): CancelTimer {
    return this.#clock.after(delayMs, action);
  }
}
