/** Work that goes on in the background, so that a stop can wait for it and no failure gets lost. */
export class Tasks {
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: (thrown: unknown) => void;

  constructor(onFailure: (thrown: unknown) => void) {
    this.#onFailure = onFailure;
  }

  run(work: Promise<unknown>): void {
    const task = work.then(
      () => void this.#running.delete(task),
      (thrown: unknown) => {
        this.#running.delete(task);
        this.#onFailure(thrown);
      },
    );
    this.#running.add(task);
  }

  /** Settles when nothing runs any more, including what the running work starts; never rejects. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
