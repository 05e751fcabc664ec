import type { Position } from '../log/log.js';
import type { PendingFetch, TopicRecord, Validators } from './topic-record.js';

/** What a fetch of a topic came to. */
export type FetchOutcome =
  /** 200, with content. */
  | { readonly kind: 'content'; readonly validators: Validators }
  /** 304. */
  | { readonly kind: 'not-modified' }
  /** Fetching again would come to the same. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** It may go better later. */
  | { readonly kind: 'failed'; readonly detail: string };

export interface FetchDecision {
  readonly record: TopicRecord;
  /** Milliseconds until the fetch is tried again; null when it is not. */
  readonly retryInMs: number | null;
}

/** Milliseconds before each further fetch of a topic that did not answer as it should. */
export const FETCH_AGAIN_MS = [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000] as const;

/** A ping: the topic is to be fetched, now. A fetch that waits for its next try is hastened. */
export function pinged(
  record: TopicRecord,
  fetch: Pick<PendingFetch, 'id' | 'trace'>,
  now: number,
): TopicRecord {
  return { ...record, fetch: { ...(record.fetch ?? fetch), attempts: 0, dueAt: now } };
}

/**
 * Where a topic stands after a fetch: pure. `next` is a further fetch when a ping arrived meanwhile. The
 * version is the caller's business.
 */
export function fetched(
  record: TopicRecord,
  outcome: FetchOutcome,
  next: Pick<PendingFetch, 'id' | 'trace'> | undefined,
  now: number,
): FetchDecision {
  const again: PendingFetch | null = next === undefined ? null : { ...next, attempts: 0, dueAt: now };
  switch (outcome.kind) {
    case 'content':
      return { record: { ...record, fetch: again, validators: outcome.validators }, retryInMs: null };
    case 'not-modified':
    case 'refused':
      return { record: { ...record, fetch: again }, retryInMs: null };
    case 'failed': {
      const attempts = record.fetch?.attempts ?? 0;
      const delay = FETCH_AGAIN_MS[attempts];
      if (again !== null || delay === undefined || record.fetch === null)
        return { record: { ...record, fetch: again }, retryInMs: null };
      const fetch = { ...record.fetch, attempts: attempts + 1, dueAt: now + delay };
      return { record: { ...record, fetch }, retryInMs: delay };
    }
  }
}

// Last-Modified, and entity tags derived from it, tell seconds apart: content that changed once more within the second
// in which it was fetched would look unmodified for ever (RFC 9110 §8.8.2.2).
const LAST_MODIFIED_SETTLES_MS = 2_000;

/** The validators worth keeping of a response with this content. */
export function validatorsOf(
  response: {
    readonly etag: string | undefined;
    readonly lastModified: string | undefined;
    readonly digest: string;
    readonly position: Position;
  },
  now: number,
): Validators {
  const { etag, lastModified, digest, position } = response;
  const modifiedAt = lastModified === undefined ? Number.NEGATIVE_INFINITY : Date.parse(lastModified);
  if (!(now - modifiedAt >= LAST_MODIFIED_SETTLES_MS)) return { digest, position };
  return {
    digest,
    position,
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
  };
}
