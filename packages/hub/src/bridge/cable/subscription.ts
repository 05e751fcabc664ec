import { WebSubError } from '@websub/shared';
import type { Entry, Position } from '../../log/log.js';
import type { Attachment, ConsumerEnd, ConsumerSink } from '../attachment.js';
import type { Bridge } from '../bridge.js';
import type { Gap } from '../gap.js';
import { cursorOf } from '../locate.js';
import type { Permit } from '../permit.js';
import type { Reader } from '../reader.js';
import { messageOf } from '../socket/frames.js';
import type { Socket } from '../socket/socket.js';
import type { Attendance } from './attendance.js';
import type { Channel } from './channel.js';
import type { MessageOf } from './codec.js';
import { control, gapMessage, verdict, type ControlMessage } from './messages.js';
import type { Place } from './place.js';

export interface SubscriptionOptions {
  readonly identifier: string;
  readonly channel: Channel;
  readonly permit: Permit;
  readonly socket: Socket;
  readonly bridge: Bridge;
  readonly messageOf: MessageOf;
  /** Absent for clients that know nothing of presence. */
  readonly attendance: Attendance | undefined;
  /** It has ended by itself, and its client was told so. */
  readonly onRefused: () => void;
  /** Its consumer was moved to another place. */
  readonly onSought: () => void;
}

/** One identifier on one connection: a reader of its own, whose entries are messages to it. */
export class Subscription implements ConsumerSink {
  readonly identifier: string;
  readonly channel: Channel;
  readonly attendance: Attendance | undefined;
  readonly #options: SubscriptionOptions;
  #reader: Reader | undefined;
  #attachment: Attachment | undefined;
  /** The last entry that it was given, or where it began. */
  #given: Position | undefined;
  /** Whether the client acknowledges by itself, so that pongs tell nothing. */
  #acknowledges: boolean;
  #isPaused = false;
  #awaitsHistory = false;
  #toldLive = false;

  constructor(options: SubscriptionOptions) {
    this.identifier = options.identifier;
    this.channel = options.channel;
    this.attendance = options.attendance;
    this.#options = options;
    this.#acknowledges = options.channel.acknowledges;
  }

  /** Gives what follows the place; whatever it was giving before it gives no longer. The attachment says who keeps the place. */
  follow({ position, gap, history }: Place, attachment: Attachment | undefined): void {
    const { socket, channel, permit } = this.#options;
    this.close();
    this.#given = position;
    this.#awaitsHistory = history === 'asked';
    this.#toldLive = false;
    if (history === 'lost') this.#say(verdict('reject_history', this.identifier));
    if (gap !== undefined) this.#say(gapMessage(this.identifier, gap));
    const { selection, filter, onGap } = channel.request;
    const reading = { selection, filter, onGap, position, permit };
    this.#attachment = attachment;
    this.#reader =
      attachment === undefined ? socket.follow(reading, this) : socket.followAs(attachment, reading, this);
  }

  /** Gives nothing more. Harmless when it gives nothing. */
  close(): void {
    if (this.#reader !== undefined) this.#options.socket.unfollow(this.#reader);
    this.#reader = this.#attachment = undefined;
  }

  /** Ends it; `lost`: its connection broke, and may be back. */
  quit(how: 'left' | 'lost'): void {
    this.close();
    this.attendance?.end(how);
  }

  /** Ends it, and tells its client so. */
  refuse(): void {
    this.#say(verdict('reject_subscription', this.identifier));
    this.quit('left');
    this.#options.onRefused();
  }

  /** Whether it gives something, or would if there were something to give. */
  get isOpen(): boolean {
    return this.#reader !== undefined;
  }

  get attachment(): Attachment | undefined {
    return this.#attachment;
  }

  /** Gives nothing until it is resumed; what comes meanwhile waits in the log. */
  pause(): void {
    this.#isPaused = true;
    this.#tell('paused');
  }

  resume(): void {
    this.#isPaused = false;
    this.#tell('resumed');
    this.#reader?.resume();
  }

  /**
   * Everything up to this cursor was worked on; the client is answered when that is durable, and may say more until then.
   * Throws `invalid_request` when nobody keeps the place.
   */
  acknowledge(cursor: string): void {
    const attachment = this.#attachment;
    if (attachment === undefined)
      throw new WebSubError(
        'invalid_request',
        'nobody keeps the place of this subscription: name a consumer in its identifier, or a client in the address',
      );
    this.#acknowledges = true;
    attachment.ackThrough(cursor).then(
      () => this.answer({ $hub: 'acked', cursor }),
      // Somebody else uses the consumer by now, and this client was told so.
      () => undefined,
    );
  }

  /** To be called when the client has everything that it was given by now; `undefined` when that changes nothing. */
  watermark(): (() => void) | undefined {
    const attachment = this.#attachment;
    if (this.#acknowledges || attachment === undefined || attachment.consumer.progress.unsettled === 0)
      return undefined;
    const { cursor } = this;
    // Whoever uses the consumer by then is told by another one.
    return () => void attachment.ackThrough(cursor).catch(() => undefined);
  }

  /** Everything up to this cursor was given. */
  get cursor(): string {
    const { log } = this.#options.bridge;
    return cursorOf(log, this.#given ?? log.head());
  }

  /** Answers a client that wants to hear of it. */
  answer(message: ControlMessage): void {
    if (this.channel.control) this.#say(control(this.identifier, message));
  }

  room(): number {
    return this.#isPaused ? 0 : this.#options.socket.room();
  }

  entry(entry: Entry): void {
    this.#given = entry.position;
    this.#options.socket.give(this.#options.messageOf(entry));
  }

  gap(gap: Gap): void {
    if (this.channel.request.onGap === 'fail' && gap.reason !== 'damaged') this.refuse();
    else this.#say(gapMessage(this.identifier, gap));
  }

  live(): void {
    if (this.#awaitsHistory) this.#say(verdict('confirm_history', this.identifier));
    this.#awaitsHistory = false;
    if (!this.#toldLive) this.#tell('live');
    this.#toldLive = true;
  }

  failed(): void {
    this.#options.socket.end('failed');
  }

  end(why: ConsumerEnd): void {
    if (why === 'sought') this.#options.onSought();
    else this.refuse();
  }

  #tell(what: 'live' | 'paused' | 'resumed'): void {
    const { readers } = this.#options.bridge;
    this.answer({
      $hub: what,
      cursor: this.#reader === undefined ? this.cursor : readers.cursorOf(this.#reader),
    });
  }

  #say(text: string): void {
    this.#options.socket.send(messageOf(text));
  }
}
