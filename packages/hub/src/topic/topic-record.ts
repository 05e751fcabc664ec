import type { TraceContext } from '@websub/shared';
import type { Position } from '../log/log.js';

/** What is known of a topic's content as last fetched, so that an unchanged topic is recognised. */
export interface Validators {
  readonly etag?: string;
  readonly lastModified?: string;
  /** SHA-256 of the content, base64. */
  readonly digest: string;
  /** The entry that holds the content. A newer entry of the topic makes all this outdated. */
  readonly position: Position;
}

/** A fetch that a ping asked for and that has not succeeded yet (LAW 1). */
export interface PendingFetch {
  /** Makes the entry that this fetch appends recognisable, should a crash make the hub fetch once more. */
  readonly id: string;
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
  /** The trace of the ping, of the first one when several are one fetch. */
  readonly trace?: TraceContext;
}

/**
 * What callbacks are owed. `every`: each update in its turn. `latest`: who comes late is given the newest content only, as
 * suits a page or a feed that is always published whole. `unordered`: each update, without waiting for those before it.
 */
export const TOPIC_POLICIES = ['every', 'latest', 'unordered'] as const;
export type TopicPolicy = (typeof TOPIC_POLICIES)[number];

/** The durable part of a topic. */
export interface TopicRecord {
  readonly url: string;
  /** Grows by one with each save. */
  readonly version: number;
  /** Announced by a publisher with `hub.mode=register`. */
  readonly registered: boolean;
  /** Absent: `every`. */
  readonly policy?: TopicPolicy;
  readonly fetch: PendingFetch | null;
  readonly validators: Validators | null;
}

export function newTopicRecord(url: string): TopicRecord {
  return { url, version: 0, registered: false, fetch: null, validators: null };
}
