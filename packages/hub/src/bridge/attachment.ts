import { WebSubError, type CancelTimer, type Clock } from '@websub/shared';
import { parseCursor } from '../log/cursor.js';
import type { HotTail } from '../log/hot-tail.js';
import type { Entry, Position } from '../log/log.js';
import type { Gap } from './gap.js';
import type { KeptConsumer } from './kept-consumer.js';
import type { Reader, Reading, ReaderSource, Sink } from './reader.js';
import type { Readers } from './readers.js';
import type { ReadRequest } from './read-request.js';
import type { Start } from './start.js';

/** `auto`: what was handed to the network is acknowledged. `explicit`: what its client acknowledges. */
export const ACK_MODES = ['auto', 'explicit'] as const;
export type AckMode = (typeof ACK_MODES)[number];

/** Why a consumer is used no longer, although its client has not left. */
export type ConsumerEnd = 'taken_over' | 'sought' | 'removed';

/** Where the entries of a consumer go: it is told when somebody else uses the consumer, and closes its reader then. */
export interface ConsumerSink extends Sink {
  end(why: ConsumerEnd): void;
}

export interface AttachmentOptions {
  readonly consumer: KeptConsumer;
  readonly start: Start;
  readonly ack: AckMode;
  /** Entries that are given and not acknowledged at most; as many as it likes when they are acknowledged by themselves. */
  readonly window: number;
  readonly log: HotTail;
  readonly readers: Readers;
  readonly clock: Clock;
  /** Its place has changed. */
  readonly onProgress: () => void;
  /** Settles when its place is on stable storage. */
  readonly saved: () => Promise<void>;
  readonly onLeave: (attachment: Attachment) => void;
}

/**
 * The one connection that reads with a consumer at the moment, whatever it is: it opens a reader as {@link Readers} does,
 * and keeps account of what that is given.
 */
export class Attachment implements ReaderSource {
  readonly ack: AckMode;
  readonly #options: AttachmentOptions;
  #sink: ConsumerSink | undefined;
  #reader: Reader | undefined;
  #ended: ConsumerEnd | undefined;
  #left = false;
  #cancel: CancelTimer | undefined;

  constructor(options: AttachmentOptions) {
    this.#options = options;
    this.ack = options.ack;
  }

  get consumer(): KeptConsumer {
    return this.#options.consumer;
  }

  /** The same request, from where the consumer is. */
  from(wanted: ReadRequest): ReadRequest {
    const { start } = this.#options;
    return start.kind === 'cursor' ? { ...wanted, start, requested: start.cursor } : wanted;
  }

  /** Why somebody else uses the consumer by now, if so. */
  get ended(): ConsumerEnd | undefined {
    return this.#ended;
  }

  /** Begins to give the sink what follows, and first of all what was not acknowledged. */
  open(reading: Reading, sink: ConsumerSink): Reader {
    const { readers } = this.#options;
    this.#sink = sink;
    const reader = readers.open(reading, this.#accountFor(sink));
    this.#reader = reader;
    if (this.#ended === undefined) this.#giveDue();
    // Whoever opens it does not know its reader yet.
    else queueMicrotask(() => this.#tellEnd());
    return reader;
  }

  /** Gives nothing more; what was given may still be acknowledged until {@link leave}. */
  close(reader: Reader): void {
    this.note();
    this.#options.readers.close(reader);
  }

  /** The connection has ended: what was not acknowledged will be given to whoever comes next. Harmless when it was called before. */
  leave(): void {
    if (this.#left) return;
    if (this.#reader !== undefined) this.close(this.#reader);
    this.#left = true;
    this.#cancel?.();
    this.#options.onLeave(this);
  }

  /** Acknowledges everything up to this cursor. Settles when that is durable; rejects with `invalid_request`. */
  async ackThrough(cursor: string): Promise<void> {
    const position = this.#positionOf(cursor);
    await this.#settled((progress) => progress.settleThrough(position));
  }

  /** Acknowledges the entry with this cursor alone; as {@link ackThrough}. */
  async ackOne(cursor: string): Promise<void> {
    const position = this.#positionOf(cursor);
    await this.#settled((progress) => progress.settleOne(position));
  }

  /** The entry with this cursor shall be given again after a while. Rejects with `invalid_request` when it was not given. */
  async nack(cursor: string, delayMs: number): Promise<void> {
    const { consumer, clock } = this.#options;
    const position = this.#positionOf(cursor);
    this.#checkUse();
    if (!consumer.progress.giveAgain(position, clock.now() + delayMs))
      throw wrong('cursor names no entry that was given and not acknowledged: send one of those');
    this.#giveDue();
    await this.#options.saved();
  }

  /** With `auto`: everything that was given has arrived, or up to this entry. */
  settle(through?: Position): void {
    const { consumer, onProgress } = this.#options;
    if (this.ack !== 'auto' || this.#left || consumer.progress.unsettled === 0) return;
    if (through === undefined) consumer.progress.settleAll();
    else consumer.progress.settleThrough(through);
    onProgress();
  }

  /** Somebody else uses the consumer, or nobody shall. */
  end(why: ConsumerEnd): void {
    if (this.#left) return;
    this.#ended = why;
    this.#tellEnd();
    this.leave();
  }

  /** Notes where the reader stands: what it passed over need not be looked at again. */
  note(): void {
    const { consumer, readers } = this.#options;
    if (this.#reader !== undefined && !this.#left && this.#reader.state !== 'ended')
      consumer.progress.stand(readers.standOf(this.#reader));
  }

  #accountFor(sink: ConsumerSink): Sink {
    const { consumer, window } = this.#options;
    const { progress } = consumer;
    const most = this.ack === 'auto' ? Infinity : window;
    return {
      room: (again) => (!again && progress.unsettled >= most ? 0 : sink.room(again)),
      entry: (entry: Entry) => {
        progress.give(entry.position);
        sink.entry(entry);
      },
      cork: () => sink.cork?.(),
      uncork: () => sink.uncork?.(),
      gap: (gap: Gap) => sink.gap(gap),
      live: () => sink.live(),
      failed: () => sink.failed(),
    };
  }

  async #settled(settle: (progress: KeptConsumer['progress']) => void): Promise<void> {
    this.#checkUse();
    settle(this.#options.consumer.progress);
    this.#reader?.resume();
    await this.#options.saved();
  }

  #checkUse(): void {
    if (this.#left)
      throw wrong('the consumer is used by another connection by now: acknowledge what that one was given');
  }

  #positionOf(cursor: string): Position {
    const { log } = this.#options;
    const position = parseCursor(log.epoch, cursor);
    if (position === undefined || position > log.head())
      throw wrong('cursor is none of this log: send one that came with an entry');
    return position;
  }

  /** Gives again what is due, and looks again when more will be. */
  #giveDue(): void {
    const { consumer, clock, readers, onProgress } = this.#options;
    const { progress } = consumer;
    const reader = this.#reader;
    if (reader === undefined || this.#left) return;
    const now = clock.now();
    for (const position of progress.takeDue(now)) {
      const onDropped = (): void => {
        progress.drop(position);
        onProgress();
      };
      readers.repeat(reader, { position, onDropped });
    }
    this.#cancel?.();
    this.#cancel = undefined;
    const next = progress.nextDue();
    if (next !== Infinity) this.#cancel = clock.after(next - now, () => this.#giveDue());
  }

  #tellEnd(): void {
    if (this.#ended !== undefined) this.#sink?.end(this.#ended);
  }
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}
