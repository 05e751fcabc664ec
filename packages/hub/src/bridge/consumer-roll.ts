import { WebSubError, type Clock } from '@websub/shared';
import { consumerId, type ChannelTerms, type Owner } from '../consumer/consumer.js';
import type { Consumers } from '../consumer/consumers.js';
import { Agenda } from '../delivery/agenda.js';
import { BatchSaver } from '../delivery/batch-saver.js';
import type { HubEmitter } from '../events.js';
import { parseCursor } from '../log/cursor.js';
import type { HotTail } from '../log/hot-tail.js';
import type { Behind, Position } from '../log/log.js';
import { Attachment, type AckMode, type AttachmentOptions } from './attachment.js';
import { behindOf } from './behind.js';
import { incomplete } from './gap.js';
import { ConsumerIndex } from './consumer-index.js';
import type { KeptConsumer } from './kept-consumer.js';
import { cursorOf, locate } from './locate.js';
import type { ReadRequest } from './read-request.js';
import type { Readers } from './readers.js';
import { selectionOf } from './selection.js';
import type { Start } from './start.js';
import { parseUrlPattern } from './url-pattern.js';

export interface ConsumerRollOptions {
  readonly consumers: Consumers;
  readonly log: HotTail;
  readonly readers: Readers;
  /** Milliseconds after which a consumer that nobody uses is removed. */
  readonly consumerExpiryMs: number;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

/** Which consumer somebody reads with, and how. */
export interface ConsumerRequest {
  readonly owner: Owner;
  readonly name: string;
  readonly ack: AckMode;
  /** Entries that are given and not acknowledged at most. */
  readonly window: number;
  /** What is acknowledged before anything is given. */
  readonly upto?: string | undefined;
  /** Milliseconds that a new one is kept while nobody uses it. Default: as long as the hub keeps consumers. */
  readonly keptMs?: number;
  /** Of a consumer that is made now and is a channel's. */
  readonly channel?: ChannelTerms;
}

/** A consumer in use notes that it is, so that a crash does not make it look forgotten. */
const TOUCH_MS = 600_000;
/** After a start everybody has the time to come back. */
const GRACE_MS = 3_600_000;
/** A channel to which nobody connects was not asked for in earnest. */
const UNCONFIRMED_MS = 600_000;

/** All named consumers: who uses which, and how far they are. What is not saved yet is what a crash gives again. */
export class ConsumerRoll {
  readonly #options: ConsumerRollOptions;
  readonly #all = new ConsumerIndex();
  readonly #saver: BatchSaver<KeptConsumer>;
  readonly #agenda: Agenda<KeptConsumer>;

  constructor(options: ConsumerRollOptions) {
    const { consumers, clock, events } = options;
    this.#options = options;
    this.#saver = new BatchSaver<KeptConsumer>({
      save: (kept) => {
        const present = kept.filter((one) => this.#all.has(one));
        for (const one of present) one.attachment?.note();
        return consumers.save(present.map(({ stored }) => stored));
      },
      where: 'consumers',
      clock,
      events,
    });
    this.#agenda = new Agenda(clock, (consumer) => this.#attend(consumer));
  }

  /** Settles when every consumer is known. */
  async start(): Promise<void> {
    const { consumers, clock } = this.#options;
    for await (const batch of consumers.load()) for (const consumer of batch) this.#all.add(consumer);
    const now = clock.now();
    for (const kept of this.#all) {
      const grace = kept.channel === undefined ? now + Math.min(GRACE_MS, kept.keptMs ?? Infinity) : 0;
      this.#agenda.schedule(kept, Math.max(this.#endOf(kept), grace));
    }
  }

  /** Settles when every place is saved; nobody reads with a consumer any more. */
  async stop(): Promise<void> {
    this.#agenda.stop();
    await this.#saver.flush();
  }

  get count(): number {
    return this.#all.size;
  }

  /** Whether a consumer read the topic when it was used last. */
  areOf(topic: string): boolean {
    return this.#all.areOf(topic);
  }

  /** By id, of one owner or of all. */
  list(
    owner: Owner | undefined,
    page: { readonly limit: number; readonly after?: string },
  ): readonly KeptConsumer[] {
    return this.#all.list(owner, page);
  }

  find(id: string): KeptConsumer | undefined {
    return this.#all.find(id);
  }

  /**
   * Lets somebody read with the consumer, which is made when it is not there: then it begins where the request says. Whoever
   * used it is ended first. Settles when a new consumer is durable.
   *
   * Rejects with `retry_later` when there are too many, `invalid_request` when `upto` is wrong, and as the store does.
   */
  async attach(request: ConsumerRequest, wanted: ReadRequest): Promise<Attachment> {
    const { log, readers, clock } = this.#options;
    const id = consumerId(request.owner, request.name);
    const beginning = this.#all.find(id) !== undefined ? undefined : await this.#beginningOf(wanted);
    // Somebody else may have made it meanwhile.
    const consumer =
      this.#all.find(id) ?? this.#create(id, request, wanted, beginning?.position ?? log.head());
    // Killed before, it would begin later, and miss what was published in between.
    await consumer.durable;
    if (!this.#all.has(consumer)) return this.attach(request, wanted);
    consumer.attachment?.end('taken_over');
    // Its reader has to be told of what is missing from the beginning.
    const start = beginning?.isLost ? wanted.start : this.#startOf(consumer, request, wanted);
    consumer.progress.begin();
    const options: AttachmentOptions = {
      consumer,
      start,
      ack: request.ack,
      window: request.window,
      log,
      readers,
      clock,
      onProgress: () => this.#saver.changed(consumer),
      saved: () => this.#saver.saved(consumer),
      onLeave: (attachment) => this.#onLeave(attachment),
    };
    const attachment = new Attachment(options);
    consumer.attachment = attachment;
    this.#all.follow(consumer, wanted.selection);
    this.#touch(consumer);
    return attachment;
  }

  /** How far behind a consumer is; `undefined` when it follows too many topics to be remembered. */
  async behind({ topics, patterns, progress, attachment }: KeptConsumer): Promise<Behind | undefined> {
    attachment?.note();
    if (topics.length + patterns.length === 0) return undefined;
    const selection = selectionOf(topics, patterns.map(parseUrlPattern));
    return behindOf(this.#options.log, selection, progress.through);
  }

  /** Changes the terms of its channel. Settles when that is durable. */
  async grant(consumer: KeptConsumer, channel: ChannelTerms): Promise<void> {
    consumer.channel = channel;
    this.#touch(consumer);
    await this.#saver.saved(consumer);
  }

  /** Lets the consumer go on after this place; whoever uses it comes back there. Settles when that is durable. */
  async seek(consumer: KeptConsumer, position: Position): Promise<void> {
    consumer.attachment?.end('sought');
    consumer.progress.seek(position);
    await this.#saver.saved(consumer);
  }

  /** Ends it for whoever uses it. Settles when it is gone for good. */
  async remove(consumer: KeptConsumer, reason: 'removed' | 'expired' = 'removed'): Promise<void> {
    consumer.attachment?.end('removed');
    if (!this.#all.has(consumer)) return;
    this.#forget(consumer);
    const { id, name } = consumer;
    this.#options.events.emit('consumer-ended', { consumer: id, name, reason });
    await this.#options.consumers.remove([id]);
  }

  #forget(consumer: KeptConsumer): void {
    this.#agenda.schedule(consumer, Infinity);
    this.#all.forget(consumer);
  }

  /** Where a new consumer begins; of what is not there any more, where the policy says. Rejects with `gone`. */
  async #beginningOf({
    selection,
    start,
    onGap,
    requested,
  }: ReadRequest): Promise<{ readonly position: Position; readonly isLost: boolean }> {
    const { log } = this.#options;
    const located = await locate(log, selection, start);
    if (located.kind === 'found') return { position: located.position, isLost: false };
    if (onGap === 'fail') throw incomplete(requested, located.reason);
    return { position: onGap === 'latest' ? log.head() : await log.earliest(), isLost: true };
  }

  #create(
    id: string,
    { owner, name, keptMs, channel }: ConsumerRequest,
    wanted: ReadRequest,
    position: Position,
  ): KeptConsumer {
    const { consumers, clock, events } = this.#options;
    this.#all.refuseTooMany(owner);
    const now = clock.now();
    const kept = this.#all.add({
      id,
      owner,
      name,
      topics: [],
      patterns: [],
      createdAt: now,
      usedAt: now,
      ...(keptMs === undefined ? {} : { keptMs }),
      position,
      beganAt: position,
      open: [],
      channel,
    });
    this.#all.follow(kept, wanted.selection);
    events.emit('consumer-created', { consumer: id, name });
    kept.durable = consumers.save([kept.stored]).catch((error: unknown) => {
      this.#forget(kept);
      throw error;
    });
    return kept;
  }

  /** With `auto`, a client that comes back knows best what has reached it, unless others have read on since. */
  #startOf({ progress }: KeptConsumer, { ack, upto }: ConsumerRequest, wanted: ReadRequest): Start {
    const { log } = this.#options;
    if (upto !== undefined) {
      const position = parseCursor(log.epoch, upto);
      if (position === undefined || position > log.head())
        throw new WebSubError(
          'invalid_request',
          'upto is no cursor of this log: send one that came with an entry',
        );
      progress.settleThrough(position);
    }
    if (ack === 'auto' && wanted.resumes && wanted.start.kind === 'cursor') {
      const position = parseCursor(log.epoch, wanted.start.cursor);
      if (position !== undefined && position >= progress.beganAt && position <= log.head())
        progress.seek(position);
    }
    return { kind: 'cursor', cursor: cursorOf(log, progress.through) };
  }

  #onLeave(attachment: Attachment): void {
    const { consumer } = attachment;
    if (consumer.attachment !== attachment) return;
    consumer.attachment = undefined;
    consumer.progress.end();
    if (this.#all.has(consumer)) this.#touch(consumer);
  }

  #attend(consumer: KeptConsumer): void {
    if (consumer.attachment !== undefined) this.#touch(consumer);
    else
      this.remove(consumer, 'expired').catch((error: unknown) =>
        this.#options.events.emit('fault', { where: 'consumers', error }),
      );
  }

  #touch(consumer: KeptConsumer): void {
    const now = this.#options.clock.now();
    consumer.usedAt = now;
    this.#saver.changed(consumer);
    this.#agenda.schedule(
      consumer,
      consumer.attachment === undefined ? this.#endOf(consumer) : now + TOUCH_MS,
    );
  }

  #endOf({ usedAt, createdAt, keptMs, channel }: KeptConsumer): number {
    if (channel === undefined) return usedAt + (keptMs ?? this.#options.consumerExpiryMs);
    return channel.confirmed ? channel.endsAt : Math.min(channel.endsAt, createdAt + UNCONFIRMED_MS);
  }
}
