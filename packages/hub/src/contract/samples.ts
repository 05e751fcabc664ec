import type { Entry, Log, NewEntry, Position, ReadLimit, Retention } from '../log/log.js';
import type { DeadLetter, DeadLetterBounds } from '../subscription/registry.js';
import type { Lease, Subscription } from '../subscription/subscription.js';
import type { SealedSecret } from '../subscription/sealed-secret.js';
import { newTopicRecord, type TopicRecord } from '../topic/topic-record.js';

export const NOON = Date.UTC(2026, 10, 21, 12);
export const HOUR = 3_600_000;
export const FEED = 'https://publisher.example/feed';
export const NEWS = 'https://publisher.example/news';

/** More than any case appends. */
export const ALL: ReadLimit = { entries: 10_000, bytes: Infinity };
export const KEEP_ALL: Retention = { ageMs: Infinity, count: Infinity, bytes: Infinity };
/** More dead letters than any case records. */
export const KEEP_LETTERS: DeadLetterBounds = { count: 100_000, bytes: Number.MAX_SAFE_INTEGER };

export function entryOf(id: string, fields: Partial<NewEntry> = {}): NewEntry {
  return {
    topic: FEED,
    id,
    idempotent: false,
    content: contentOf(id),
    headers: {},
    publishedAt: NOON,
    ...fields,
  };
}

export function contentOf(text: string): NewEntry['content'] {
  return { body: new TextEncoder().encode(text), contentType: 'text/plain' };
}

/** Appends entries with these ids, one call each, and answers their positions. */
export async function appendAll(
  log: Log,
  ids: readonly string[],
  fields: Partial<NewEntry> = {},
): Promise<Position[]> {
  const appended = await Promise.all(ids.map((id) => log.append([entryOf(id, fields)])));
  return appended.map(([first]) => first!.position);
}

/** The entries that follow, in one read; none when it is caught up. Fails on a gap. */
export async function entriesAfter(
  log: Log,
  topics: readonly string[],
  after: Position,
): Promise<readonly Entry[]> {
  const read = await log.read(topics, after, ALL);
  if (read.kind === 'gap') throw new Error(`unexpected gap up to ${read.resume}`);
  return read.kind === 'entries' ? read.entries : [];
}

export function idsOf(entries: readonly Entry[]): string[] {
  return entries.map(({ id }) => id);
}

export function subscriptionOf(id: string, fields: Partial<Subscription> = {}): Subscription {
  return {
    id,
    topic: FEED,
    callback: `https://subscriber.example/callbacks/${id}`,
    version: 1,
    lease: null,
    pending: { kind: 'unsubscribe', request: `request-${id}`, attempts: 0, dueAt: NOON, verifyToken: null },
    ...fields,
  };
}

export function leaseOf(fields: Partial<Lease> = {}): Lease {
  return { secret: null, seconds: 600, endsAt: NOON + 600_000, since: 0 as Position, ...fields };
}

/** A secret as a registry is given it; what is in it is none of the registry's business. */
export function sealedOf(text: string): SealedSecret {
  // The brand means that it came from a seal, which no case needs.
  return text as SealedSecret;
}

export function topicOf(url: string, fields: Partial<TopicRecord> = {}): TopicRecord {
  return { ...newTopicRecord(url), version: 1, ...fields };
}

export function letterOf(
  subscription: string,
  position: number,
  fields: Partial<DeadLetter> = {},
): DeadLetter {
  return {
    id: `${subscription}.${position}`,
    subscription,
    topic: FEED,
    callback: `https://subscriber.example/callbacks/${subscription}`,
    // Not a position that any log gave: dead letters outlive their log's entries.
    position: position as Position,
    entry: `entry-${position}`,
    reason: 'gave-up',
    detail: '500',
    attempts: 14,
    at: NOON,
    bytes: 10,
    redeliverAt: null,
    ...fields,
  };
}

/** Everything that a load gives. */
export async function gather<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}
