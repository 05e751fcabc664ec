import type { Clock } from '@websub/shared';
import type { SubscriptionFact } from '../subscription/decide.js';
import type { Subscription } from '../subscription/subscription.js';

/** Why a request no longer stands for anything. */
export interface ClosedRequest {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly topic: string;
  readonly reason: string;
}

const MOST = 10_000;

const WHEN_ENDED = {
  unsubscribed: 'the callback confirmed that it wants the topic no longer',
  expired: 'the lease has ended: subscribe again',
  gone: 'the callback answered a delivery 410: subscribe again',
  denied: 'the hub denied the subscription',
  unverified: 'the callback did not confirm the request',
} as const;

/**
 * What became of the last 10,000 requests that stand for nothing any more, in memory: whoever made one can look up why
 * nothing comes.
 */
export class ClosedRequests {
  readonly #clock: Clock;
  readonly #closed = new Map<string, ClosedRequest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  find(request: string): ClosedRequest | undefined {
    return this.#closed.get(request);
  }

  /** A subscription has changed: what it names no longer is closed. */
  note(before: Subscription, after: Subscription | null, facts: readonly SubscriptionFact[]): void {
    const left = new Set(after === null ? [] : requestsOf(after));
    for (const request of requestsOf(before)) {
      if (!left.has(request)) this.#close(request, before.topic, reasonOf(before, facts));
    }
  }

  #close(request: string, topic: string, reason: string): void {
    this.#closed.set(request, { at: this.#clock.now(), topic, reason });
    if (this.#closed.size <= MOST) return;
    const oldest = this.#closed.keys().next();
    if (oldest.done !== true) this.#closed.delete(oldest.value);
  }
}

function requestsOf({ lease, pending }: Subscription): readonly string[] {
  return [lease?.request, pending?.request].filter((request) => request !== undefined);
}

function reasonOf({ pending }: Subscription, facts: readonly SubscriptionFact[]): string {
  for (const fact of facts) {
    if (fact.kind === 'verification-failed') return `${WHEN_ENDED.unverified}: ${fact.detail}`;
    if (fact.kind === 'denied') return `the hub denied the subscription: ${fact.reason}`;
    if (fact.kind !== 'ended') continue;
    if (fact.reason === 'denied' && pending?.kind === 'denial')
      return `${WHEN_ENDED.denied}: ${pending.reason}`;
    return WHEN_ENDED[fact.reason];
  }
  return 'a newer request has taken its place: see the address in its answer';
}
