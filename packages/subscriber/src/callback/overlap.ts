import { createHash } from 'node:crypto';
import type { Clock } from '@websub/shared';
import type { Outcome } from './exchange.js';

/** A delivery to one of two subscriptions; the same is still to come to the other. */
interface Expected {
  readonly outcome: Promise<Outcome>;
  readonly expiresAt: number;
}

/** By what time the hub has delivered an update to the second of two subscriptions, its first retries included. */
const EXPECTED_MS = 300_000;
const MOST_EXPECTED = 10_000;

/**
 * While one subscription takes over from another, the hub delivers each update to both. Where deliveries carry no id, one
 * delivery to each of the same bytes is one update; a topic that says the same thing twice is heard twice.
 */
export class Overlap {
  readonly #clock: Clock;
  // By who is to get it and what it is. The oldest key is the first.
  readonly #expected = new Map<string, Expected[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What `handle` makes of a delivery to the subscription `id`, or what it made of the same update when that came to
   * the other one. `twin`: the active subscription beside it, if there is one.
   */
  once(
    id: string,
    twin: string | undefined,
    body: Uint8Array,
    handle: () => Promise<Outcome>,
  ): Promise<Outcome> {
    if (twin === undefined && this.#expected.size === 0) return handle();
    const digest = createHash('sha256').update(body).digest('base64');
    const known = this.#take(`${id} ${digest}`);
    if (known !== undefined) return known;
    const outcome = handle();
    return twin === undefined ? outcome : this.#expect(`${twin} ${digest}`, outcome);
  }

  #take(key: string): Promise<Outcome> | undefined {
    this.#forgetOld();
    const [first, ...others] = this.#expected.get(key) ?? [];
    if (others.length > 0) this.#expected.set(key, others);
    else this.#expected.delete(key);
    return first?.outcome;
  }

  async #expect(key: string, outcome: Promise<Outcome>): Promise<Outcome> {
    const expected = { outcome, expiresAt: this.#clock.monotonic() + EXPECTED_MS };
    this.#expected.set(key, [...(this.#expected.get(key) ?? []), expected]);
    const { status } = (await outcome).answer;
    // What failed comes again to both.
    if (status < 200 || status > 299) this.#remove(key, expected);
    return outcome;
  }

  #remove(key: string, expected: Expected): void {
    const left = (this.#expected.get(key) ?? []).filter((other) => other !== expected);
    if (left.length > 0) this.#expected.set(key, left);
    else this.#expected.delete(key);
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [key, all] of this.#expected) {
      const fresh = all.filter(({ expiresAt }) => expiresAt > now);
      if (fresh.length === all.length && this.#expected.size < MOST_EXPECTED) return;
      this.#expected.delete(key);
    }
  }
}
