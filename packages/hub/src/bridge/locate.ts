import { formatCursor, parseCursor } from '../log/cursor.js';
import type { HotTail } from '../log/hot-tail.js';
import type { Position } from '../log/log.js';
import type { GapReason } from './gap.js';
import type { Selection } from './selection.js';
import type { Start } from './start.js';

/** Where a reader begins: a position, or that what it asked for is not there. */
export type Located =
  | { readonly kind: 'found'; readonly position: Position }
  | { readonly kind: 'lost'; readonly requested: string; readonly reason: GapReason };

/** Entries with one id that are looked at: the same id may be in many topics. */
const MOST_NAMED = 1_000;

/** Finds the place in the log. Rejects when the store fails. */
export async function locate(log: HotTail, selection: Selection, start: Start): Promise<Located> {
  switch (start.kind) {
    case 'latest':
      return { kind: 'found', position: log.head() };
    case 'earliest':
      return { kind: 'found', position: await log.earliest() };
    case 'time':
      return { kind: 'found', position: await log.since(start.time) };
    case 'last':
      return { kind: 'found', position: await selection.last(log, start.count) };
    case 'cursor':
      return locateCursor(log, start.cursor);
    case 'id': {
      const named = await log.named(start.id, MOST_NAMED);
      const newest = named.find(({ topic }) => selection.includes(topic));
      return newest === undefined
        ? { kind: 'lost', requested: start.id, reason: 'unknown' }
        : { kind: 'found', position: newest.position };
    }
  }
}

function locateCursor(log: HotTail, cursor: string): Located {
  const position = parseCursor(log.epoch, cursor);
  if (position === undefined) return { kind: 'lost', requested: cursor, reason: 'epoch' };
  // A log that was restored from a copy has forgotten what it told: its newest entries will be others.
  if (position > log.head()) return { kind: 'lost', requested: cursor, reason: 'unknown' };
  return { kind: 'found', position };
}

export function cursorOf(log: HotTail, position: Position): string {
  return formatCursor(log.epoch, position);
}
