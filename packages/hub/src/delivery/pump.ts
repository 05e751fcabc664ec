import type { Clock } from '@websub/shared';
import { HostTurns, type HostTurnsOptions } from './host-turns.js';

/** Of `perHostAtFirst` the default is 4, of `inAllAtFirst` 64. */
export interface PumpOptions<Item> extends HostTurnsOptions {
  readonly clock: Clock;
  /** Milliseconds in which it is seen whether the hub waits for hosts: it is idle for most of them. Default 1. */
  readonly lookEveryMs?: number;
  /** An item's turn has come: it holds a slot of its host until {@link Pump.release}. */
  readonly start: (item: Item) => void;
}

/** What is started together is answered together, and all answers that are there are read before anybody else's turn. */
const SLICE_MS = 1;
/**
 * Hosts that answer at once are given all that they are owed over a few connections and with little in flight: opening one
 * costs more than a delivery, and what is in flight is moved by the garbage collector and falls out of the processor's caches
 * (of 10,000 callbacks, 24 µs each with 64 in flight and 30 with 800).
 */
const PER_HOST_AT_FIRST = 4;
const IN_ALL_AT_FIRST = 64;
const LOOK_EVERY_MS = 1;
/** Of the time between two looks: idle for so long, the hub waits for hosts, and not for the processor. */
const IDLE_SHARE = 0.7;
/** So often in a row before more is in flight in all: callbacks on the same machine wait for the processor at times. */
const LOOKS_IN_ALL = 2;
/** What a hub that is never idle in this time waits for is told by the turns that end in it, while others wait for theirs. */
const PACE_MS = 10;
const NEVER_IDLE_MS = 0.7;
/** Hosts, when fewer end than this share of what is in flight: it is busy with something else. */
const SLOW_SHARE = 0.5;

/** Starts what waits for its turn, a slice at a time: publishers and subscribers get their answers in between. */
export class Pump<Item> {
  readonly #options: PumpOptions<Item>;
  readonly #turns: HostTurns<Item>;
  #stopped = false;
  /** The next slice is on its way. */
  #resting = false;
  /** When it was last looked how many turns end, how long the hub had been idle by then, and how many have ended since. */
  #paceSinceMs = 0;
  #idleBeforeMs = 0;
  #ended = 0;
  /** The least that was in flight since then: so much of it takes its time. */
  #least = 0;
  /** It will be looked whether what waits is given more slots. */
  #looking = false;
  /** How often in a row the hub had been idle. */
  #idleLooks = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: PumpOptions<Item>) {
    this.#options = options;
    const { perHostAtFirst = PER_HOST_AT_FIRST, inAllAtFirst = IN_ALL_AT_FIRST } = options;
    this.#turns = new HostTurns({ ...options, perHostAtFirst, inAllAtFirst });
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
    this.#ended += 1;
    this.#turns.release(host);
    this.rest();
    if (this.#stopped && this.#turns.inFlight === 0) this.#onIdle?.();
  }

  /** Starts what may start. */
  run(): void {
    if (this.#stopped || this.#resting) return;
    this.#keepPace();
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

  /** Hosts that take their time are given all their slots: a thousand callbacks of 50 ms each must not wait for four. */
  #widenWhenIdle(): void {
    if (this.#looking) return;
    if (!this.#turns.isCramped) {
      this.#idleLooks = 0;
      return;
    }
    this.#looking = true;
    const { clock } = this.#options;
    const { lookEveryMs = LOOK_EVERY_MS } = this.#options;
    const idleBefore = clock.idle();
    clock.after(lookEveryMs, () => {
      this.#looking = false;
      const isIdle = clock.idle() - idleBefore >= lookEveryMs * IDLE_SHARE;
      this.#idleLooks = isIdle ? this.#idleLooks + 1 : 0;
      if (this.#idleLooks >= LOOKS_IN_ALL) this.#turns.widenAll();
      else if (this.#idleLooks > 0) this.#turns.widenHosts();
      this.run();
    });
  }

  /** A hub that is never idle finds out by the turns that end whether there are too few slots, or more than it needs. */
  #keepPace(): void {
    const { clock } = this.#options;
    const { inFlight } = this.#turns;
    this.#least = Math.min(this.#least, inFlight);
    if (inFlight > 0 && clock.monotonic() - this.#paceSinceMs < PACE_MS) return;
    if (inFlight > 0 && clock.idle() - this.#idleBeforeMs < NEVER_IDLE_MS) {
      if (this.#ended < inFlight * SLOW_SHARE) this.#turns.widenAll();
      else if (this.#ended >= inFlight && this.#turns.waiting > 0) this.#turns.narrow(this.#least);
    }
    this.#beginPace();
  }

  #beginPace(): void {
    const { clock } = this.#options;
    this.#paceSinceMs = clock.monotonic();
    this.#idleBeforeMs = clock.idle();
    this.#ended = 0;
    this.#least = Infinity;
  }
}
