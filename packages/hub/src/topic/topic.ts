import { BEFORE_ALL, type Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import type { PendingFetch, TopicPolicy, TopicRecord, Validators } from './topic-record.js';

/** A publisher's word that a topic changed, and in which trace. */
export type Ping = Pick<PendingFetch, 'trace'>;

/** A topic in memory: its durable record, its newest entry's position, and who is to be given its entries. */
export class Topic {
  record: TopicRecord;
  newest: Position = BEFORE_ALL;
  /** By callback. */
  readonly recipients = new Map<string, Recipient>();
  /** A fetch is under way. */
  fetching = false;
  /** Its record is being changed: until that is durable, nobody may begin the topic anew. */
  changing = false;
  /** A ping that arrived while the fetch was under way, which may have read the content from before. */
  pingedAgain: Ping | undefined;
  agendaTime = Infinity;
  agendaIndex = -1;

  constructor(record: TopicRecord) {
    this.record = record;
  }

  get url(): string {
    return this.record.url;
  }

  get policy(): TopicPolicy {
    return this.record.policy ?? 'every';
  }

  /** The wall clock jumped: a fetch that waits to be tried again waits as long as before. */
  shift(byMs: number): void {
    const { fetch } = this.record;
    if (fetch !== null) this.record = { ...this.record, fetch: { ...fetch, dueAt: fetch.dueAt + byMs } };
  }

  /**
   * Somebody is given this topic's content, or is just being asked whether he wants it, or a publisher announced it. A
   * subscription that nobody confirmed makes the hub fetch nothing.
   */
  get isWanted(): boolean {
    if (this.record.registered) return true;
    for (const { subscription, asking } of this.recipients.values())
      if (subscription.lease !== null || asking) return true;
    return false;
  }

  /**
   * Its record says nothing that would be missed: nobody wants the topic, the log keeps nothing that follows `trimmed`, and
   * its policy is the one that every topic has.
   */
  isUnused(trimmed: Position): boolean {
    const { registered, fetch, version } = this.record;
    if (version === 0 || registered || fetch !== null || this.fetching || this.policy !== 'every')
      return false;
    return this.recipients.size === 0 && this.newest <= trimmed;
  }

  /** What was last fetched, when it is the topic's newest content. */
  get validators(): Validators | null {
    const { validators } = this.record;
    return validators?.position === this.newest ? validators : null;
  }
}
