import type { CancelTimer, Clock } from '@websub/shared';
import type { OpenStream } from './open-stream.js';

export interface StreamRoundsOptions {
  readonly clock: Clock;
  /** All that are open. */
  readonly open: ReadonlyMap<string, OpenStream>;
  /** Looks after one; `now` is monotonic, `wallClock` milliseconds since the epoch. */
  readonly look: (stream: OpenStream, now: number, wallClock: number) => void;
}

const EVERY_MS = 1_000;
const SLICE_MS = 1;

/**
 * Looks after all streams about once a second, with one timer: in slices, since ten thousand that were given the same update
 * are due for a sign of life at the same time, and to write it takes a tenth of a second, in which publishers would wait.
 */
export class StreamRounds {
  readonly #options: StreamRoundsOptions;
  #cancel: CancelTimer | undefined;
  #left: Iterator<OpenStream> | undefined;

  constructor(options: StreamRoundsOptions) {
    this.#options = options;
  }

  /** The next round is in a second, unless one is due or under way. */
  goOn(): void {
    if (this.#cancel !== undefined || this.#left !== undefined) return;
    const { clock, open } = this.#options;
    this.#cancel = clock.after(EVERY_MS, () => {
      this.#cancel = undefined;
      this.#left = open.values();
      this.#slice();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#left = undefined;
  }

  #slice(): void {
    const { clock, open, look } = this.#options;
    const [now, wallClock] = [clock.monotonic(), clock.now()];
    // Ends with its time, or the round; a look may stop both.
    while (this.#left !== undefined && clock.monotonic() <= now + SLICE_MS) {
      const { done, value } = this.#left.next();
      if (done !== true) look(value, now, wallClock);
      else {
        this.#left = undefined;
        if (open.size > 0) this.goOn();
      }
    }
    if (this.#left !== undefined) setImmediate(() => this.#slice());
  }
}
