/** Bytes that wait for one client's network at most: what is more waits in the log. */
export const WINDOW_BYTES = 256 * 1024;
/** A client that takes nothing for so long while something waits for it is gone, or as good as. */
export const STALLED_MS = 30_000;

/** Tells when a client takes nothing although something waits for it. */
export class StallWatch {
  #sentBytes = 0;
  #progressAt: number;

  constructor(now: number) {
    this.#progressAt = now;
  }

  /** Asked about once a second. `sentBytes` is what the network has taken so far; `now` is monotonic. */
  isStalled(now: number, sentBytes: number, isWaiting: boolean): boolean {
    if (isWaiting && sentBytes === this.#sentBytes) return now - this.#progressAt >= STALLED_MS;
    this.#sentBytes = sentBytes;
    this.#progressAt = now;
    return false;
  }
}
