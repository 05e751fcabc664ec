import type { Brand, Content, TraceContext } from '@websub/shared';

/** An entry's place in the log. Grows, may have gaps, opaque: only compared, never computed. */
export type Position = Brand<number, 'Position'>;

/** The position before every entry. */
export const BEFORE_ALL = 0 as Position;

/** One published update, not yet in the log. */
export interface NewEntry {
  readonly topic: string;
  /** The entry's id on the wire (`Webhook-Id`): the publisher's `hub.id`, else generated. */
  readonly id: string;
  /** When true, an entry of the same topic and id that was appended within the last 24 hours is answered instead. */
  readonly idempotent: boolean;
  /** The publisher's name for the kind of event (`hub.type`). */
  readonly type?: string;
  /** What the event is about, as the publisher names it (`hub.subject`). */
  readonly subject?: string;
  readonly content: Content;
  /** `X-` headers of the publication, delivered with the content, and its {@link TraceContext}; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  /** A time of the publisher's own, a whole number of whatever it counts; entries of a topic are found by it. */
  readonly eventTime?: number;
  /** Takes a position, is told of and shares the commit, but is not kept: only who reads it at once finds it. */
  readonly passing?: true;
}

/** One published update in the log. */
export interface Entry extends Omit<NewEntry, 'idempotent'> {
  readonly position: Position;
  /** True when what is stored is not what was published: it must not be delivered, and its body is empty. */
  readonly corrupt: boolean;
}

/** The trace in which the entry was published, when its publisher told. */
export function traceOf({ headers: { traceparent, tracestate } }: Entry): TraceContext | undefined {
  if (traceparent === undefined) return undefined;
  return { traceparent, ...(tracestate === undefined ? {} : { tracestate }) };
}

/** Where a new entry went. `fresh` is false when an idempotent entry was there already; position and id are then the first one's. */
export interface Appended {
  readonly position: Position;
  readonly id: string;
  readonly fresh: boolean;
}

export type LogRead =
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  | { readonly kind: 'caught-up' }
  /** Retention removed entries that the reader had not seen (LAW 12). `resume` is the position to go on after. */
  | { readonly kind: 'gap'; readonly resume: Position };

export interface Behind {
  readonly entries: number;
  /** Of their bodies. */
  readonly bytes: number;
  /** When the first of them was published, milliseconds since the epoch; `null` when there is none. */
  readonly since: number | null;
}

/** Where an entry lies. */
export interface Whereabouts {
  readonly topic: string;
  readonly position: Position;
}

/** Where entries lie, over all topics; as {@link LogRead}. */
export type LogContents =
  | { readonly kind: 'entries'; readonly entries: readonly Whereabouts[] }
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'gap'; readonly resume: Position };

export interface ReadLimit {
  readonly entries: number;
  /** Reading stops after the entry with which the bodies reach this sum; one entry is always given. */
  readonly bytes: number;
}

/** What retention keeps. Entries beyond any of the bounds are removed, oldest first. */
export interface Retention {
  readonly ageMs: number;
  readonly count: number;
  readonly bytes: number;
}

/** What a log keeps: entries, and the bytes of their bodies. */
export interface LogSize {
  readonly entries: number;
  readonly bytes: number;
}

/** The one durable log. Every reader is a cursor over it. */
export interface Log {
  /** The identity of this log, so that a cursor into a lost log is recognised. Lower-case letters and digits. */
  readonly epoch: string;
  /** The newest durable position. */
  head(): Position;
  /**
   * Appends in the order given and settles when the entries are on stable storage (LAW 1). Calls made together share one
   * commit. Rejects with `store_full` or `store_failed`, and then none of these entries is in the log.
   */
  append(entries: readonly NewEntry[]): Promise<readonly Appended[]>;
  /** Entries of any of the topics that follow `after`, in log order. */
  read(topics: readonly string[], after: Position, limit: ReadLimit): Promise<LogRead>;
  /**
   * Where the entries of all topics lie that follow `after`, in log order, at most `limit`. A gap tells that retention
   * removed entries, of whatever topic.
   */
  contentsAfter(after: Position, limit: number): Promise<LogContents>;
  /** Where the entries of all topics lie up to this position, the newest first, at most `limit`. */
  contentsThrough(position: Position, limit: number): Promise<readonly Whereabouts[]>;
  /** Where the entries with this id lie, the newest first, at most `limit`. */
  named(id: string, limit: number): Promise<readonly Whereabouts[]>;
  /** The place from which reading gives everything that is kept, and no gap. */
  earliest(): Promise<Position>;
  /** The place from which reading gives the newest `count` entries of these topics, or all that are kept. */
  last(topics: readonly string[], count: number): Promise<Position>;
  /**
   * The place from which reading gives what was published at `time` (milliseconds since the epoch) or later, in whatever
   * topic; the position before all when retention removed some of that, so that reading tells of a gap.
   */
  since(time: number): Promise<Position>;
  /**
   * The place from which reading gives every entry of the topic that is kept and whose {@link NewEntry.eventTime} is this or
   * later, whatever lies between them, and whatever comes; at the end when there is none.
   */
  sinceEventTime(topic: string, time: number): Promise<Position>;
  /** The topic's entry at this position; `undefined` when retention removed it, or there never was one. */
  find(topic: string, position: Position): Promise<Entry | undefined>;
  /** The place from which reading gives the topic's entries published at `time` (milliseconds since the epoch) or later. */
  before(topic: string, time: number): Promise<Position>;
  /** How far a reader at this position is behind: the entries that follow it, counted up to `most`, and when the first was published. */
  behind(topic: string, after: Position, most: number): Promise<Behind>;
  /** The position of each topic's newest entry ever appended; topics without one are absent. */
  newest(topics: readonly string[]): Promise<ReadonlyMap<string, Position>>;
  /**
   * Tells of fresh entries once they are durable: a nudge, and whoever missed it finds them by reading. They may be kept:
   * their bodies hold no memory besides their own. Ends by the function returned.
   */
  wake(listener: (entries: readonly Entry[]) => void): () => void;
  /** How much is kept at this moment. Rejects with `store_failed`. */
  size(): Promise<LogSize>;
  /** Removes what retention no longer keeps; settles with the number of entries removed. */
  trim(retention: Retention, now: number): Promise<number>;
}
