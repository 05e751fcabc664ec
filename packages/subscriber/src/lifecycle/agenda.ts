import type { CancelTimer, Clock } from '@websub/shared';
import { Lanes } from '../lanes.js';
import type { StoreAccess } from '../store/store-access.js';

export interface AgendaParts {
  readonly store: StoreAccess;
  readonly clock: Clock;
  /** Who claims, where several instances share a store. */
  readonly owner: string;
  /** When the subscriptions that this process knows of are due. */
  dueTimes(): readonly Date[];
  /** Gives the subscription of this id the attention that is due; settles when it needs none for now. */
  attend(id: string): Promise<void>;
  /** Called at every look, twice a minute at least. */
  looked(): Promise<void>;
  background(work: Promise<unknown>): void;
}

/** Another instance may have stored something, so the store is asked this often at least. */
const POLL_MS = 30_000;
/** What is due and held by another instance is not asked for in a loop. */
const SHORTEST_PAUSE_MS = 250;
/** How long a claimed subscription is ours: until its state is written, which comes before any request. */
const HOLD_MS = 60_000;
/** Attended to at the same time, so that a thousand leases of one hub are not a thousand connections. */
const CONCURRENCY = 16;

/** Attends to subscriptions when they are due: one timer, however many there are. */
export class Agenda {
  readonly #parts: AgendaParts;
  readonly #lanes = new Lanes({ concurrency: CONCURRENCY, waiting: Number.POSITIVE_INFINITY });
  readonly #inHand = new Set<string>();
  #timer: { readonly at: number; readonly cancel: CancelTimer } | undefined;
  #stopped = true;

  constructor(parts: AgendaParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#stopped = false;
    this.hasten(new Date(this.#parts.clock.now()));
  }

  /** Nothing more is attended to; what is in hand goes on. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Looks at `at` at the latest; never later than was said before. */
  hasten(at: Date): void {
    const now = this.#parts.clock.now();
    const time = Math.min(Math.max(at.getTime(), now), now + POLL_MS);
    if (this.#stopped || (this.#timer !== undefined && this.#timer.at <= time)) return;
    this.#timer?.cancel();
    this.#timer = {
      at: time,
      cancel: this.#parts.clock.after(time - now, () => {
        this.#timer = undefined;
        this.#parts.background(this.#look());
      }),
    };
  }

  async #look(): Promise<void> {
    try {
      const { store, clock, owner } = this.#parts;
      for (const { id } of await store.claimDue(new Date(clock.now()), owner, HOLD_MS)) this.#attend(id);
      await this.#parts.looked();
    } finally {
      const now = this.#parts.clock.now();
      // What is due already is in hand, here or elsewhere; it must not hide what comes due in a moment.
      const next = this.#parts
        .dueTimes()
        .map((at) => (at.getTime() > now ? at.getTime() : now + SHORTEST_PAUSE_MS))
        .reduce((first, at) => Math.min(first, at), now + POLL_MS);
      this.hasten(new Date(next));
    }
  }

  #attend(id: string): void {
    if (this.#stopped || this.#inHand.has(id)) return;
    this.#inHand.add(id);
    const work = this.#lanes.run(id, () => this.#parts.attend(id)) ?? Promise.resolve();
    this.#parts.background(work.finally(() => this.#inHand.delete(id)));
  }
}
