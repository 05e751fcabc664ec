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
}

/** `gave-up`: patience ran out. `trimmed`: retention was faster. `corrupt`: the stored entry is damaged. */
export type DeadLetterReason = 'gave-up' | 'trimmed' | 'corrupt';

export interface DeadLetterFilter {
  readonly topic?: string;
  readonly callback?: string;
  readonly subscription?: string;
}

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
  /** As {@link saveTopic}. A different subscription with the same topic and callback also answers false. */
  saveSubscription(subscription: Subscription): Promise<boolean>;
  /** Removes the subscription and its place when the stored version is the given one. */
  removeSubscription(subscription: Subscription): Promise<boolean>;

  /** Every topic that is stored, subscribed to, or has an entry in the log; sorted by URL. */
  listTopics(filter: { readonly topic?: string }, page: Page): Promise<readonly TopicRecord[]>;
  /** Sorted by id. */
  listSubscriptions(filter: SubscriptionFilter, page: Page): Promise<readonly Subscription[]>;

  addDeadLetters(letters: readonly DeadLetter[]): Promise<void>;
  /** Sorted by id. */
  listDeadLetters(filter: DeadLetterFilter, page: Page): Promise<readonly DeadLetter[]>;
  /** Removes letters recorded before `before` (milliseconds since the epoch); settles with their number. */
  trimDeadLetters(before: number): Promise<number>;
  countDeadLetters(): Promise<number>;
}
