import type { Clock } from '@websub/shared';
import type { HotTail } from '../log/hot-tail.js';
import type { Position } from '../log/log.js';
import type { Roll } from '../subscription/roll.js';
import type { Topic } from '../topic/topic.js';

/** How far deliveries are behind what was published. */
export interface LagReport {
  /** Subscriptions in force that are owed something. */
  readonly recipientsBehind: number;
  /** The age of the oldest entry that somebody is owed; 0 when nobody is. */
  readonly oldestMs: number;
}

export interface LagOptions {
  readonly roll: Roll;
  readonly log: HotTail;
  readonly clock: Clock;
}

const AT_ONCE = 20_000;
/** Entries looked up in the store for one report; those of further topics are looked up for the next one. */
const MOST_LOOK_UPS = 100;
const FRESH_MS = 1_000;

interface Owed {
  readonly after: Position;
  readonly publishedAt: number;
}

/**
 * Measures the lag when somebody asks, so that a delivery pays nothing for it. A million recipients are looked at in slices
 * between which others get their turn, and whoever asks within a second gets the same report.
 */
export class Lag {
  readonly #options: LagOptions;
  /** The oldest entry owed of a topic, as last looked up in the store. */
  readonly #known = new WeakMap<Topic, Owed>();
  #report: { readonly at: number; readonly result: Promise<LagReport> } | undefined;

  constructor(options: LagOptions) {
    this.#options = options;
  }

  /** Rejects with `store_failed` when the store cannot be read. */
  measure(): Promise<LagReport> {
    const now = this.#options.clock.monotonic();
    if (this.#report === undefined || now - this.#report.at >= FRESH_MS)
      this.#report = { at: now, result: this.#measure() };
    return this.#report.result;
  }

  async #measure(): Promise<LagReport> {
    const { roll, clock } = this.#options;
    const now = clock.now();
    let recipientsBehind = 0;
    let oldest = now;
    let lookUps = 0;
    let looked = 0;
    for (const topic of roll.topics.values()) {
      const { behind, after } = behindOf(topic, now);
      looked += topic.recipients.size + 1;
      recipientsBehind += behind;
      if (behind > 0) {
        const hot = this.#publishedAfter(topic, after);
        const publishedAt = hot ?? (lookUps++ < MOST_LOOK_UPS ? await this.#lookUp(topic, after) : now);
        oldest = Math.min(oldest, publishedAt);
      }
      if (looked < AT_ONCE) continue;
      looked = 0;
      await new Promise((resume) => setImmediate(resume));
    }
    return { recipientsBehind, oldestMs: now - oldest };
  }

  /** When the entry that follows the position was published; `undefined` when only the store can tell. */
  #publishedAfter(topic: Topic, after: Position): number | undefined {
    const known = this.#known.get(topic);
    if (known?.after === after) return known.publishedAt;
    const entry = this.#options.log.next(topic.url, after);
    return typeof entry === 'object' ? entry.publishedAt : undefined;
  }

  async #lookUp(topic: Topic, after: Position): Promise<number> {
    const { log, clock } = this.#options;
    const entry = await log.fetch(topic.url, after);
    // Delivered or trimmed meanwhile.
    if (entry === 'caught-up' || 'gap' in entry) return clock.now();
    this.#known.set(topic, { after, publishedAt: entry.publishedAt });
    return entry.publishedAt;
  }
}

/** How many recipients of a topic are behind, and the place of the one that is furthest. */
function behindOf(
  { recipients, newest }: Topic,
  now: number,
): { readonly behind: number; readonly after: Position } {
  let behind = 0;
  let after = newest;
  for (const recipient of recipients.values()) {
    // What an operator keeps back is not late.
    if (recipient.isCaughtUp || !recipient.isOpen(now)) continue;
    behind++;
    if (recipient.position < after) after = recipient.position;
  }
  return { behind, after };
}
