import type { AgendaItem } from '../delivery/agenda.js';
import type { ChannelTerms, Consumer, Owner } from '../consumer/consumer.js';
import { Progress } from '../consumer/progress.js';
import type { Attachment } from './attachment.js';

/** A consumer in memory: what is stored, how far it is, and who uses it. */
export class KeptConsumer implements AgendaItem {
  agendaTime = 0;
  agendaIndex = -1;
  readonly id: string;
  readonly owner: Owner;
  readonly name: string;
  readonly createdAt: number;
  readonly keptMs: number | undefined;
  readonly progress: Progress;
  topics: readonly string[];
  patterns: readonly string[];
  usedAt: number;
  channel: ChannelTerms | undefined;
  /** Settles when it is on stable storage for the first time. */
  durable: Promise<void> = Promise.resolve();
  /** Who reads with it at the moment. */
  attachment: Attachment | undefined;

  constructor(consumer: Consumer) {
    this.id = consumer.id;
    this.owner = consumer.owner;
    this.name = consumer.name;
    this.createdAt = consumer.createdAt;
    this.keptMs = consumer.keptMs;
    this.progress = new Progress(consumer);
    this.topics = consumer.topics;
    this.patterns = consumer.patterns;
    this.usedAt = consumer.usedAt;
    this.channel = consumer.channel;
  }

  /** As it is stored. */
  get stored(): Consumer {
    const { id, owner, name, topics, patterns, createdAt, usedAt, keptMs, channel, progress } = this;
    const kept = { ...(keptMs !== undefined && { keptMs }), ...(channel && { channel }) };
    return { id, owner, name, topics, patterns, createdAt, usedAt, ...kept, ...progress.place };
  }
}
