import type { Link } from '@websub/shared';

/** Where a subscription stands. `pending` beside it tells what was asked of the hub and is not yet verified. */
export interface SubscriptionView {
  /** The same for as long as the subscription is renewed, though a renewal may change `callback`. */
  readonly id: string;
  readonly hub: string;
  readonly topic: string;
  readonly callback: string;
  /** The lease. It does not change while a renewal is under way. */
  readonly state: 'pending' | 'active' | 'denied' | 'expired' | 'unsubscribed';
  /** The request under way, if any. An `active` subscription with `pending: 'subscribe'` is being renewed. */
  readonly pending?: 'subscribe' | 'unsubscribe';
  /** When the lease ends. */
  readonly expiresAt?: Date;
  readonly lastDeliveryAt?: Date;
}

/** What a hub delivered, checked and parsed. */
export interface Notification<T = unknown> {
  readonly subscription: SubscriptionView;
  /** The subscription's topic. The delivery's own Link headers are not asked (section 7). */
  readonly topic: string;
  readonly contentType: string;
  readonly headers: Headers;
  /** The delivery's Link header, one element per relation type. Over plain http anybody may have written it. */
  readonly links: readonly { readonly rel: string; readonly href: string }[];
  /** The bytes as received: what the signature covers. */
  readonly raw: Uint8Array;
  /** What the handler's payload type made of the body; without one, the body parsed by its media type. */
  readonly payload: T;
  /** `Webhook-Id`: the same on every attempt of one update. */
  readonly deliveryId: string | undefined;
  readonly signature: 'verified' | 'unsigned';
  /** `Hub-Attempt`, 1 when the hub does not say. */
  readonly attempt: number;
  /** Aborted when the listener gives up waiting: at `immediateStop` or past `gracefulShutdownPeriod`. */
  readonly signal: AbortSignal;
  /** The body as text. */
  text(): string;
  /** The body as JSON, unchecked. Throws `invalid_payload` for anything else. */
  json<U = unknown>(): U;
  /** Work that goes on after the answer; a stop waits for it, and its failure is an `error` event. */
  waitUntil(work: Promise<unknown>): void;
}

/** A hub asks whether a subscription, or its end, is wanted (section 5.3). */
export interface SubscriptionVerification {
  readonly mode: 'subscribe' | 'unsubscribe';
  readonly topic: string;
  readonly challenge: string;
  readonly leaseSeconds?: number;
  /** Whether the subscription is one that this subscriber wants so; when not, the answer is 404 whatever a handler says. */
  readonly expected: boolean;
  readonly subscription: SubscriptionView;
}

/** A hub refuses a subscription (section 5.2). It is unsigned: only the callback's secrecy speaks for it. */
export interface SubscriptionDenial {
  readonly topic: string;
  readonly reason?: string;
  readonly subscription: SubscriptionView;
}

/** `hub.mode=hub-error`, which Ballerina's hubs send. */
export interface HubError {
  readonly topic?: string;
  readonly reason?: string;
}

/** `true` or nothing confirms, `false` refuses with 404. A handler can refuse what is expected, never confirm what is not. */
export type VerificationResult = void | boolean | { readonly accept: boolean; readonly reason?: string };

/** Nothing is 202 without a body. */
export type HandlerResult = void | {
  readonly status?: 200 | 201 | 202 | 204;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** What a subscriber class may implement; every method is optional. `implements SubscriberHandlers` gives checking. */
export interface SubscriberHandlers {
  /** Narrows which subscriptions are confirmed. Without it, those that were asked for are. */
  onSubscriptionVerification?(m: SubscriptionVerification): VerificationResult | Promise<VerificationResult>;
  /** Narrows which ends of subscriptions are confirmed. */
  onUnsubscriptionVerification?(
    m: SubscriptionVerification,
  ): VerificationResult | Promise<VerificationResult>;
  onSubscriptionValidationDenied?(m: SubscriptionDenial): void | Promise<void>;
  /** Takes every notification that nothing more specific takes. */
  onEventNotification?(n: Notification): HandlerResult | Promise<HandlerResult>;
  onHubError?(e: HubError): void | Promise<void>;
}

/** One element per relation type, as a notification shows its links. */
export function linksByRel(
  links: readonly Link[],
): readonly { readonly rel: string; readonly href: string }[] {
  return links.flatMap(({ rels, href }) => rels.map((rel) => ({ rel, href })));
}
