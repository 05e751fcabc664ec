import type { Clock } from '@websub/shared';

const AGAIN_MS = 60_000;
const MOST_KNOWN = 100;

/** What is said over and over is let through once a minute. */
export class Repetitions {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #known = new Map<string, { readonly until: number; leftOut: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** How often the same was left out since it was let through last; `undefined` when it is to be left out again. */
  admit(text: string): number | undefined {
    const now = this.#clock.monotonic();
    const known = this.#known.get(text);
    if (known !== undefined && now < known.until) {
      known.leftOut += 1;
      return undefined;
    }
    // So many different ones are no repetition.
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(text, { until: now + AGAIN_MS, leftOut: 0 });
    return known?.leftOut ?? 0;
  }
}
