import type { CancelTimer, Clock } from '@websub/shared';
import type { HubEmitter } from '../events.js';

export interface StoreWatchOptions {
  /** How long the oldest request to the store has waited for its answer, milliseconds. */
  readonly lateMs: () => number;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

const LOOK_EVERY_MS = 1_000;
const STALLED_AFTER_MS = 10_000;

/**
 * Notices a disk that does not answer: an fsync that hangs keeps every publisher waiting and says nothing. What is in
 * memory is delivered meanwhile.
 */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  #cancel: CancelTimer | undefined;
  #since: number | undefined;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  get isStalled(): boolean {
    return this.#since !== undefined;
  }

  /** What is wrong, for people; `undefined` while the disk answers. */
  get complaint(): string | undefined {
    if (!this.isStalled) return undefined;
    return `the disk has not answered for ${Math.round(this.#options.lateMs() / 1000)} s: see to it`;
  }

  /** Milliseconds for which the disk has not answered by now. */
  get lateMs(): number {
    return this.#options.lateMs();
  }

  start(): void {
    this.#cancel = this.#options.clock.after(LOOK_EVERY_MS, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#cancel?.();
  }

  #look(): void {
    const { lateMs, clock, events } = this.#options;
    const late = lateMs();
    if (this.#since === undefined && late >= STALLED_AFTER_MS) {
      this.#since = clock.monotonic() - late;
      events.emit('store-stalled', { forMs: Math.round(late) });
    } else if (this.#since !== undefined && late < STALLED_AFTER_MS) {
      events.emit('store-resumed', { afterMs: Math.round(clock.monotonic() - this.#since) });
      this.#since = undefined;
    }
  }
}
