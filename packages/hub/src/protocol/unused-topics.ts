import type { Clock } from '@websub/shared';
import type { Log } from '../log/log.js';
import type { Roll } from '../subscription/roll.js';
import type { TopicRecords } from './topic-records.js';

export interface UnusedTopicsOptions {
  readonly log: Pick<Log, 'earliest'>;
  readonly roll: Roll;
  readonly records: Pick<TopicRecords, 'forget'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Whether somebody reads the topic who is no subscriber. */
  readonly isRead: (topic: string) => boolean;
}

/** Removed side by side, so that they share commits. */
const AT_ONCE = 200;
/** How long it looks at topics before others get their turn. */
const LOOKING_MS = 5;

/** Forgets topics that nobody uses any more: where each order is a topic, they would be ever more (LAW 8). */
export class UnusedTopics {
  readonly #options: UnusedTopicsOptions;
  #stopped = false;

  constructor(options: UnusedTopicsOptions) {
    this.#options = options;
  }

  /** Settles with their number when they are gone from the store. Rejects with `store_full` or `store_failed`. */
  async forget(): Promise<number> {
    const { log, roll, clock, isRead } = this.#options;
    // The log removes its oldest entries first, whatever their topic: what is newer than this is kept.
    const trimmed = await log.earliest();
    let forgotten = 0;
    let urls: string[] = [];
    let lookedSince = clock.monotonic();
    const removeThem = async (): Promise<void> => {
      const { records } = this.#options;
      const gone = await Promise.all(
        urls.map((url) => records.forget(url, (topic) => topic.isUnused(trimmed))),
      );
      forgotten += gone.filter(Boolean).length;
      urls = [];
    };
    for (const topic of roll.topics.values()) {
      if (this.#stopped) return forgotten;
      if (topic.isUnused(trimmed) && !isRead(topic.url)) urls.push(topic.url);
      if (urls.length >= AT_ONCE) await removeThem();
      if (clock.monotonic() - lookedSince < LOOKING_MS) continue;
      await new Promise((resume) => setImmediate(resume));
      lookedSince = clock.monotonic();
    }
    await removeThem();
    return forgotten;
  }

  /** Begins no further removal. */
  stop(): void {
    this.#stopped = true;
  }
}
