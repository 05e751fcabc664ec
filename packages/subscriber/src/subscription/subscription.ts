import type { SubscriptionView } from '../messages.js';
import type { OwnOptions } from '../service/own-options.js';

/**
 * A subscription as it is kept. Two axes that do not touch each other: `state` is the lease, `pending` what was asked of
 * the hub; so a renewal under way changes nothing for deliveries (LAW 5).
 *
 * All of it is plain data: what JSON holds, and dates among its members. A store keeps it whole and looks only at `id`,
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
  /** What it was subscribed with at run time, over the options of its service. */
  readonly options?: OwnOptions;
  /** Where hub and topic were discovered, and are again at each renewal (section 6). */
  readonly resource?: string;
  /** Live secrets, the one to send first. Empty: deliveries are unsigned. */
  readonly secrets: readonly string[];
  /** Whether the secrets were given, and are not to be drawn anew by whoever takes over. */
  readonly secretsGiven?: true;
  /** Whether a delivery was ever signed by sha256 or better; then sha1 is not accepted any more. */
  readonly strongSignature?: true;
  /** Whether a delivery ever had a right `webhook-signature`; then none without one is accepted any more. */
  readonly timedSignature?: true;
  /** Seconds asked for. */
  readonly leaseSeconds?: number;
  /** Requests since the last verification. */
  readonly attempts: number;
  /** When the hub was last asked to subscribe. */
  readonly requestedAt?: Date;
  /** Whether the hub verified its last request at once, so that it may be asked for another in its place. */
  readonly verifiedPromptly?: true;
  /** When the lease is to be renewed. */
  readonly renewAt?: Date;
  /** When the pending request is made again, should nothing come of it. */
  readonly retryAt?: Date;
  /** When this record wants attention next: {@link nextDue}. */
  readonly dueAt?: Date;
  /** The `id` of the first of those that took over from one another; absent: this is the first. */
  readonly line?: string;
  /** The subscription that this one takes over from once it is verified. */
  readonly replaces?: string;
  /** The subscription that this one took over from. */
  readonly tookOverFrom?: string;
  /** The subscription that takes over from this one. */
  readonly replacedBy?: string;
}

/** A subscription as a store may hand it out: what is not there gets its default. */
export type SubscriptionRecord = Omit<StoredSubscription, Defaulted> &
  Partial<Pick<StoredSubscription, Defaulted>>;
type Defaulted = 'target' | 'origin' | 'attempts';

/** What users call it by, whichever of its line is the current one. */
export function lineOf({ id, line }: StoredSubscription): string {
  return line ?? id;
}

/** What users see of it. */
export function viewOf(subscription: StoredSubscription): SubscriptionView {
  const id = lineOf(subscription);
  const { hub, topic, callback, state, pending, expiresAt, lastDeliveryAt } = subscription;
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

/** What users see of many: one view for each line, of the one that counts now. */
export function viewsOf(subscriptions: readonly StoredSubscription[]): readonly SubscriptionView[] {
  const current = new Map<string, StoredSubscription>();
  for (const one of subscriptions) {
    const other = current.get(lineOf(one));
    if (other === undefined || weightOf(one) >= weightOf(other)) current.set(lineOf(one), one);
  }
  return [...current.values()].map(viewOf);
}

/** Which of a line counts: the one in force, then the one that was, then the one that is to be. */
function weightOf(subscription: StoredSubscription): number {
  const { state } = subscription;
  return (state === 'active' ? 4 : state === 'expired' ? 1 : 0) + (isWanted(subscription) ? 2 : 0);
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
