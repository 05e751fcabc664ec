import type { Entry, Position } from '../../log/log.js';
import type { Gap } from '../gap.js';
import type { Bridge } from '../bridge.js';
import { cursorOf } from '../locate.js';
import type { Permit } from '../permit.js';
import type { Reader, Sink } from '../reader.js';
import { messageOf } from '../socket/frames.js';
import type { Socket } from '../socket/socket.js';
import type { Channel } from './channel.js';
import type { MessageOf } from './codec.js';
import { control, gapMessage, verdict, type ControlMessage } from './messages.js';

export interface SubscriptionOptions {
  readonly identifier: string;
  readonly channel: Channel;
  readonly permit: Permit;
  readonly socket: Socket;
  readonly bridge: Bridge;
  readonly messageOf: MessageOf;
  /** It ends by itself, and its client was told so. */
  readonly onRejected: () => void;
}

/** Where a subscription begins, or goes on after it was rewound. */
export interface Place {
  readonly position: Position;
  /** What is missing before it, when the client is to be told. */
  readonly gap: Gap | undefined;
  /** Whether an AnyCable client waits to hear that it has got what it asked for again. */
  readonly isHistory: boolean;
}

/** One identifier on one connection: a reader of its own, whose entries are messages to it. */
export class Subscription implements Sink {
  readonly identifier: string;
  readonly channel: Channel;
  /** The last entry that it was given. */
  given: Position | undefined;
  readonly #options: SubscriptionOptions;
  #reader: Reader | undefined;
  #paused = false;
  #awaitsHistory = false;
  #toldLive = false;

  constructor(options: SubscriptionOptions) {
    this.identifier = options.identifier;
    this.channel = options.channel;
    this.#options = options;
  }

  /** Gives what follows the place; whatever it was giving before it gives no longer. */
  follow({ position, gap, isHistory }: Place): void {
    const { socket, channel, permit } = this.#options;
    this.close();
    this.given = position;
    this.#awaitsHistory = isHistory;
    this.#toldLive = false;
    if (gap !== undefined) this.#say(gapMessage(this.identifier, gap));
    const { selection, filter, onGap } = channel.request;
    this.#reader = socket.follow({ selection, filter, onGap, position, permit }, this);
  }

  /** Gives nothing more. Harmless when it gives nothing. */
  close(): void {
    if (this.#reader !== undefined) this.#options.socket.unfollow(this.#reader);
    this.#reader = undefined;
  }

  /** Gives nothing until it is resumed; what comes meanwhile waits in the log. */
  pause(): void {
    this.#paused = true;
    this.#tell('paused');
  }

  resume(): void {
    this.#paused = false;
    this.#tell('resumed');
    this.#reader?.resume();
  }

  /** Where it stands: everything up to this cursor was given, or was not for it. */
  get cursor(): string {
    const { readers, log } = this.#options.bridge;
    return this.#reader === undefined || this.#reader.state === 'ended'
      ? cursorOf(log, this.given ?? log.head())
      : readers.cursorOf(this.#reader);
  }

  /** Answers a client that wants to hear of it. */
  answer(message: ControlMessage): void {
    if (this.channel.control) this.#say(control(this.identifier, message));
  }

  room(): number {
    return this.#paused ? 0 : this.#options.socket.room();
  }

  entry(entry: Entry): void {
    this.given = entry.position;
    this.#options.socket.give(this.#options.messageOf(entry));
  }

  gap(gap: Gap): void {
    const { channel, onRejected } = this.#options;
    if (channel.request.onGap !== 'fail' || gap.reason === 'damaged') {
      this.#say(gapMessage(this.identifier, gap));
      return;
    }
    this.#say(verdict('reject_subscription', this.identifier));
    this.close();
    onRejected();
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

  #tell(what: 'live' | 'paused' | 'resumed'): void {
    this.answer({ $hub: what, cursor: this.cursor });
  }

  #say(text: string): void {
    this.#options.socket.send(messageOf(text));
  }
}
