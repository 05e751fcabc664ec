import type { DamagedRow, QuarantineSource } from './commands.js';
import type { StoreThread } from './store-thread.js';

/** A stored row that was put aside. */
export interface QuarantinedRow {
  readonly source: QuarantineSource;
  /** A topic's URL, the id of a subscription, an API key or a consumer, or what was revoked. */
  readonly key: string;
}

export type OnQuarantine = (row: QuarantinedRow) => void;

/** A row, and whether it is as it was written: 1 when it is. */
interface Examined {
  readonly sound: number;
}

/** Puts damaged rows aside, so that a hub can start without them, and tells of each. */
export class Quarantine {
  readonly #thread: StoreThread;
  readonly #onQuarantine: OnQuarantine;

  constructor(thread: StoreThread, onQuarantine: OnQuarantine) {
    this.#thread = thread;
    this.#onQuarantine = onQuarantine;
  }

  /** Settles when they are put aside on stable storage. */
  async add(source: QuarantineSource, rows: readonly DamagedRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#thread.call('quarantine', [source, rows]);
    for (const { key } of rows) this.#onQuarantine({ source, key });
  }

  /** The rows of a table that are as they were written, in batches; the others are put aside. `read` gives those behind the last. */
  async *soundRows<Row extends Examined>(
    source: QuarantineSource,
    read: (last: Row | undefined) => Promise<readonly Row[]>,
    damagedOf: (row: Row) => DamagedRow,
  ): AsyncIterable<readonly Row[]> {
    let last: Row | undefined;
    // Each round goes on behind the last row, so this ends.
    for (;;) {
      const rows = await read(last);
      if (rows.length === 0) return;
      last = rows.at(-1);
      await this.add(source, rows.filter(({ sound }) => sound !== 1).map(damagedOf));
      yield rows.filter(({ sound }) => sound === 1);
    }
  }
}
