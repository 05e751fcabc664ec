export interface Rate {
  /** Admissions per second in the long run. */
  readonly perSecond: number;
  /** Admissions at once after a rest. */
  readonly burst: number;
}

// A stranger with ever new keys cannot make this grow further (LAW 8).
const MOST_KEYS = 100_000;

/** Admits a bounded rate per key, by the time at which a key has used up what it was given (GCRA). */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  /** Two generations: when the younger is full the older is forgotten as a whole, which takes no time. */
  #younger = new Map<string, number>();
  #older = new Map<string, number>();

  constructor({ perSecond, burst }: Rate) {
    this.#intervalMs = 1000 / perSecond;
    this.#toleranceMs = (burst - 1) * this.#intervalMs;
  }

  /** 0 when admitted, else the milliseconds until it would be. `now` is monotonic. */
  admit(key: string, now: number): number {
    const known = this.#younger.get(key) ?? this.#older.get(key) ?? now;
    const busyUntil = Math.max(known, now);
    const waitMs = busyUntil - now - this.#toleranceMs;
    if (waitMs > 0) return waitMs;
    if (this.#younger.size >= MOST_KEYS / 2) {
      this.#older = this.#younger;
      this.#younger = new Map();
    }
    this.#younger.set(key, busyUntil + this.#intervalMs);
    return 0;
  }
}
