import type { Clock } from '@websub/shared';
import type { HubEmitter } from '../events.js';

/** One delivery attempt, as it is remembered. */
export interface RecentAttempt {
  /** When it was answered, milliseconds since the epoch. */
  readonly at: number;
  /** The entry's id. */
  readonly entry: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly delivered: boolean;
  /** 0 when no answer came. */
  readonly status: number;
  /** How it failed; `null` when it did not. */
  readonly detail: string | null;
}

export const ATTEMPTS_EACH = 20;
/** Of each of the two generations. */
const MOST_SUBSCRIPTIONS = 5_000;

/**
 * The last 20 attempts of the 5,000 to 10,000 subscriptions that were tried last: some 25 MB at most, in memory only. What a
 * subscription last failed with outlives that, and a restart, with its place.
 */
export class RecentAttempts {
  /** In two generations: no order has to be kept with each attempt, only the older one be dropped now and then. */
  #young = new Map<string, RecentAttempt[]>();
  #old = new Map<string, RecentAttempt[]>();
  /** What many deliveries of an entry have in common in the same millisecond is remembered once. */
  #last: RecentAttempt | undefined;

  constructor(events: HubEmitter, clock: Clock) {
    events.on('entry-delivered', ({ subscription, entry, attempt, status }) =>
      this.#add(subscription, this.#delivered(clock.now(), entry, attempt, status)),
    );
    events.on('delivery-failed', ({ subscription, entry, attempt, status, detail }) =>
      this.#add(subscription, { at: clock.now(), entry, attempt, delivered: false, status, detail }),
    );
    events.on('subscription-ended', ({ subscription }) => {
      this.#young.delete(subscription);
      this.#old.delete(subscription);
    });
  }

  /** Oldest first; empty when none is remembered. */
  of(subscription: string): readonly RecentAttempt[] {
    return this.#young.get(subscription) ?? this.#old.get(subscription) ?? [];
  }

  #delivered(at: number, entry: string, attempt: number, status: number): RecentAttempt {
    const last = this.#last;
    if (last?.at === at && last.entry === entry && last.attempt === attempt && last.status === status)
      return last;
    this.#last = { at, entry, attempt, delivered: true, status, detail: null };
    return this.#last;
  }

  #add(subscription: string, attempt: RecentAttempt): void {
    let attempts = this.#young.get(subscription);
    if (attempts === undefined) {
      attempts = this.#old.get(subscription) ?? [];
      this.#makeYoung(subscription, attempts);
    }
    attempts.push(attempt);
    if (attempts.length > ATTEMPTS_EACH) attempts.shift();
  }

  #makeYoung(subscription: string, attempts: RecentAttempt[]): void {
    if (this.#young.size >= MOST_SUBSCRIPTIONS) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(subscription, attempts);
  }
}
