import { WebSubError } from '@websub/shared';

/** Where a reader begins. */
export type Start =
  /** With what is published from now on. */
  | { readonly kind: 'latest' }
  /** With the oldest entry that is kept. */
  | { readonly kind: 'earliest' }
  /** After a cursor, which may be another log's. */
  | { readonly kind: 'cursor'; readonly cursor: string }
  /** After the entry with this id. */
  | { readonly kind: 'id'; readonly id: string }
  /** With what was published at this time or later, milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly time: number }
  /** With so many of the newest entries. */
  | { readonly kind: 'last'; readonly count: number };

/** What a client says about it, as text. */
export interface StartWords {
  /** `Last-Event-ID`, as header or parameter. */
  readonly lastEventId?: string | undefined;
  readonly since?: string | undefined;
  /** Seconds before now. */
  readonly lookBack?: string | undefined;
}

const MOST_LAST = 10_000;
const LONGEST_LOOK_BACK_SECONDS = 31_536_000;
const LONGEST_ID = 256;

const CURSOR = /^[a-z0-9]+\.(?:0|[1-9]\d{0,15})$/;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;
/** Until the year 5138 in seconds; from 1973 on in milliseconds. */
const SECONDS = /^\d{1,11}$/;
const MILLISECONDS = /^\d{12,15}$/;

/**
 * Where a reader begins: `Last-Event-ID` counts before `since`, that before `look_back`, and `latest` is for who says
 * nothing. `now` is milliseconds since the epoch.
 *
 * Throws `invalid_request` for what cannot be understood.
 */
export function startOf({ lastEventId, since, lookBack }: StartWords, now: number): Start {
  // What a reader was given as id of an event is where it stands, never a time.
  if (lastEventId !== undefined && lastEventId !== '') return placeOf(lastEventId, 'Last-Event-ID');
  if (since !== undefined && since !== '') return sinceOf(since);
  if (lookBack !== undefined && lookBack !== '')
    return { kind: 'time', time: now - secondsOf(lookBack) * 1000 };
  return { kind: 'latest' };
}

function sinceOf(since: string): Start {
  if (since.startsWith('last:')) return { kind: 'last', count: countOf(since.slice('last:'.length)) };
  if (SECONDS.test(since)) return { kind: 'time', time: Number(since) * 1000 };
  if (MILLISECONDS.test(since)) return { kind: 'time', time: Number(since) };
  if (RFC_3339.test(since)) return { kind: 'time', time: timeOf(since) };
  return placeOf(since, 'since');
}

function placeOf(text: string, field: string): Start {
  if (text === 'latest' || text === 'earliest') return { kind: text };
  if (CURSOR.test(text)) return { kind: 'cursor', cursor: text };
  if (text.length > LONGEST_ID)
    throw new WebSubError(
      'invalid_request',
      `${field} is longer than ${LONGEST_ID} characters: send a cursor`,
    );
  return { kind: 'id', id: text };
}

function countOf(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count > MOST_LAST) {
    throw new WebSubError(
      'invalid_request',
      `since=last:N needs a whole number from 0 to ${MOST_LAST}: write last:10`,
    );
  }
  return count;
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || seconds > LONGEST_LOOK_BACK_SECONDS) {
    throw new WebSubError(
      'invalid_request',
      `look_back is no number of seconds up to ${LONGEST_LOOK_BACK_SECONDS}: write look_back=60`,
    );
  }
  return seconds;
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw new WebSubError('invalid_request', 'since is no such time: write 2026-11-21T09:00:00Z');
  return time;
}
