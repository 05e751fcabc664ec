import type { Position, Retention } from '../../log/log.js';

export interface OldEntry {
  readonly position: Position;
  readonly publishedAt: number;
  readonly bytes: number;
}

/**
 * How many of the oldest entries retention does not keep. Stops at the first one that it keeps: after a clock that went
 * back, entries behind it may carry an older time, and what is removed must be a beginning of the log.
 */
export function countToTrim(
  oldest: readonly OldEntry[],
  totals: { readonly entries: number; readonly bytes: number },
  retention: Retention,
  now: number,
): number {
  let { entries, bytes } = totals;
  let removed = 0;
  for (const entry of oldest) {
    const tooOld = entry.publishedAt < now - retention.ageMs;
    if (!tooOld && entries <= retention.count && bytes <= retention.bytes) break;
    entries -= 1;
    bytes -= entry.bytes;
    removed += 1;
  }
  return removed;
}
