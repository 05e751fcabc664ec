import type { Clock } from '@websub/shared';
import type { Outcome } from './exchange.js';

interface Known {
  readonly outcome: Promise<Outcome>;
  readonly expiresAt: number;
}

/** Deliveries remembered at most; the oldest goes first. */
const MOST_KEYS = 10_000;

/** Remembers deliveries by key, so that one that comes again is answered like the first and not handled again. */
export class Dedupe {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  /**
   * The answer to the delivery of this key: the first one's, which may still be under way, or what `handle` makes of it.
   * An answer outside 2xx is forgotten at once: then the hub's next attempt is to be handled.
   */
  once(key: string | undefined, handle: () => Promise<Outcome>): Promise<Outcome> {
    if (key === undefined) return handle();
    this.#forgetOld();
    const known = this.#known.get(key);
    if (known !== undefined) return known.outcome;
    const outcome = handle();
    this.#known.set(key, { outcome, expiresAt: this.#clock.monotonic() + this.#ttlMs });
    const settled = outcome.then(
      ({ answer: { status } }) => status >= 200 && status <= 299,
      () => false,
    );
    return settled.then((handled) => {
      if (!handled) this.#known.delete(key);
      return outcome;
    });
  }

  /** All are kept equally long, so the first of the map is always the oldest. */
  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [key, { expiresAt }] of this.#known) {
      if (expiresAt > now && this.#known.size < MOST_KEYS) return;
      this.#known.delete(key);
    }
  }
}
