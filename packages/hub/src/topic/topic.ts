import { BEFORE_ALL, type Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import type { TopicRecord } from './topic-record.js';

/** A topic in memory: its durable record, its newest entry's position, and who is to be given its entries. */
export class Topic {
  record: TopicRecord;
  newest: Position = BEFORE_ALL;
  /** By callback. */
  readonly recipients = new Map<string, Recipient>();
  /** A fetch is under way. */
  fetching = false;
  /** A ping arrived while the fetch was under way: it may have read the content from before. */
  pingedAgain = false;
  agendaTime = Infinity;
  agendaIndex = -1;

  constructor(record: TopicRecord) {
    this.record = record;
  }

  get url(): string {
    return this.record.url;
  }

  /** Somebody would be given this topic's content, or a publisher announced it. */
  get isWanted(): boolean {
    return this.recipients.size > 0 || this.record.registered;
  }
}
