import type { CancelTimer } from '@websub/shared';
import type { Entry } from '../log/log.js';
import { STALLED_MS, StallWatch } from './back-pressure.js';
import type { Attachment } from './attachment.js';
import type { Attendant } from './attendant.js';
import { gapView, type Gap } from './gap.js';
import type { RenewablePermit } from './permit.js';
import type { Reader, Reading, Sink } from './reader.js';
import type { FrameOf } from './sse-codec.js';
import { EventWire, type StreamConnection } from './event-wire.js';
import type { OpenStream, StreamCommons, StreamEnd } from './open-stream.js';
import { retryMs } from './retry-time.js';
import { controlFrame, HEARTBEAT, opening, type ControlEvent, type ControlStyle } from './sse-format.js';

export interface EventStreamOptions {
  readonly id: string;
  readonly commons: StreamCommons;
  readonly manner: EventManner;
  readonly connection: StreamConnection;
  readonly permit: RenewablePermit;
  readonly reading: Reading;
  /** The consumer that it reads with, if the hub keeps its place. */
  readonly attachment?: Attachment | undefined;
  /** Who is there while the stream is open, if its client tells. */
  readonly attendant?: Attendant | undefined;
  /** What the client is to be told first, when it cannot be given what it asked for. */
  readonly gap: Gap | undefined;
  /** Called once when its connection has closed. */
  readonly onClosed?: (() => void) | undefined;
}

/** How a stream goes and ends. */
export interface EventManner {
  readonly frameOf: FrameOf;
  /** Entries after which the stream ends. */
  readonly limit: number;
  /** Milliseconds after which it ends. */
  readonly lastsMs: number;
  /** Why it ends then. */
  readonly endsAs: 'max_age' | 'timeout';
  readonly heartbeatMs: number;
  /** Makes the sign of life, given the wall clock. Default: the shortest comment. */
  readonly heartbeat?: (now: number) => Buffer;
  /** What comes first, before any entry. Default: nothing. */
  readonly greeting?: Buffer;
  /** How the hub tells what it has to say. Default: as events. With `comments` a timeout is silent. */
  readonly controls?: ControlStyle;
  /** Whether the client is told that the stream ends when it was given all that it asked for. */
  readonly saysBye: boolean;
  /** The id of that event, where the client need not come back. Default: where it stands. */
  readonly doneId?: string | undefined;
  /** Whether `live` is told when the reader has everything: at the beginning, and after it was further back. */
  readonly tellsLive: boolean;
  /** Whether the client is told the id of the stream in an event: a browser sees no headers of an `EventSource`. Default false. */
  readonly tellsStream?: boolean;
}

/** The last event id of a client whose consumer somebody else uses: when it comes back by itself, it is told to stop. */
export const TAKEN_OVER = 'taken-over';
const EXPIRING_MS = 30_000;
/** What was sent is seen so much later at most: to ask for the time at each entry would cost every reader of it. */
const SEEN_LATE_MS = 1_000;
const RETRY_MS = { least: 1_000, spread: 4_000 };

/** A reader's Server-Sent Events. */
export class EventStream implements Sink, OpenStream {
  readonly id: string;
  readonly permit: RenewablePermit;
  readonly attachment: Attachment | undefined;
  /** Entries given so far. */
  entries = 0;
  readonly #commons: StreamCommons;
  readonly #manner: EventManner;
  readonly #attendant: Attendant | undefined;
  readonly #reader: Reader;
  readonly #endsAt: number;
  readonly #release: () => void;
  readonly #wire: EventWire;
  readonly #stall: StallWatch;
  readonly #frameOf: FrameOf;
  readonly #limit: number;
  /** When it was seen first that the network had taken so many bytes. */
  #sentAt: number;
  #sentBytes = 0;
  /** Of which credential's end the client was told. */
  #toldExpiring = 0;
  /** Also where the client does not want to be told. */
  #toldLive: boolean;
  #ended = false;
  /** What ends a connection whose client takes nothing of the end. */
  #cancelCut: CancelTimer | undefined;

  constructor(options: EventStreamOptions) {
    const { id, commons, manner, connection, permit, reading, attachment, attendant, gap, onClosed } =
      options;
    const { clock, random, window, readers } = commons;
    this.id = id;
    this.permit = permit;
    this.attachment = attachment;
    this.#commons = commons;
    this.#manner = manner;
    this.#attendant = attendant;
    const now = clock.monotonic();
    this.#endsAt = now + manner.lastsMs;
    this.#stall = new StallWatch(now);
    this.#sentAt = now;
    this.#frameOf = manner.frameOf;
    this.#limit = manner.limit;
    this.#toldLive = !manner.tellsLive;
    connection.socket.on('close', () => {
      this.#cancelCut?.();
      this.#close('client');
      this.attachment?.leave();
      onClosed?.();
    });
    this.#wire = new EventWire({
      connection,
      window,
      onDrain: () => this.#onDrain(),
      onSent: attachment?.ack === 'auto' ? () => attachment.settle() : undefined,
    });
    this.#write(opening(retryMs(random, RETRY_MS)));
    if (manner.greeting !== undefined) this.#write(manner.greeting);
    this.#release = permit.hold((end) => this.end(end));
    if (manner.tellsStream) this.#write(this.#control('stream', { stream: id }));
    if (gap !== undefined) this.#tellGap(gap);
    this.#reader = (attachment ?? readers).open(reading, this);
  }

  get readers(): readonly Reader[] {
    return [this.#reader];
  }

  get stalls(): number {
    return this.#stall.stalls;
  }

  room(): number {
    return this.#ended ? 0 : this.#wire.room;
  }

  entry(entry: Entry): void {
    this.entries += 1;
    this.#wire.send(this.#frameOf(entry));
    if (this.entries >= this.#limit) this.end('limit');
  }

  cork(): void {
    this.#wire.cork();
  }

  uncork(): void {
    this.#wire.uncork();
  }

  gap(gap: Gap): void {
    const fails = this.#reader.onGap === 'fail' && gap.reason !== 'damaged';
    if (fails) this.end('gap');
    else this.#tellGap(gap);
  }

  live(): void {
    if (this.#toldLive) return;
    this.#toldLive = true;
    const cursor = this.#cursor();
    this.#write(this.#control('live', { cursor }, { id: cursor }));
  }

  failed(): void {
    this.end('failed');
  }

  /** Ends the stream and tells the client so; it comes back after a while, by itself if it is an `EventSource`. */
  end(why: Exclude<StreamEnd, 'client' | 'stalled'>, spread = RETRY_MS): void {
    if (this.#ended) return;
    // Whoever may no longer read is not sent what waits either (LAW 13).
    if ((why === 'expired' || why === 'revoked') && !this.#wire.isIdle) {
      this.#close(why);
      this.#wire.cut();
      return;
    }
    const { doneId } = this.#manner;
    const after = retryMs(this.#commons.random, spread);
    const event: ControlEvent = why === 'timeout' ? 'timeout' : 'bye';
    // A client that comes back by itself would take the consumer back, and so on for ever.
    const id = why === 'taken_over' ? TAKEN_OVER : ((why === 'limit' ? doneId : undefined) ?? this.#cursor());
    const value = why === 'timeout' ? { cursor: id } : { reason: why, retry_ms: after };
    if (this.#saysEnd(why)) this.#write(this.#control(event, value, { id, retryMs: after }));
    this.#close(why);
  }

  /** Looks after the stream; called about once a second. `now` is monotonic, `wallClock` milliseconds since the epoch. */
  look(now: number, wallClock: number): void {
    if (this.#ended) return;
    const { sentBytes, isIdle } = this.#wire;
    if (this.#stall.isStalled(now, sentBytes, !isIdle)) {
      this.#close('stalled');
      return;
    }
    if (sentBytes !== this.#sentBytes) this.#sentAt = now;
    this.#sentBytes = sentBytes;
    if (now >= this.#endsAt) this.end(this.#manner.endsAs);
    else this.#keepAlive(now, wallClock);
  }

  #keepAlive(now: number, wallClock: number): void {
    const { endsAt } = this.permit;
    if (endsAt !== this.#toldExpiring && endsAt - wallClock <= EXPIRING_MS) {
      this.#toldExpiring = endsAt;
      this.#write(this.#control('expiring', { exp: Math.floor(endsAt / 1000) }));
    } else if (this.#wire.isIdle && now - this.#sentAt >= this.#manner.heartbeatMs - SEEN_LATE_MS)
      this.#write(this.#manner.heartbeat?.(wallClock) ?? HEARTBEAT);
  }

  #saysEnd(why: StreamEnd): boolean {
    const { controls, saysBye } = this.#manner;
    if (why === 'limit') return saysBye;
    return why !== 'timeout' || controls !== 'comments';
  }

  #control(name: ControlEvent, value: unknown, more?: Parameters<typeof controlFrame>[2]): Buffer {
    const { controls } = this.#manner;
    return controlFrame(name, value, { ...more, ...(controls !== undefined && { style: controls }) });
  }

  #cursor(): string {
    return this.#commons.readers.cursorOf(this.#reader);
  }

  #tellGap(gap: Gap): void {
    this.#write(this.#control('gap', gapView(gap), { id: gap.resumedAfter }));
  }

  #write(bytes: Buffer): void {
    this.#wire.tell(bytes);
  }

  #onDrain(): void {
    if (this.#ended) {
      this.#wire.end();
      return;
    }
    if (this.#reader.state === 'full') this.#toldLive = !this.#manner.tellsLive;
    this.#reader.resume();
  }

  #close(why: StreamEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    const { readers, onEnd } = this.#commons;
    (this.attachment ?? readers).close(this.#reader);
    this.#release();
    this.#attendant?.end(why === 'closed' || why === 'limit' ? 'left' : 'lost');
    if (why === 'stalled' || why === 'client') this.#wire.cut();
    else this.#linger();
    onEnd(this, why);
  }

  /** Sends what waits, for as long as a client may take that takes nothing. */
  #linger(): void {
    if (!this.#wire.hasRest) this.#wire.end();
    this.#cancelCut = this.#commons.clock.after(STALLED_MS, () => this.#wire.cut());
  }
}
