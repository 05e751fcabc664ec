import type { TraceContext } from '@websub/shared';
import { tenantOf, type Principal } from '../access/principal.js';
import type { Position } from '../log/log.js';
import type { SealedSecret } from './sealed-secret.js';

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

/** When something ends that lasts until somebody ends it: the latest time that a date can be. */
export const NEVER = 8_640_000_000_000_000;

/** Terms that the callback confirmed, or that somebody vouched for. */
export interface Lease {
  readonly secret: SealedSecret | null;
  /** Present: deliveries are signed with their id and time as well (`hub.webhook_signature`). */
  readonly webhookSignature?: true;
  readonly seconds: number;
  /** Milliseconds since the epoch, counted from the verification request (section 5.3). */
  readonly endsAt: number;
  /** Entries after this position are owed. */
  readonly since: Position;
  /** In whose name it was asked for: it lasts no longer than their credential. Absent: anybody's. */
  readonly principal?: Principal;
  /** The request that the callback confirmed last; absent in what older hubs stored. */
  readonly request?: string;
  /** Absent: the callback confirmed that it wants this. */
  readonly vouched?: Vouched;
  /** An operator keeps deliveries back since then; absent while they go on. */
  readonly pausedAt?: number;
  /** Deliveries had failed for days by then; absent while they succeed, or have not failed for so long. */
  readonly suspendedAt?: number;
}

/**
 * A publisher vouches for the callback, which knows nothing of WebSub: it is asked nothing, and told nothing but what is
 * delivered.
 */
export interface Vouched {
  /** The `Authorization` header of its deliveries. */
  readonly authorization: SealedSecret | null;
}

export function isPaused({ pausedAt }: Lease): boolean {
  return pausedAt !== undefined;
}

export function isSuspended({ suspendedAt }: Lease): boolean {
  return suspendedAt !== undefined;
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
  readonly secret: SealedSecret | null;
  /** As {@link Lease.webhookSignature}. */
  readonly webhookSignature?: true;
  readonly leaseSeconds: number;
  readonly verifyToken: string | null;
  /** It replaced an unsubscription that was never settled: the callback may have confirmed that one. */
  readonly afterUnsubscribe: boolean;
  /** As {@link Lease.principal}. */
  readonly principal?: Principal;
}

interface PendingUnsubscribe extends Attempted {
  readonly kind: 'unsubscribe';
  readonly verifyToken: string | null;
}

/** The callback is still to be told that it was denied (section 5.2). */
export interface PendingDenial extends Attempted {
  readonly kind: 'denial';
  readonly reason: string;
  /** An operator ended the subscription: a confirmation that is on its way does not bring it back. */
  readonly byOperator?: true;
}

export const SUBSCRIPTION_STATES = ['active', 'suspended', 'paused', 'pending', 'denied'] as const;
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

/** The state as people see it. Whatever is in force counts first. */
export function stateOf({ lease, pending }: Subscription, now: number): SubscriptionState {
  if (lease !== null && lease.endsAt > now) {
    if (isPaused(lease)) return 'paused';
    return isSuspended(lease) ? 'suspended' : 'active';
  }
  return pending?.kind === 'denial' ? 'denied' : 'pending';
}

/** Whether the callback may have confirmed the end of the subscription without the hub's knowing. */
export function mayHaveEnded(pending: Pending | null): boolean {
  return pending?.kind === 'unsubscribe' || (pending?.kind === 'subscribe' && pending.afterUnsubscribe);
}

/** Whose it is, `null` for nobody's in particular: what is in force counts first. */
export function tenantOfSubscription({ lease, pending }: Subscription): string | null {
  if (lease !== null) return tenantOf(lease.principal);
  return pending?.kind === 'subscribe' ? tenantOf(pending.principal) : null;
}

/** When this subscription next wants attention because of its request or its lease; `Infinity` for never. */
export function dueAt(subscription: Subscription): number {
  return Math.min(subscription.pending?.dueAt ?? Infinity, subscription.lease?.endsAt ?? Infinity);
}
