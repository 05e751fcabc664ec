import type { WebSubError } from '@websub/shared';
import type { Notification, SubscriptionDenial, SubscriptionView } from './messages.js';

/** What a listener tells, and with which values. */
export interface SubscriberEvents {
  /** A subscription became active. */
  verified: [SubscriptionView];
  /** Its lease was extended. */
  renewed: [SubscriptionView];
  denied: [SubscriptionDenial];
  /** Its lease ended before it could be renewed; it is asked for anew. */
  expired: [SubscriptionView];
  unsubscribed: [SubscriptionView];
  /** Nothing was delivered for as long as `staleAfterMs` says; told once, until something is delivered again. */
  stale: [SubscriptionView];
  /** No method takes this notification. */
  unhandled: [Notification];
  /** Something went wrong that no caller is told of; the notification that it happened with, if any. */
  error: [WebSubError, Notification?];
}

type Listener<K extends keyof SubscriberEvents> = (...values: SubscriberEvents[K]) => void;

/** Calls listeners in the order in which they were added. One that throws harms neither the others nor the caller. */
export class Emitter {
  readonly #listeners: { readonly [K in keyof SubscriberEvents]: Set<Listener<K>> } = {
    verified: new Set(),
    renewed: new Set(),
    denied: new Set(),
    expired: new Set(),
    unsubscribed: new Set(),
    stale: new Set(),
    unhandled: new Set(),
    error: new Set(),
  };
  readonly #onThrow: (thrown: unknown) => void;

  constructor(onThrow: (thrown: unknown) => void) {
    this.#onThrow = onThrow;
  }

  on<K extends keyof SubscriberEvents>(event: K, listener: Listener<K>): void {
    this.#listeners[event].add(listener);
  }

  off<K extends keyof SubscriberEvents>(event: K, listener: Listener<K>): void {
    this.#listeners[event].delete(listener);
  }

  emit<K extends keyof SubscriberEvents>(event: K, ...values: SubscriberEvents[K]): void {
    for (const listener of this.#listeners[event]) {
      try {
        listener(...values);
      } catch (thrown) {
        this.#onThrow(thrown);
      }
    }
  }
}
