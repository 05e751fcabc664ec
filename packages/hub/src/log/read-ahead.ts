import type { Range } from './cold-entries.js';
import type { Position, ReadLimit } from './log.js';

/** One read for a reader further back: it asks for what follows soon. Small, so that several hundred places fit in memory. */
const SOON: ReadLimit = { entries: 16, bytes: 64 * 1024 };
/** The same where what was read ahead has been taken: whoever is far back asks the store for much at a time. */
const FAR: ReadLimit = { entries: 256, bytes: 256 * 1024 };

/** How far is read ahead of readers that are further back, so that all of it fits into memory. */
export class ReadAhead {
  /** Places that may be read far ahead at a time. */
  readonly #most: number;
  /** Where the newest reads ended: who asks for what follows there has taken what was read ahead of him. */
  readonly #ends = new Set<Position>();
  /** What was read far ahead, and nobody has come to yet. */
  readonly #untouched = new WeakSet<Range>();

  /** `bytes` of memory are for all; an entry takes so many besides its body. */
  constructor(bytes: number, entryBytes: number) {
    // One range is taken while the next is read.
    this.#most = Math.floor(bytes / 2 / (FAR.bytes + FAR.entries * entryBytes));
  }

  /** How much to read after the position. */
  limitAfter(position: Position): ReadLimit {
    return this.#ends.delete(position) ? FAR : SOON;
  }

  /** The range was read, within that limit. */
  note(range: Range, limit: ReadLimit): void {
    if (limit === FAR) this.#untouched.add(range);
    this.#ends.add(range.through);
    // Whoever is not among them any more is read a little ahead, as if he came anew.
    for (const oldest of this.#ends) {
      if (this.#ends.size <= this.#most) return;
      this.#ends.delete(oldest);
    }
  }

  /** Somebody takes of the range; answers whether what follows it is to be read meanwhile. */
  touch(range: Range): boolean {
    return this.#untouched.delete(range);
  }
}
