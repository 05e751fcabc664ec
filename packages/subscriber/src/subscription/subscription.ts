import type { SubscriptionView } from '../messages.js';

/**
 * A subscription as it is kept. Two axes that do not touch each other: `state` is the lease, `pending` what was asked of
 * the hub; so a renewal under way changes nothing for deliveries (LAW 5).
 *
 * All of it is plain data: strings, numbers, dates and lists of strings. A store keeps it whole and looks only at `id`,
 * `version` and `dueAt`.
 */
export interface StoredSubscription extends SubscriptionView {
  /** Grows with every change; a store refuses a change that was made from an older version. */
  readonly version: number;
  /** Which service it belongs to: the service's path, or its class name. */
  readonly service: string;
  /** Which of the service's targets asked for it, so that a restart recognises it. */
  readonly target: string;
  /** Whether the target stands in the service's options, or came by `subscriptions.subscribe`. */
  readonly origin: 'configured' | 'run-time';
  /** Where hub and topic were discovered, and are again at each renewal (section 6). */
  readonly resource?: string;
  /** Live secrets, the one to send first. Empty: deliveries are unsigned. */
  readonly secrets: readonly string[];
  /** Whether a delivery was ever signed by sha256 or better; then sha1 is not accepted any more. */
  readonly strongSignature?: true;
  /** Seconds asked for. */
  readonly leaseSeconds?: number;
  /** Requests since the last verification. */
  readonly attempts: number;
  /** When the lease is to be renewed. */
  readonly renewAt?: Date;
  /** When the pending request is made again, should nothing come of it. */
  readonly retryAt?: Date;
  /** When this record wants attention next: {@link nextDue}. */
  readonly dueAt?: Date;
  /** The subscription that this one takes over from once it is verified. */
  readonly replaces?: string;
  /** The subscription that takes over from this one. */
  readonly replacedBy?: string;
}

/** What users see of it. */
export function viewOf(subscription: StoredSubscription): SubscriptionView {
  const { id, hub, topic, callback, state, pending, expiresAt, lastDeliveryAt } = subscription;
  return {
    id,
    hub,
    topic,
    callback,
    state,
    ...(pending === undefined ? {} : { pending }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(lastDeliveryAt === undefined ? {} : { lastDeliveryAt }),
  };
}

/** Whether its owner wants it to be: then a hub that asks is told yes, with or without a request under way (section 5). */
export function isWanted({ state, pending }: SubscriptionView): boolean {
  return pending !== 'unsubscribe' && (state === 'pending' || state === 'active' || state === 'expired');
}

export type Reception = 'take' | 'unknown' | 'gone';

/**
 * What to do with a delivery. One that was verified takes deliveries for as long as its lease runs, whatever is pending,
 * and after it while it is still wanted: a hub that was late is no forger. One never verified is not known yet (LAW 4).
 */
export function receptionOf(subscription: SubscriptionView, now: number): Reception {
  switch (subscription.state) {
    case 'active':
      return 'take';
    case 'expired':
      return isWanted(subscription) ? 'take' : 'gone';
    case 'denied':
      // A denial is unsigned, so it ends the renewals and not the lease.
      return (subscription.expiresAt?.getTime() ?? 0) > now ? 'take' : 'unknown';
    case 'pending':
      return 'unknown';
    case 'unsubscribed':
      return 'gone';
  }
}
