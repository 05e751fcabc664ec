import { EventEmitter } from 'node:events';
import type { OutcomeClass } from '@websub/shared';
import type { EndReason } from './subscription/decide.js';
import type { DeadLetterReason } from './subscription/registry.js';
import type { Subscription } from './subscription/subscription.js';

/** A subscription as events name it. */
export interface SubscriptionRef {
  readonly subscription: string;
  readonly topic: string;
  readonly callback: string;
}

export function refOf({ id, topic, callback }: Subscription): SubscriptionRef {
  return { subscription: id, topic, callback };
}

/** One attempt at giving an entry to a callback. */
export interface DeliveryAttempt extends SubscriptionRef {
  readonly entry: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly outcome: OutcomeClass;
  /** 0 when no answer came. */
  readonly status: number;
  /** Milliseconds that the attempt took. */
  readonly durationMs: number;
  /** Milliseconds from the publication to what the attempt came to. */
  readonly latencyMs: number;
  /** Of a dead letter that is tried again, out of its turn. */
  readonly outOfTurn: boolean;
  /** The span of this attempt, when the entry was published in a trace. */
  readonly traceparent?: string | undefined;
}

/** What happens in the hub: the one source of logs and metrics. Payloads hold no secret and no body (LAW 10). */
export interface HubEvents {
  /** The hub accepts requests at `url`. */
  listening: [{ readonly url: string }];
  'subscription-requested': [SubscriptionRef & { readonly mode: 'subscribe' | 'unsubscribe' }];
  'subscription-activated': [SubscriptionRef & { readonly leaseSeconds: number }];
  'subscription-renewed': [SubscriptionRef & { readonly leaseSeconds: number }];
  'subscription-ended': [SubscriptionRef & { readonly reason: EndReason }];
  /** Deliveries have failed for days: each update is tried once, until one succeeds or the subscriber subscribes again. */
  'subscription-suspended': [SubscriptionRef];
  'subscription-recovered': [SubscriptionRef];
  /** An operator keeps deliveries back, or lets them go on. */
  'subscription-paused': [SubscriptionRef];
  'subscription-resumed': [SubscriptionRef];
  'subscription-denied': [SubscriptionRef & { readonly reason: string }];
  /** A callback was asked to confirm. `mismatch`: it answered 2xx, but not with the challenge. */
  'verification-attempted': [
    SubscriptionRef & {
      readonly mode: 'subscribe' | 'unsubscribe';
      readonly outcome: 'confirmed' | 'mismatch' | OutcomeClass;
    },
  ];
  /** The callback did not confirm; what was in force stays. */
  'verification-failed': [
    SubscriptionRef & { readonly mode: 'subscribe' | 'unsubscribe'; readonly detail: string },
  ];
  /** A publication is on stable storage. */
  'entry-appended': [
    {
      readonly topic: string;
      readonly entry: string;
      readonly cursor: string;
      readonly bytes: number;
      /** The publisher's span, when it told. */
      readonly traceparent?: string;
    },
  ];
  'entry-delivered': [DeliveryAttempt];
  'delivery-failed': [
    DeliveryAttempt & {
      readonly detail: string;
      /** Milliseconds until the next attempt; null when patience ran out. */
      readonly retryInMs: number | null;
    },
  ];
  'dead-letter': [SubscriptionRef & { readonly entry: string | null; readonly reason: DeadLetterReason }];
  /** A subscription had more dead letters than are kept: its oldest went. */
  'dead-letters-dropped': [SubscriptionRef & { readonly letters: number }];
  /** A dead letter was delivered after all. */
  'dead-letter-redelivered': [SubscriptionRef & { readonly entry: string }];
  /** Deliveries to this origin of callbacks fail: they wait, but for a probe now and then. */
  'host-held': [{ readonly origin: string; readonly probeInMs: number }];
  /** It answers again; so many recipients waited. */
  'host-released': [{ readonly origin: string; readonly waiting: number }];
  /** An API key was made; the key itself is known to whoever asked for it. */
  'credential-created': [
    { readonly credential: string; readonly role: string; readonly tenant: string | null },
  ];
  /** `value` is the id of an API key or a token, or the name of a subject or tenant. */
  'access-revoked': [
    { readonly kind: 'credential' | 'token' | 'subject' | 'tenant'; readonly value: string },
  ];
  /** Somebody reads topics over a stream; it is named by the beginning of its id. */
  'stream-opened': [{ readonly stream: string }];
  'stream-closed': [{ readonly stream: string; readonly end: string; readonly entries: number }];
  /** Its client has taken nothing for five seconds although something waited for it. */
  'stream-stalled': [{ readonly stream: string }];
  /** A reader with a name, whose place the hub keeps, is there, or is no longer. */
  'consumer-created': [{ readonly consumer: string; readonly name: string }];
  'consumer-ended': [
    { readonly consumer: string; readonly name: string; readonly reason: 'removed' | 'expired' },
  ];
  'topic-pinged': [{ readonly topic: string }];
  'topic-fetched': [{ readonly topic: string; readonly changed: boolean; readonly status: number }];
  'topic-fetch-failed': [
    { readonly topic: string; readonly detail: string; readonly retryInMs: number | null },
  ];
  /** Secrets that an older key sealed are sealed with the first one now: the older keys are not needed any more. */
  'secrets-resealed': [{ readonly subscriptions: number }];
  /** Secrets are not safe from whoever reads the data folder; `cure` says what to do. */
  'secrets-exposed': [{ readonly cure: string }];
  /** The admin key is so short that whoever reaches the hub could find it; `cure` says what to do. */
  'admin-key-guessable': [{ readonly cure: string }];
  /** A stored row was not as it was written, and is put aside: what it said is not in force. */
  'row-quarantined': [{ readonly source: string; readonly key: string }];
  'log-trimmed': [{ readonly entries: number }];
  /** Nobody has used them any more, and nothing of them was kept. */
  'topics-forgotten': [{ readonly topics: number }];
  /** The hub's own update came round: published, stored, and given its turn like any other. */
  'canary-returned': [{ readonly latencyMs: number }];
  /** It has not come round for too long: the hub is not ready. */
  'canary-late': [{ readonly awaitedMs: number; readonly reason: string }];
  /** What was asked of the store together is on stable storage. */
  'store-committed': [{ readonly durationMs: number; readonly changes: number }];
  /** The wall clock jumped, forwards or back: leases end by it, everything else waits as long as before. */
  'clock-jumped': [{ readonly byMs: number }];
  /** The disk does not answer: what needs it is refused until it does. */
  'store-stalled': [{ readonly forMs: number }];
  'store-resumed': [{ readonly afterMs: number }];
  /** The store failed in a way that only a restart can mend: nothing is acknowledged any more. */
  'store-lost': [{ readonly error: unknown }];
  /** Something inside is broken (disk, store, a defect); nothing that it concerned was marked as done. */
  fault: [{ readonly where: string; readonly error: unknown }];
}

/** The hub's typed event emitter. A listener that throws is the listener's fault and ends the process, as in Node. */
export class HubEmitter extends EventEmitter<HubEvents> {}
