/** Bytes that wait for one client's network at most: what is more waits in the log. */
export const WINDOW_BYTES = 256 * 1024;
/** A client that takes nothing for so long while something waits for it is gone, or as good as. */
export const STALLED_MS = 30_000;

/** A client that takes nothing for so long while something waits for it has stalled: once, until it takes something again. */
const SLOW_MS = 5_000;

/** Tells when a client takes nothing although something waits for it. */
export class StallWatch {
  /** How often it has stalled. */
  stalls = 0;
  #sentBytes = 0;
  #progressAt: number;
  #isSlow = false;

  constructor(now: number) {
    this.#progressAt = now;
  }

  /** Asked about once a second. `sentBytes` is what the network has taken so far; `now` is monotonic. */
  isStalled(now: number, sentBytes: number, isWaiting: boolean): boolean {
    if (isWaiting && sentBytes === this.#sentBytes) {
      if (!this.#isSlow && now - this.#progressAt >= SLOW_MS) {
        this.#isSlow = true;
        this.stalls += 1;
      }
      return now - this.#progressAt >= STALLED_MS;
    }
    this.#isSlow = false;
    this.#sentBytes = sentBytes;
    this.#progressAt = now;
    return false;
  }
}
