import type { Clock } from '@websub/shared';
import { HostTurns, type HostTurnsOptions } from './host-turns.js';

export interface PumpOptions<Item> extends HostTurnsOptions {
  readonly clock: Clock;
  /** Slots of a host of which nothing is known yet. Default 4. */
  readonly slotsAtFirst?: number;
  /** An item's turn has come: it holds a slot of its host until {@link Pump.release}. */
  readonly start: (item: Item) => void;
}

/** What is started together is answered together, and all answers that are there are read before anybody else's turn. */
const SLICE_MS = 1;
/**
 * A host that answers at once is given all it is owed over a few connections: opening one costs more than a delivery, and
 * what is under way together is what the garbage collector has to move (27 µs a delivery with 20 at a time, 22 with 4).
 */
const SLOTS_AT_FIRST = 4;
const LOOK_EVERY_MS = 1;
/** With less idle time than this in between, the hub waits for the processor rather than for hosts. */
const LEAST_IDLE_MS = 0.5;

/** Starts what waits for its turn, a slice at a time: publishers and subscribers get their answers in between. */
export class Pump<Item> {
  readonly #options: PumpOptions<Item>;
  readonly #turns: HostTurns<Item>;
  #stopped = false;
  /** The next slice is on its way. */
  #resting = false;
  /** It will be looked whether hosts need more slots. */
  #looking = false;
  #onIdle: (() => void) | undefined;

  constructor(options: PumpOptions<Item>) {
    this.#options = options;
    this.#turns = new HostTurns({ ...options, perHostAtFirst: options.slotsAtFirst ?? SLOTS_AT_FIRST });
  }

  get inFlight(): number {
    return this.#turns.inFlight;
  }

  get waiting(): number {
    return this.#turns.waiting;
  }

  /** Queues the item; {@link run} or {@link rest} starts it. */
  add(host: string, item: Item): void {
    this.#turns.add(host, item);
  }

  /** The item's turn is over. What waits is not started at once: many that end together are followed by many. */
  release(host: string): void {
    this.#turns.release(host);
    this.rest();
    if (this.#stopped && this.#turns.inFlight === 0) this.#onIdle?.();
  }

  /** Starts what may start. */
  run(): void {
    if (this.#stopped || this.#resting) return;
    const { clock, start } = this.#options;
    const endsAt = clock.monotonic() + SLICE_MS;
    this.#turns.serve(start, () => clock.monotonic() <= endsAt);
    if (this.#turns.canServe) this.rest();
    this.#widenWhenIdle();
  }

  /** Goes on after everything that is ready in this turn of the event loop. */
  rest(): void {
    if (this.#resting) return;
    this.#resting = true;
    setImmediate(() => {
      this.#resting = false;
      this.run();
    });
  }

  /** Starts nothing more; settles when every turn is over. */
  stop(): Promise<void> {
    this.#stopped = true;
    return new Promise((resolve) => {
      if (this.#turns.inFlight === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  /** Hosts that take their time are given more slots: a thousand callbacks of 50 ms each must not wait for four. */
  #widenWhenIdle(): void {
    if (this.#looking || !this.#turns.isCramped) return;
    this.#looking = true;
    const { clock } = this.#options;
    const idleBefore = clock.idle();
    clock.after(LOOK_EVERY_MS, () => {
      this.#looking = false;
      if (clock.idle() - idleBefore >= LEAST_IDLE_MS) this.#turns.widen();
      this.run();
    });
  }
}
