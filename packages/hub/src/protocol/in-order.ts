/** Runs what concerns the same key one after the other, in the order asked, and different keys side by side. */
export class InOrder {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Settles as `action` does. */
  run<T>(key: string, action: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const result = before === undefined ? action() : before.then(action);
    // The chain goes on after a failure: the failure is the business of whoever awaits `result`.
    const settled = result.then(ignore, ignore).then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    this.#last.set(key, settled);
    return result;
  }
}

function ignore(): void {}
