import type { HotTail } from '../log/hot-tail.js';
import type { Position } from '../log/log.js';
import type { Gap, GapReason } from './gap.js';
import { cursorOf, locate } from './locate.js';
import type { ReadRequest } from './read-request.js';

/** Where a reader begins, and what it misses; refused when it would rather have nothing than miss something. */
export type Beginning =
  | { readonly kind: 'begun'; readonly position: Position; readonly gap: Gap | undefined }
  | { readonly kind: 'refused'; readonly gap: Gap };

const ONE_ENTRY = { entries: 1, bytes: 0 };

/** Finds where the reader begins and whether all that it asked for is still there (LAW 12). Rejects when the store fails. */
export async function begin(log: HotTail, request: ReadRequest): Promise<Beginning> {
  const { selection, start, onGap } = request;
  const located = await locate(log, selection, start);
  if (located.kind === 'lost') {
    const earliest = onGap === 'latest' ? log.head() : await log.earliest();
    return goOn(log, request, earliest, located.reason);
  }
  const { position } = located;
  // Whoever begins at the head misses nothing.
  if (position >= log.head()) return { kind: 'begun', position, gap: undefined };
  const next = selection.peek(log, position, ONE_ENTRY) ?? (await selection.read(log, position, ONE_ENTRY));
  if (next.kind !== 'gap') return { kind: 'begun', position, gap: undefined };
  return goOn(log, request, onGap === 'latest' ? log.head() : next.resume, 'evicted');
}

function goOn(
  log: HotTail,
  { onGap, requested }: ReadRequest,
  position: Position,
  reason: GapReason,
): Beginning {
  const gap = { requested, resumedAfter: cursorOf(log, position), lost: null, reason };
  return onGap === 'fail' ? { kind: 'refused', gap } : { kind: 'begun', position, gap };
}
