export interface Rate {
  /** Admissions per second in the long run. */
  readonly perSecond: number;
  /** Admissions at once after a rest. */
  readonly burst: number;
}

// Keys that rested are dropped when this many are known; a stranger cannot make it grow further (LAW 8).
const MOST_KEYS = 100_000;

/** Admits a bounded rate per key, by the time at which a key has used up what it was given (GCRA). */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  readonly #busyUntil = new Map<string, number>();

  constructor({ perSecond, burst }: Rate) {
    this.#intervalMs = 1000 / perSecond;
    this.#toleranceMs = (burst - 1) * this.#intervalMs;
  }

  /** 0 when admitted, else the milliseconds until it would be. `now` is monotonic. */
  admit(key: string, now: number): number {
    const busyUntil = Math.max(this.#busyUntil.get(key) ?? 0, now);
    const waitMs = busyUntil - now - this.#toleranceMs;
    if (waitMs > 0) return waitMs;
    if (this.#busyUntil.size >= MOST_KEYS) this.#dropRested(now);
    this.#busyUntil.set(key, busyUntil + this.#intervalMs);
    return 0;
  }

  #dropRested(now: number): void {
    for (const [key, busyUntil] of this.#busyUntil) if (busyUntil <= now) this.#busyUntil.delete(key);
    // Nobody rests: forgetting the oldest keys is kinder than refusing everybody.
    for (const key of this.#busyUntil.keys()) {
      if (this.#busyUntil.size < MOST_KEYS) break;
      this.#busyUntil.delete(key);
    }
  }
}
