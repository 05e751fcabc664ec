import type { Position } from '../log/log.js';
import type { TopicRecord } from '../topic/topic-record.js';
import type { Subscription, SubscriptionState } from './subscription.js';

/** One page of a list: at most `limit` items whose key follows `after`. */
export interface Page {
  readonly after?: string;
  readonly limit: number;
}

export interface SubscriptionFilter {
  readonly topic?: string;
  readonly callback?: string;
  readonly state?: SubscriptionState;
  /** Milliseconds since the epoch; decides which leases are in force. */
  readonly now: number;
}

/** An entry that a subscription was not given. */
export interface DeadLetter {
  /** `<subscription>.<position>`: recording the same one twice leaves one. */
  readonly id: string;
  readonly subscription: string;
  readonly topic: string;
  readonly callback: string;
  readonly position: Position;
  /** The entry's id; null when the entry itself is no longer known. */
  readonly entry: string | null;
  readonly reason: DeadLetterReason;
  /** The last answer's status or the way the last attempt failed. */
  readonly detail: string;
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of the entry's body; 0 when it is no longer known. */
  readonly bytes: number;
  /** Somebody asked at this time for it to be delivered again, which has not been tried yet; null otherwise. */
  readonly redeliverAt: number | null;
}

/**
 * `gave-up`: patience ran out. `skipped`: the subscription is suspended, and a newer entry went first. `trimmed`: retention
 * was faster. `corrupt`: the stored entry is damaged.
 */
export const DEAD_LETTER_REASONS = ['gave-up', 'skipped', 'trimmed', 'corrupt'] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export interface DeadLetterFilter {
  readonly topic?: string;
  readonly callback?: string;
  readonly subscription?: string;
  /** Recorded at this time or later, milliseconds since the epoch. */
  readonly since?: number;
}

/** What is kept of one subscription's dead letters; beyond either bound the oldest go. */
export interface DeadLetterBounds {
  readonly count: number;
  readonly bytes: number;
}

/** By its id, or by the request that is pending or was confirmed last. */
export type SubscriptionKey = { readonly id: string } | { readonly request: string };

/**
 * Topics, subscriptions and dead letters. Every promise of a change settles when it is on stable storage; it rejects with
 * `store_full` or `store_failed`, and then nothing was changed.
 */
export interface Registry {
  /** Everything, in batches, in no particular order: what a hub reads when it starts. */
  loadTopics(): AsyncIterable<readonly TopicRecord[]>;
  loadSubscriptions(): AsyncIterable<readonly Subscription[]>;

  /** Saves when the stored version is the record's less one (0: not stored yet); false when somebody else was faster. */
  saveTopic(topic: TopicRecord): Promise<boolean>;
  /**
   * Removes the topic's record when the stored version is the given one; false when it is not. What the log keeps of the
   * topic, or knows to have removed of it, stays. The next version that is saved of it is the first.
   */
  removeTopic(topic: TopicRecord): Promise<boolean>;
  /** As {@link saveTopic}. A different subscription with the same topic and callback also answers false. */
  saveSubscription(subscription: Subscription): Promise<boolean>;
  /** Removes the subscription and its place when the stored version is the given one. */
  removeSubscription(subscription: Subscription): Promise<boolean>;

  /** Every topic that is stored, subscribed to, or has an entry in the log; sorted by URL. */
  listTopics(filter: { readonly topic?: string }, page: Page): Promise<readonly TopicRecord[]>;
  /** Sorted by id. */
  listSubscriptions(filter: SubscriptionFilter, page: Page): Promise<readonly Subscription[]>;
  findSubscription(key: SubscriptionKey): Promise<Subscription | undefined>;

  /** Settles with the number of older letters that went because their subscription has more than is kept. */
  addDeadLetters(letters: readonly DeadLetter[], kept: DeadLetterBounds): Promise<number>;
  /** Sorted by id. */
  listDeadLetters(filter: DeadLetterFilter, page: Page): Promise<readonly DeadLetter[]>;
  findDeadLetter(id: string): Promise<DeadLetter | undefined>;
  removeDeadLetter(id: string): Promise<void>;
  /** Asks for letters to be delivered again, unless that is asked for already; settles with their number. */
  askRedelivery(filter: DeadLetterFilter | { readonly id: string }, at: number): Promise<number>;
  /**
   * Letters that are to be delivered again: of the subscriptions whose id follows `after`, `limit` at most, the `each`
   * that are first in log order.
   */
  listRedeliveries(after: string, limit: number, each: number): Promise<readonly DeadLetter[]>;
  /** Removes letters recorded before `before` (milliseconds since the epoch); settles with their number. */
  trimDeadLetters(before: number): Promise<number>;
  countDeadLetters(): Promise<number>;
}
