import type { StoredSubscription } from './subscription.js';

/** What happens to a subscription. */
export type LifeEvent =
  /** Its owner wants it, or wants it no more. */
  | { readonly kind: 'requested'; readonly mode: 'subscribe' | 'unsubscribe' }
  /** The hub gave no usable answer to our request. */
  | { readonly kind: 'failed'; readonly mode: 'subscribe' | 'unsubscribe' }
  /** The hub answered our request with a refusal. */
  | { readonly kind: 'refused'; readonly mode: 'subscribe' | 'unsubscribe'; readonly reason: string }
  /** The hub asked, and is told that it is so. */
  | { readonly kind: 'verified'; readonly mode: 'subscribe' | 'unsubscribe'; readonly leaseSeconds?: number }
  /** The hub says that it will not be. */
  | { readonly kind: 'denied'; readonly reason?: string }
  /** The hub asked, and the service's own method refused what was asked for. */
  | { readonly kind: 'declined'; readonly reason: string }
  /** A delivery was taken; `strong`: signed by sha256 or better; `timed`: with its id and time. */
  | { readonly kind: 'delivered'; readonly strong: boolean; readonly timed: boolean }
  /** A handler gave it up, so that the hub was answered 410. */
  | { readonly kind: 'given-up' }
  /** Another subscription was made to take over from this one; it is not verified yet. */
  | { readonly kind: 'replaced'; readonly by: string }
  /** Nothing came of the one that was to take over. */
  | { readonly kind: 'abandoned' }
  /**
   * The one that takes over was verified. `atHub`: the hub holds this one beside it; not so where both have the same
   * callback, topic and hub, for these are the hub's key.
   */
  | { readonly kind: 'superseded'; readonly atHub: boolean }
  /** A listener that has it starts. */
  | { readonly kind: 'resumed' }
  /** Its due time has come. */
  | { readonly kind: 'due' };

/** What is to be done about it, after the new state was stored. */
export type LifeEffect =
  | { readonly kind: 'send'; readonly mode: 'subscribe' | 'unsubscribe' }
  | { readonly kind: 'tell'; readonly what: 'verified' | 'renewed' | 'expired' | 'unsubscribed' }
  | { readonly kind: 'tell'; readonly what: 'denied'; readonly reason?: string }
  /** The subscription of this id is superseded. */
  | { readonly kind: 'retire'; readonly id: string }
  /** It will not take over from the subscription of this id: the hub denied or refused it. */
  | { readonly kind: 'stand-down'; readonly id: string; readonly denied: boolean; readonly reason?: string }
  /** Nothing is left to remember. */
  | { readonly kind: 'forget' };

export interface Decision {
  /** The very same object when nothing changes. */
  readonly subscription: StoredSubscription;
  readonly effects: readonly LifeEffect[];
}

export interface LifePolicy {
  /** The part of a lease after which it is renewed; up to a tenth earlier, so that renewals spread. */
  readonly renewAt: number;
  /** Milliseconds after which a denied subscription is asked for again; `null`: never. */
  readonly retryDeniedMs: number | null;
}
