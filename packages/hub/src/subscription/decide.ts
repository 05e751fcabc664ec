import type { TraceContext } from '@websub/shared';
import type { Principal } from '../access/principal.js';
import type { Position } from '../log/log.js';
import { markLease, type LeaseMark } from './lease-mark.js';
import type { SealedSecret } from './sealed-secret.js';
import {
  isSuspended,
  mayHaveEnded,
  type Lease,
  type Pending,
  type PendingDenial,
  type PendingIntent,
  type PendingSubscribe,
  type Subscription,
  type Vouched,
} from './subscription.js';

/** Something that happened to a subscription. `request` names the pending request that it is about. */
export type SubscriptionEvent =
  | {
      readonly kind: 'subscribe-requested';
      readonly request: string;
      readonly secret: SealedSecret | null;
      readonly webhookSignature?: true;
      readonly leaseSeconds: number;
      readonly verifyToken: string | null;
      readonly trace?: TraceContext;
      readonly principal?: Principal;
    }
  | {
      readonly kind: 'unsubscribe-requested';
      readonly request: string;
      readonly verifyToken: string | null;
      readonly trace?: TraceContext;
    }
  /**
   * The callback echoed the challenge of this request, which may have been replaced meanwhile. `askedAt` and `head` are of
   * the moment the verification was sent.
   */
  | {
      readonly kind: 'intent-confirmed';
      readonly of: PendingIntent;
      readonly askedAt: number;
      readonly head: Position;
    }
  /** The callback answered something else. */
  | { readonly kind: 'intent-refused'; readonly request: string; readonly detail: string }
  /** The callback gave no answer, or 5xx: it may be asked again. */
  | { readonly kind: 'intent-unanswered'; readonly request: string; readonly detail: string }
  /** The hub does not take this subscription (section 5.2). */
  | { readonly kind: 'denied'; readonly request: string; readonly reason: string }
  | { readonly kind: 'denial-told'; readonly request: string }
  | { readonly kind: 'denial-unanswered'; readonly request: string }
  /** In whose name the lease, or what is pending, was asked for may no longer read the topic; the denial is `request`. */
  | {
      readonly kind: 'forbidden';
      readonly request: string;
      readonly reason: string;
      readonly lease: boolean;
      readonly pending: boolean;
    }
  /** `request` names the denial that a suspended subscription is then told of. */
  | { readonly kind: 'lease-ended'; readonly request: string }
  /** The callback answered a delivery 410 (section 7). */
  | { readonly kind: 'gone' }
  | LeaseMark
  /** A publisher vouches for the callback, which is not asked: entries after `head` are owed. */
  | {
      readonly kind: 'vouched';
      readonly request: string;
      readonly vouched: Vouched;
      readonly endsAt: number;
      readonly head: Position;
      readonly principal?: Principal;
    }
  /** Whoever vouched no longer wants it. */
  | { readonly kind: 'withdrawn' }
  /** An operator ends the subscription; `request` names the denial that the callback is told of. */
  | { readonly kind: 'removed'; readonly request: string; readonly reason: string };

export type EndReason = 'unsubscribed' | 'expired' | 'gone' | 'denied' | 'unverified';

/** What a decision means to the rest of the hub. */
export type SubscriptionFact =
  | { readonly kind: 'activated' }
  | { readonly kind: 'renewed' }
  | {
      readonly kind: 'verification-failed';
      readonly mode: 'subscribe' | 'unsubscribe';
      readonly detail: string;
    }
  | { readonly kind: 'denied'; readonly reason: string }
  | { readonly kind: Exclude<LeaseMark['kind'], 'rewound'> }
  | { readonly kind: 'ended'; readonly reason: EndReason };

export interface Decision {
  /** `null` when the subscription no longer exists. The version is the caller's business. */
  readonly subscription: Subscription | null;
  readonly facts: readonly SubscriptionFact[];
}

/** Milliseconds before the second and third verification, and before the second and third telling of a denial. */
export const ASK_AGAIN_MS = [5_000, 30_000] as const;

/** What a callback is told when its lease ends after days without a delivery that succeeded. */
export const SUSPENDED_REASON =
  'deliveries to this callback failed for days until the lease ended: let it answer 2xx, then subscribe again';

/**
 * The life of a subscription: a pure function of where it is, what happened and when. Of a request that was replaced
 * meanwhile only the confirmation counts: the callback acts on its own answer at once.
 */
export function decide(subscription: Subscription, event: SubscriptionEvent, now: number): Decision {
  if (isOutdated(subscription, event)) return unchanged(subscription);
  switch (event.kind) {
    case 'subscribe-requested':
    case 'unsubscribe-requested':
      return {
        subscription: { ...subscription, pending: pendingOf(event, subscription.pending, now) },
        facts: [],
      };
    case 'intent-confirmed':
      return intentConfirmed(subscription, event, now);
    case 'intent-refused':
      return intentRefused(subscription, event);
    case 'intent-unanswered':
      return isVerifying(subscription)
        ? (again(subscription, now) ?? intentRefused(subscription, event))
        : unchanged(subscription);
    case 'denied':
      return isVerifying(subscription) ? deny(subscription, event, now) : unchanged(subscription);
    case 'denial-told':
      return isVerifying(subscription) ? unchanged(subscription) : denialDone(subscription);
    case 'denial-unanswered':
      return isVerifying(subscription)
        ? unchanged(subscription)
        : (again(subscription, now) ?? denialDone(subscription));
    case 'forbidden':
      return forbidden(subscription, event, now);
    case 'lease-ended':
      return leaseEnded(subscription, event, now);
    case 'gone':
      return settle(subscription, null, subscription.pending, 'gone', []);
    case 'vouched':
      return vouched(subscription, event, now);
    case 'withdrawn':
      return subscription.lease?.vouched === undefined
        ? unchanged(subscription)
        : settle(subscription, null, subscription.pending, 'unsubscribed', []);
    case 'removed':
      if (subscription.lease?.vouched !== undefined) return settle(subscription, null, null, 'denied', []);
      return subscription.pending?.kind === 'denial' && subscription.lease === null
        ? unchanged(subscription)
        : deny({ ...subscription, lease: null }, { ...event, byOperator: true }, now);
    case 'suspended':
    case 'recovered':
    case 'paused':
    case 'resumed':
    case 'rewound':
      return marked(subscription, event, now);
  }
}

/** No confirmation of a request that was replaced, or settled, meanwhile. */
function isOutdated({ pending }: Subscription, event: SubscriptionEvent): boolean {
  switch (event.kind) {
    case 'subscribe-requested':
    case 'unsubscribe-requested':
    case 'forbidden':
    case 'lease-ended':
    case 'gone':
    case 'suspended':
    case 'recovered':
    case 'paused':
    case 'resumed':
    case 'rewound':
    case 'vouched':
    case 'withdrawn':
    case 'removed':
      return false;
    case 'intent-confirmed':
      return pending === null || (pending.kind === 'denial' && pending.byOperator === true);
    case 'intent-refused':
    case 'intent-unanswered':
    case 'denied':
    case 'denial-told':
    case 'denial-unanswered':
      return pending?.request !== event.request;
  }
}

function isVerifying({ pending }: Subscription): boolean {
  return pending !== null && pending.kind !== 'denial';
}

function unchanged(subscription: Subscription): Decision {
  return { subscription, facts: [] };
}

function pendingOf(
  event: Extract<SubscriptionEvent, { kind: 'subscribe-requested' | 'unsubscribe-requested' }>,
  replaced: Pending | null,
  now: number,
): Pending {
  const { request, verifyToken, trace } = event;
  const attempt = {
    request,
    attempts: 0,
    dueAt: now,
    verifyToken,
    ...(trace === undefined ? {} : { trace }),
  };
  if (event.kind === 'unsubscribe-requested') return { kind: 'unsubscribe', ...attempt };
  const { secret, webhookSignature, leaseSeconds, principal } = event;
  return {
    kind: 'subscribe',
    ...attempt,
    secret,
    ...(webhookSignature && { webhookSignature }),
    leaseSeconds,
    afterUnsubscribe: mayHaveEnded(replaced),
    ...(principal !== undefined && { principal }),
  };
}

function leaseEnded(subscription: Subscription, { request }: { request: string }, now: number): Decision {
  const { lease, pending } = subscription;
  if (lease === null || lease.endsAt > now) return unchanged(subscription);
  // Who asks anew is asked for its intent; who does not is to know why nothing comes, if it knows of subscriptions.
  return isSuspended(lease) && pending === null && lease.vouched === undefined
    ? deny({ ...subscription, lease: null }, { request, reason: SUSPENDED_REASON }, now)
    : settle(subscription, null, pending, 'expired', []);
}

/** What is noted on a lease changes nothing else; what it holds already is not noted again. */
function marked(subscription: Subscription, mark: LeaseMark, now: number): Decision {
  const { lease } = subscription;
  const next = lease === null ? null : markLease(lease, mark, now);
  if (next === lease) return unchanged(subscription);
  return {
    subscription: { ...subscription, lease: next },
    // What is owed is the business of the place.
    facts: mark.kind === 'rewound' ? [] : [{ kind: mark.kind }],
  };
}

function intentConfirmed(
  subscription: Subscription,
  event: Extract<SubscriptionEvent, { kind: 'intent-confirmed' }>,
  now: number,
): Decision {
  const { of } = event;
  const pending = subscription.pending?.request === of.request ? null : subscription.pending;
  if (of.kind === 'unsubscribe') return settle(subscription, null, pending, 'unsubscribed', []);
  const inForce = subscription.lease !== null && subscription.lease.endsAt > now ? subscription.lease : null;
  const lease = leaseOf(of, event, inForce);
  return {
    subscription: { ...subscription, lease, pending },
    facts: [{ kind: inForce ? 'renewed' : 'activated' }],
  };
}

/** In force at once. Whatever the callback was owed before stays owed. */
function vouched(
  subscription: Subscription,
  event: Extract<SubscriptionEvent, { kind: 'vouched' }>,
  now: number,
): Decision {
  const { request, endsAt, head, principal } = event;
  const inForce = subscription.lease !== null && subscription.lease.endsAt > now ? subscription.lease : null;
  const lease: Lease = {
    secret: null,
    seconds: Math.floor((endsAt - now) / 1000),
    endsAt,
    since: inForce?.since ?? head,
    request,
    vouched: event.vouched,
    ...(principal !== undefined && { principal }),
    ...(inForce?.pausedAt === undefined ? {} : { pausedAt: inForce.pausedAt }),
  };
  return { subscription: { ...subscription, lease }, facts: [{ kind: inForce ? 'renewed' : 'activated' }] };
}

/** Everything published after the verification was sent is owed: the callback may act on its own answer at once. */
function leaseOf(
  { secret, webhookSignature, leaseSeconds, request, principal }: PendingSubscribe,
  { askedAt, head }: { readonly askedAt: number; readonly head: Position },
  inForce: Lease | null,
): Lease {
  return {
    secret,
    ...(webhookSignature && { webhookSignature }),
    seconds: leaseSeconds,
    endsAt: askedAt + leaseSeconds * 1000,
    since: inForce?.since ?? head,
    request,
    ...(principal !== undefined && { principal }),
    // What an operator keeps back stays back; a suspension ends, since the callback is there again.
    ...(inForce?.pausedAt === undefined ? {} : { pausedAt: inForce.pausedAt }),
  };
}

/** A failed request leaves what is in force (section 5.1, LAW 5). */
function intentRefused(subscription: Subscription, { detail }: { readonly detail: string }): Decision {
  const { pending } = subscription;
  if (pending === null || pending.kind === 'denial') return unchanged(subscription);
  return settle(subscription, subscription.lease, null, 'unverified', [
    { kind: 'verification-failed', mode: pending.kind, detail },
  ]);
}

function deny(
  subscription: Subscription,
  { request, reason, byOperator }: Pick<PendingDenial, 'request' | 'reason' | 'byOperator'>,
  now: number,
): Decision {
  const trace = subscription.pending?.trace;
  const pending: Pending = {
    kind: 'denial',
    request,
    reason,
    attempts: 0,
    dueAt: now,
    ...(trace === undefined ? {} : { trace }),
    ...(byOperator === true ? { byOperator } : {}),
  };
  return { subscription: { ...subscription, pending }, facts: [{ kind: 'denied', reason }] };
}

/**
 * What is forbidden ends at once, and the callback is told (section 5.2), unless it is about to be asked something else:
 * a request in somebody else's name, or to unsubscribe.
 */
function forbidden(
  subscription: Subscription,
  event: Extract<SubscriptionEvent, { kind: 'forbidden' }>,
  now: number,
): Decision {
  const { lease, pending } = subscription;
  const endsLease = event.lease && lease !== null;
  const endsPending = event.pending && pending?.kind === 'subscribe';
  if (!endsLease && !endsPending) return unchanged(subscription);
  const rest = { ...subscription, lease: endsLease ? null : lease };
  // Who was never asked is told nothing.
  if (lease?.vouched !== undefined && !endsPending) return settle(subscription, null, pending, 'denied', []);
  return pending === null || endsPending ? deny(rest, { ...event, byOperator: true }, now) : unchanged(rest);
}

/** The callback was told, or could not be reached often enough. A denied renewal leaves what is in force (LAW 5). */
function denialDone(subscription: Subscription): Decision {
  return settle(subscription, subscription.lease, null, 'denied', []);
}

/** The same request once more, later; `undefined` when it was tried often enough. */
function again(subscription: Subscription, now: number): Decision | undefined {
  const { pending } = subscription;
  const delay = ASK_AGAIN_MS[pending?.attempts ?? 0];
  if (pending === null || delay === undefined) return undefined;
  return unchanged({
    ...subscription,
    pending: { ...pending, attempts: pending.attempts + 1, dueAt: now + delay },
  });
}

/** The subscription with these axes, or its end when neither is left. */
function settle(
  subscription: Subscription,
  lease: Lease | null,
  pending: Pending | null,
  reason: EndReason,
  facts: readonly SubscriptionFact[],
): Decision {
  if (lease === null && pending === null)
    return { subscription: null, facts: [...facts, { kind: 'ended', reason }] };
  return { subscription: { ...subscription, lease, pending }, facts };
}
