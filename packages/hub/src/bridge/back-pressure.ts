const KIB = 1024;
/** Bytes that wait for one client's network at most: what is more waits in the log. */
export const WINDOW_BYTES = 256 * KIB;
/** Bytes that wait for all clients' networks together, about (LAW 8). */
const IN_ALL_BYTES = 256 * KIB * KIB;
/** From here on Node tells when what waits has gone, which it does not for less: no window is smaller. */
export const DRAINED_BYTES = 16 * KIB;

/** The window of each client while so many streams are open: the more they are, the less waits for each. */
export function windowBytes(streams: number): number {
  return Math.max(DRAINED_BYTES, Math.min(WINDOW_BYTES, Math.floor(IN_ALL_BYTES / Math.max(streams, 1))));
}

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
