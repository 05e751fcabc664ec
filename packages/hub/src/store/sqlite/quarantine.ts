import type { DamagedRow, QuarantineSource } from './commands.js';
import type { StoreThread } from './store-thread.js';

/** A stored row that was put aside. */
export interface QuarantinedRow {
  readonly source: QuarantineSource;
  /** A topic's URL, the id of a subscription, an API key or a consumer, or what was revoked. */
  readonly key: string;
}

export type OnQuarantine = (row: QuarantinedRow) => void;

/** Puts damaged rows aside and tells of each; settles when that is on stable storage. */
export async function quarantine(
  thread: StoreThread,
  source: QuarantineSource,
  rows: readonly DamagedRow[],
  onQuarantine: OnQuarantine,
): Promise<void> {
  if (rows.length === 0) return;
  await thread.call('quarantine', [source, rows]);
  for (const { key } of rows) onQuarantine({ source, key });
}
