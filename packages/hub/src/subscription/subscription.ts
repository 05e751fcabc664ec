import type { TraceContext } from '@websub/shared';
import type { Position } from '../log/log.js';

/**
 * A subscription: the pair of topic and callback (section 1), with two axes. `lease` is what is in force, `pending` what
 * was asked for and is not settled. A renewal under way changes nothing in force (LAW 5).
 */
export interface Subscription {
  /** Unguessable; the same from the first request to the end. */
  readonly id: string;
  readonly topic: string;
  /** Exactly as given (section 5.1.1). */
  readonly callback: string;
  /** Grows by one with each save. */
  readonly version: number;
  readonly lease: Lease | null;
  readonly pending: Pending | null;
}

/** Terms that the callback confirmed. */
export interface Lease {
  readonly secret: string | null;
  readonly seconds: number;
  /** Milliseconds since the epoch, counted from the verification request (section 5.3). */
  readonly endsAt: number;
  /** Entries after this position are owed. */
  readonly since: Position;
}

export type Pending = PendingIntent | PendingDenial;
/** What the callback is asked to confirm. */
export type PendingIntent = PendingSubscribe | PendingUnsubscribe;

interface Attempted {
  /** Tells this request from one that replaced it while its verification was under way. */
  readonly request: string;
  readonly attempts: number;
  /** When to try next, milliseconds since the epoch. */
  readonly dueAt: number;
  /** The trace in which it was asked for. */
  readonly trace?: TraceContext;
}

export interface PendingSubscribe extends Attempted {
  readonly kind: 'subscribe';
  readonly secret: string | null;
  readonly leaseSeconds: number;
  readonly verifyToken: string | null;
  /** It replaced an unsubscription that was never settled: the callback may have confirmed that one. */
  readonly afterUnsubscribe: boolean;
}

interface PendingUnsubscribe extends Attempted {
  readonly kind: 'unsubscribe';
  readonly verifyToken: string | null;
}

/** The callback is still to be told that it was denied (section 5.2). */
export interface PendingDenial extends Attempted {
  readonly kind: 'denial';
  readonly reason: string;
}

export const SUBSCRIPTION_STATES = ['active', 'pending', 'denied'] as const;
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

/** The state as people see it. Whatever is in force counts first. */
export function stateOf(subscription: Subscription, now: number): SubscriptionState {
  if (subscription.lease !== null && subscription.lease.endsAt > now) return 'active';
  return subscription.pending?.kind === 'denial' ? 'denied' : 'pending';
}

/** Whether the callback may have confirmed the end of the subscription without the hub's knowing. */
export function mayHaveEnded(pending: Pending | null): boolean {
  return pending?.kind === 'unsubscribe' || (pending?.kind === 'subscribe' && pending.afterUnsubscribe);
}

/** When this subscription next wants attention because of its request or its lease; `Infinity` for never. */
export function dueAt(subscription: Subscription): number {
  return Math.min(subscription.pending?.dueAt ?? Infinity, subscription.lease?.endsAt ?? Infinity);
}
