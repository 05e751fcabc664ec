import type { Entry, Position } from '../../log/log.js';
import type { Attachment, ConsumerEnd, ConsumerSink } from '../attachment.js';
import { gapView, type Gap } from '../gap.js';
import type { ConsumerRequest } from '../consumer-roll.js';
import type { Reader } from '../reader.js';
import type { ReadRequest } from '../read-request.js';
import type { Socket } from '../socket/socket.js';
import type { NativeServices } from './native-services.js';
import type { ServerWord } from './words.js';

export interface SubscriptionOptions {
  readonly sid: string;
  readonly socket: Socket;
  readonly services: Pick<NativeServices, 'bridge' | 'frames'>;
  readonly request: ReadRequest;
  /** Entries that may come before the client takes more; `undefined`: all. */
  readonly credit: number | undefined;
  /** The consumer that it reads with, where the hub keeps its place. */
  readonly consumer: ConsumerRequest | undefined;
  /** It ends by itself, and why. */
  readonly onEnd: (why: 'gap' | 'failed' | ConsumerEnd, detail: string) => void;
}

const ENDED: Readonly<Record<ConsumerEnd, string>> = {
  taken_over: 'another connection reads with the consumer',
  sought: 'the consumer was sent to another place',
  removed: 'the consumer was removed',
};

/** One reader of a connection, with a name that its client gave it. It takes what its credit allows. */
export class Subscription implements ConsumerSink {
  readonly sid: string;
  readonly request: ReadRequest;
  readonly consumer: ConsumerRequest | undefined;
  readonly #services: SubscriptionOptions['services'];
  readonly #socket: Socket;
  readonly #onEnd: SubscriptionOptions['onEnd'];
  /** `undefined`: it takes all. No number for that, or V8 would make a new one with each entry that it counts. */
  #credit: number | undefined;
  #isPaused = false;
  #toldLive = false;
  /** Absent before it begins. */
  #reader: Reader | undefined;
  #attachment: Attachment | undefined;
  /** The last entry that it was given. */
  #given: Position | undefined;

  constructor(options: SubscriptionOptions) {
    this.sid = options.sid;
    this.request = options.request;
    this.consumer = options.consumer;
    this.#services = options.services;
    this.#socket = options.socket;
    this.#credit = options.credit;
    this.#onEnd = options.onEnd;
  }

  get attachment(): Attachment | undefined {
    return this.#attachment;
  }

  /** Reads from there on. The client is told of what is missing before anything else. */
  begin(position: Position, gap: Gap | undefined, attachment: Attachment | undefined): void {
    const socket = this.#socket;
    this.#toldLive = false;
    this.#attachment = attachment;
    if (gap !== undefined) this.#tellGap(gap);
    const { selection, filter, onGap } = this.request;
    const reading = { selection, filter, onGap, position, permit: socket.permit };
    this.#reader =
      attachment === undefined ? socket.follow(reading, this) : socket.followAs(attachment, reading, this);
  }

  /** Reads no more, and leaves its consumer to others. */
  stop(): void {
    if (this.#reader !== undefined) this.#socket.unfollow(this.#reader);
    this.#reader = undefined;
    this.#attachment = undefined;
  }

  /** Takes so many entries more. False when it takes all anyway. */
  grant(count: number): boolean {
    if (this.#credit === undefined) return false;
    this.#credit = Math.min(this.#credit + count, Number.MAX_SAFE_INTEGER);
    this.#reader?.resume();
    return true;
  }

  /** Takes nothing, or goes on. */
  pause(paused: boolean): void {
    this.#isPaused = paused;
    if (paused) this.#toldLive = false;
    else this.#reader?.resume();
  }

  room(): number {
    if (this.#isPaused || (this.#credit !== undefined && this.#credit <= 0)) return 0;
    const room = this.#socket.room();
    // It falls behind, and will be told when it has caught up.
    if (room <= 0) this.#toldLive = false;
    return room;
  }

  entry(entry: Entry): void {
    if (this.#credit !== undefined) this.#credit -= 1;
    this.#given = entry.position;
    if (this.#attachment?.ack === 'auto') this.#socket.confirm();
    this.#socket.give(this.#services.frames.of(this.sid, entry));
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  gap(gap: Gap): void {
    if (this.request.onGap !== 'fail' || gap.reason === 'damaged') {
      this.#tellGap(gap);
      return;
    }
    this.stop();
    this.#onEnd('gap', `what follows ${gap.requested} is not complete any more (${gap.reason})`);
  }

  live(): void {
    if (this.#toldLive || this.#reader === undefined) return;
    this.#toldLive = true;
    const { readers } = this.#services.bridge;
    const word: ServerWord = { op: 'live', sid: this.sid, cursor: readers.cursorOf(this.#reader) };
    this.#socket.tell(word);
  }

  failed(): void {
    this.stop();
    this.#onEnd('failed', 'the hub cannot read what it has stored at the moment');
  }

  /** Others use the consumer, or nobody shall. */
  end(why: ConsumerEnd): void {
    this.stop();
    this.#onEnd(why, ENDED[why]);
  }

  /** What to call when the peer has everything that was given so far; nothing where that is nobody's business. */
  watermark(): (() => void) | undefined {
    const attachment = this.#attachment;
    const given = this.#given;
    if (attachment?.ack !== 'auto' || given === undefined) return undefined;
    return () => attachment.settle(given);
  }

  #tellGap(gap: Gap): void {
    const word: ServerWord = { op: 'gap', sid: this.sid, ...gapView(gap) };
    this.#socket.tell(word);
  }
}
