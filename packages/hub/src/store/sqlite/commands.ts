import type { Revocation } from '../../access/revocation.js';
import type {
  Appended,
  Entry,
  Behind,
  LogContents,
  LogRead,
  LogSize,
  NewEntry,
  Position,
  ReadLimit,
  Retention,
  Whereabouts,
} from '../../log/log.js';
import type { Place } from '../../subscription/places.js';
import type { DeadLetter, DeadLetterBounds, SubscriptionKey } from '../../subscription/registry.js';
import type { Failure } from './failure.js';

export const DEAD_LETTERS_AT_ONCE = 1_000;
/** Rows that one command loads: some 10 ms of the store's thread. */
export const ROWS_AT_ONCE = 2_000;

/** What the main thread asks the store's thread to change, and what it is answered once that is on stable storage. */
export interface Writes {
  append(entries: readonly NewEntry[]): readonly Appended[];
  /** Removes a bounded number of entries; `more` when retention asks for another round. */
  trimLog(retention: Retention, now: number): { readonly removed: number; readonly more: boolean };
  saveTopic(topic: StoredTopic): boolean;
  removeTopic(url: string, version: number): boolean;
  saveSubscription(subscription: StoredSubscription): boolean;
  removeSubscription(id: string, version: number): boolean;
  savePlaces(places: readonly (Place | Moved)[]): void;
  /** Answers the number of older ones that went. */
  addDeadLetters(letters: readonly DeadLetter[], kept: DeadLetterBounds): number;
  removeDeadLetter(id: string): void;
  /** Looks at {@link DEAD_LETTERS_AT_ONCE} letters behind `after`. */
  askRedelivery(filter: DeadLetterKeys, at: number, after: string): AskedRedelivery;
  /** Removes at most {@link DEAD_LETTERS_AT_ONCE} letters. */
  trimDeadLetters(before: number): number;
  quarantine(source: QuarantineSource, rows: readonly DamagedRow[]): void;
  addCredential(id: string, record: string): boolean;
  removeCredential(id: string): boolean;
  addRevocation(revocation: Revocation): void;
  saveConsumers(consumers: readonly ConsumerRow[]): void;
  removeConsumers(ids: readonly string[]): void;
}

/** What the main thread asks the store's thread to find. */
interface Reads {
  readLog(topics: readonly string[], after: Position, limit: ReadLimit): LogRead;
  findEntry(topic: string, position: Position): Entry | undefined;
  positionBefore(topic: string, time: number): Position;
  contentsAfter(after: Position, limit: number): LogContents;
  contentsThrough(position: Position, limit: number): readonly Whereabouts[];
  findNamed(id: string, limit: number): readonly Whereabouts[];
  earliest(): Position;
  positionOfLast(topics: readonly string[], count: number): Position;
  positionSince(time: number): Position;
  positionSinceEventTime(topic: string, time: number): Position;
  behind(topic: string, after: Position, most: number): Behind;
  newest(topics: readonly string[]): ReadonlyMap<string, Position>;
  logSize(): LogSize;
  topicsAfter(page: StoredPage): readonly LoadedTopic[];
  findKnownTopics(filter: TopicKeys, page: StoredPage): readonly KnownTopic[];
  subscriptionsAfter(number: number, limit: number): SubscriptionBatch;
  findSubscriptions(filter: SubscriptionKeys, page: StoredPage): readonly StoredSubscription[];
  findSubscription(key: SubscriptionKey): StoredSubscription | undefined;
  placesAfter(number: number, limit: number): PlaceBatch;
  findDeadLetters(filter: DeadLetterKeys, page: StoredPage): readonly DeadLetter[];
  listRedeliveries(after: string, limit: number, each: number): readonly DeadLetter[];
  countDeadLetters(): number;
  /** The records as JSON. */
  findCredentials(page: StoredPage): readonly StoredCredential[];
  revocationsAfter(number: number, limit: number): readonly StoredRevocation[];
  consumersAfter(page: StoredPage): readonly StoredConsumer[];
}

export type Commands = Writes & Reads;
export type CommandName = keyof Commands;

/** A topic record; what no statement asks about is JSON. */
export interface StoredTopic {
  readonly url: string;
  readonly version: number;
  readonly record: string;
}

/** A topic record, and whether it is as it was written. */
export interface LoadedTopic extends StoredTopic {
  readonly sound: number;
}

/** A subscription; lease and pending request are JSON. */
export interface StoredSubscription {
  readonly id: string;
  readonly topic: string;
  readonly callback: string;
  readonly version: number;
  readonly lease: string | null;
  readonly pending: string | null;
}

/** An API key; what no statement asks about is JSON. */
export interface StoredCredential {
  readonly id: string;
  readonly record: string;
  /** 1 when the row is as it was written. */
  readonly sound: number;
}

/** A consumer; record and place are JSON. */
export interface ConsumerRow {
  readonly id: string;
  readonly record: string;
  readonly place: string;
}

export interface StoredConsumer extends ConsumerRow {
  /** 1 when the row is as it was written. */
  readonly sound: number;
}

export interface StoredRevocation extends Revocation {
  readonly number: number;
  readonly sound: number;
}

/** One batch of a load; `last` is where the next one goes on, absent at the end. */
export interface SubscriptionBatch {
  readonly last?: number;
  /** Rows as one JSON text: `[id, topic, callback, version, lease, pending][]`. */
  readonly rows: string;
  readonly damaged: readonly DamagedRow[];
}

/** Places of which only the position is to be said, and it is the same. */
export interface Moved {
  readonly position: Position;
  readonly subscriptions: readonly string[];
}

export interface PlaceBatch {
  readonly last?: number;
  readonly places: readonly Place[];
  readonly damaged: readonly DamagedRow[];
}

/** A row that is not as it was written. */
export interface DamagedRow {
  /** What finds it: its number, or the URL of a topic record. */
  readonly row: number | string;
  /** A topic's URL, or a subscription's id. */
  readonly key: string;
}

/** A table whose rows carry a checksum. */
export type QuarantineSource =
  'topic_record' | 'subscription' | 'place' | 'credential' | 'revocation' | 'consumer';

/** A page whose beginning may be said to be undefined. */
export interface StoredPage {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** A topic of which nothing may be stored but its URL. */
export interface KnownTopic extends Omit<StoredTopic, 'record'> {
  readonly record: string | null;
}

export interface AskedRedelivery {
  readonly asked: number;
  /** Where the next round goes on; absent at the end. */
  readonly last?: string;
}

export interface TopicKeys {
  readonly topic?: string;
}

export interface SubscriptionKeys extends TopicKeys {
  readonly callback?: string;
}

export interface DeadLetterKeys extends SubscriptionKeys {
  readonly id?: string;
  readonly subscription?: string;
  readonly since?: number;
}

/** One command on its way to the store's thread. */
export interface Request {
  readonly id: number;
  readonly name: CommandName;
  readonly args: readonly unknown[];
}

/** The answer to the request with the same id. */
export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: Failure;
}

/** What the store's thread tells the main thread. */
export type Report =
  | { readonly kind: 'opened'; readonly epoch: string; readonly head: Position }
  /** With `commitMs` they are the answers to changes that were committed together, in that many milliseconds. */
  | { readonly kind: 'replies'; readonly replies: readonly Reply[]; readonly commitMs?: number }
  /** The store could not be opened, or is finished; nothing is answered any more. */
  | { readonly kind: 'ended'; readonly failure: Failure };

/** What the main thread sends. `close` comes last; the thread ends when everything before it is done. */
export type Order =
  { readonly kind: 'requests'; readonly requests: readonly Request[] } | { readonly kind: 'close' };
