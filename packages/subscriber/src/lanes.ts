interface Waiting {
  readonly key: string | undefined;
  readonly start: () => void;
}

export interface LanesOptions {
  /** Work that runs at the same time. */
  readonly concurrency: number;
  /** Work that waits; more is refused. */
  readonly waiting: number;
}

/** Runs work with a bound on how much runs and on how much waits; work of equal keys runs one after the other. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #busyKeys = new Set<string>();
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Settles as the work does; `undefined` when there is no room to wait. Work of equal keys keeps its order. */
  run<T>(key: string | undefined, work: () => Promise<T>): Promise<T> | undefined {
    const free = this.#running < this.#options.concurrency && !this.#isBusy(key);
    if (!free && this.#waiting.length >= this.#options.waiting) return undefined;
    return new Promise<T>((resolve, reject) => {
      const start = (): void => {
        this.#running++;
        if (key !== undefined) this.#busyKeys.add(key);
        work()
          .finally(() => this.#leave(key))
          .then(resolve, reject);
      };
      if (free) start();
      else this.#waiting.push({ key, start });
    });
  }

  #leave(key: string | undefined): void {
    this.#running--;
    if (key !== undefined) this.#busyKeys.delete(key);
    // One that waits for a busy key lets others pass, so that a slow key holds up only itself.
    for (let at = 0; at < this.#waiting.length && this.#running < this.#options.concurrency;) {
      const next = this.#waiting[at];
      if (next === undefined || this.#isBusy(next.key)) at++;
      else this.#waiting.splice(at, 1)[0]?.start();
    }
  }

  #isBusy(key: string | undefined): boolean {
    return key !== undefined && this.#busyKeys.has(key);
  }
}
