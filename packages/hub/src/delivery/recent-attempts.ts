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
const MOST_SUBSCRIPTIONS = 10_000;

/**
 * The last 20 attempts of each of the 10,000 subscriptions that were tried last: some 25 MB at most, in memory only. What
 * a subscription last failed with outlives that, and a restart, with its place.
 */
export class RecentAttempts {
  /** The one that was tried longest ago is first. */
  readonly #bySubscription = new Map<string, RecentAttempt[]>();

  constructor(events: HubEmitter, clock: Clock) {
    events.on('entry-delivered', ({ subscription, entry, attempt, status }) =>
      this.#add(subscription, { at: clock.now(), entry, attempt, delivered: true, status, detail: null }),
    );
    events.on('delivery-failed', ({ subscription, entry, attempt, status, detail }) =>
      this.#add(subscription, { at: clock.now(), entry, attempt, delivered: false, status, detail }),
    );
    events.on('subscription-ended', ({ subscription }) => this.#bySubscription.delete(subscription));
  }

  /** Oldest first; empty when none is remembered. */
  of(subscription: string): readonly RecentAttempt[] {
    return this.#bySubscription.get(subscription) ?? [];
  }

  #add(subscription: string, attempt: RecentAttempt): void {
    const attempts = this.#bySubscription.get(subscription) ?? [];
    attempts.push(attempt);
    if (attempts.length > ATTEMPTS_EACH) attempts.shift();
    this.#bySubscription.delete(subscription);
    this.#bySubscription.set(subscription, attempts);
    if (this.#bySubscription.size <= MOST_SUBSCRIPTIONS) return;
    const oldest = this.#bySubscription.keys().next();
    if (oldest.done !== true) this.#bySubscription.delete(oldest.value);
  }
}
