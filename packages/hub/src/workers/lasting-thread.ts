import { reasonOf, type CancelTimer, type Clock } from '@websub/shared';
import type { DeliveryOutcome, Parcel, Sender, Sending } from '../delivery/sender.js';
import type { HubEmitter } from '../events.js';
import { DeliveryThread, lost } from './delivery-thread.js';
import type { WorkerInput } from './messages.js';

export interface LastingThreadOptions {
  readonly input: WorkerInput;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A thread that worked for so long did not end because of how it began. */
const LIVED_MS = 60_000;

/** Milliseconds until a thread is started again, by how often it has ended soon after its start: at once, 1 s, 2 s … 30 s. */
export function restartPauseMs(endsInARow: number): number {
  return endsInARow < 2 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (endsInARow - 2));
}

/** A delivery thread that is started again when it ends; while there is none, every attempt fails at once. */
export class LastingThread implements Sender {
  readonly #options: LastingThreadOptions;
  #thread: DeliveryThread | undefined;
  /** Monotonic milliseconds. */
  #startedAt = 0;
  #endsInARow = 0;
  #hasWorked = false;
  #cancel: CancelTimer | undefined;
  #stopped = false;

  constructor(options: LastingThreadOptions) {
    this.#options = options;
  }

  /** Settles when it works; rejects when it cannot be started. */
  async start(): Promise<void> {
    await this.#begin().ready;
    this.#hasWorked = true;
  }

  send(parcel: Parcel, sending: Sending, settled: (outcome: DeliveryOutcome) => void): void {
    if (this.#thread === undefined)
      settled(lost('the thread that is to send it is about to be started again'));
    else this.#thread.send(parcel, sending, settled);
  }

  /** Ends it; settles when it is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#thread?.stop();
  }

  #begin(): DeliveryThread {
    const { input, clock } = this.#options;
    this.#startedAt = clock.monotonic();
    this.#thread = new DeliveryThread({
      input,
      clock,
      onEnd: (error, underWay) => this.#onEnd(error, underWay),
    });
    return this.#thread;
  }

  #onEnd(cause: Error, underWay: number): void {
    this.#thread = undefined;
    if (this.#stopped || !this.#hasWorked) return;
    const { clock, events } = this.#options;
    const lived = clock.monotonic() - this.#startedAt >= LIVED_MS;
    this.#endsInARow = lived ? 1 : this.#endsInARow + 1;
    const pauseMs = restartPauseMs(this.#endsInARow);
    const error = new Error(
      `a delivery thread ended (${reasonOf(cause)}): its ${underWay} requests are tried again, and it is started again in ${pauseMs} ms`,
      { cause },
    );
    events.emit('fault', { where: 'delivery-thread', error });
    if (pauseMs === 0) this.#begin();
    else this.#cancel = clock.after(pauseMs, () => this.#begin());
  }
}
