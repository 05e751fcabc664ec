/** With the default retries, whatever is late comes sooner. */
const QUIET_MS = 60_000;

/** Counts what comes, and lets one wait for so much of it. */
export class Arriving {
  readonly #quietMs: number;
  #count = 0;
  #awaited: { readonly count: number; readonly settle: () => void } | undefined;

  /** `quietMs`: how long nothing may come while something is awaited. */
  constructor(quietMs = QUIET_MS) {
    this.#quietMs = quietMs;
  }

  /** Since the last {@link reset}. */
  get count(): number {
    return this.#count;
  }

  reset(): void {
    this.#count = 0;
  }

  /** One more has come. */
  note(): void {
    this.#count += 1;
    if (this.#awaited !== undefined && this.#count >= this.#awaited.count) this.#awaited.settle();
  }

  /** Settles when so many have come; rejects when none comes for long, as what is lost is to be told and not to be waited for. */
  async await(count: number): Promise<void> {
    if (this.#count >= count) return;
    let before = this.#count;
    let watch: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#awaited = { count, settle: resolve };
      watch = setInterval(() => {
        if (this.#count === before)
          reject(new Error(`${this.#count} of ${count} came, and then none for ${this.#quietMs / 1_000} s`));
        before = this.#count;
      }, this.#quietMs);
    }).finally(() => {
      clearInterval(watch);
      this.#awaited = undefined;
    });
  }
}
