import { WebSubError } from '@websub/shared';
import type { Gate } from '../../gate/gate.js';
import type { Bridge } from '../bridge.js';
import { mayBegin, type Permit, type RenewablePermit } from '../permit.js';
import type { Presence } from '../presence.js';
import { messageOf } from '../socket/frames.js';
import type { Socket } from '../socket/socket.js';
import type { Start } from '../start.js';
import { Attendance } from './attendance.js';
import { readChannel, type Channel, type ChannelOptions } from './channel.js';
import { streamIdOf, type CableCodec } from './codec.js';
import type { Command, HistoryWish } from './command.js';
import { keepingOf } from './keeping.js';
import { presence as presenceMessage, verdict, type PresenceMessage } from './messages.js';
import { move, open, type Opening } from './opening.js';
import { startOfHistory, type Place, type PlaceWish } from './place.js';
import { Subscription } from './subscription.js';

export interface SubscriptionsOptions extends ChannelOptions {
  readonly bridge: Bridge;
  readonly codec: CableCodec;
  readonly presence: Presence;
  readonly socket: Socket;
  /** What the client calls itself in its address. */
  readonly client: string | undefined;
  /** Whether the client speaks AnyCable's extended protocol. */
  readonly isExtended: boolean;
}

const MOST_SUBSCRIPTIONS = 128;
/** A client whose session was restored says where it stands, or goes on where the hub saw it last. */
const HELD_MS = 2_000;

/** All subscriptions of one connection. */
export class Subscriptions implements Iterable<Subscription> {
  readonly #options: SubscriptionsOptions;
  readonly #all = new Map<string, Subscription>();
  /** Those of a session that was restored, which wait for the client to say where it stands. */
  readonly #held = new Map<string, { readonly cursor: string; readonly until: number }>();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): Iterator<Subscription> {
    return this.#all.values();
  }

  find(identifier: string): Subscription | undefined {
    return this.#all.get(identifier);
  }

  /** The cursors from which they go on, by identifier; without those whose place a consumer keeps. */
  places(): ReadonlyMap<string, string> {
    const own = [...this].filter(({ channel }) => channel.consumer === undefined);
    return new Map(
      own.map(({ identifier, cursor }) => [identifier, this.#held.get(identifier)?.cursor ?? cursor]),
    );
  }

  /** Brings back what a session had; settles with the identifiers that live on. */
  restore(places: ReadonlyMap<string, string>): readonly string[] {
    const until = this.#options.bridge.clock.monotonic() + HELD_MS;
    for (const [identifier, cursor] of places) {
      const channel = this.#channelOf(identifier);
      if (channel === undefined) continue;
      this.#add(identifier, channel);
      this.#held.set(identifier, { cursor, until });
    }
    return [...this.#held.keys()];
  }

  /** Lets those go on whose client does not say where it stands. `now` is monotonic. */
  look(now: number): void {
    for (const subscription of this) subscription.attendance?.catchUp();
    for (const [identifier, { cursor, until }] of this.#held)
      if (now >= until) this.#goOnLater(identifier, { kind: 'cursor', cursor });
  }

  /** Answers the client, whatever comes of it. Rejects when the store fails. */
  async subscribe({ identifier, history }: Extract<Command, { command: 'subscribe' }>): Promise<void> {
    if (this.#all.has(identifier)) {
      // Rails says nothing, and its client asks again every half second.
      this.#say(verdict('confirm_subscription', identifier));
      return;
    }
    const channel = this.#all.size < MOST_SUBSCRIPTIONS ? this.#channelOf(identifier) : undefined;
    const opening =
      channel && (await this.#open(identifier, channel, this.#wishOf(identifier, channel, history)));
    if (channel === undefined || opening === undefined) {
      this.#say(verdict('reject_subscription', identifier));
      return;
    }
    this.#say(verdict('confirm_subscription', identifier));
    this.#add(identifier, channel).follow(opening.place, opening.attachment);
  }

  unsubscribe(identifier: string): void {
    this.find(identifier)?.quit('left');
    this.#forget(identifier);
  }

  /** Gives an AnyCable client what it has missed. Rejects when the store fails. */
  async giveHistory(identifier: string, history: HistoryWish): Promise<void> {
    const subscription = this.find(identifier);
    if (subscription === undefined) {
      this.#say(verdict('reject_history', identifier));
      return;
    }
    const held = this.#held.get(identifier);
    const start =
      startOfHistory(subscription.channel, streamIdOf(identifier), history) ??
      (held && ({ kind: 'cursor', cursor: held.cursor } as const));
    if (start === undefined) this.#say(verdict('confirm_history', identifier));
    else await this.goOn(identifier, { start, isHistory: true });
  }

  /**
   * Lets a subscription go on from where its client wants it, its consumer included. Settles with whether it does; one that
   * cannot, and gives nothing any more, is refused. Rejects when the store fails.
   */
  async goOn(identifier: string, wish: PlaceWish): Promise<boolean> {
    const { bridge } = this.#options;
    const subscription = this.find(identifier);
    const consumer = subscription?.attachment?.consumer;
    if (subscription === undefined || consumer === undefined) return this.#reopen(identifier, wish);
    // A consumer is used by one at a time, this one included.
    subscription.close();
    const place = await move(bridge, consumer, subscription.channel, wish);
    return (await this.#reopen(identifier, wish, place)) && place !== undefined;
  }

  /** Ends them with their connection, which may be back. */
  quit(): void {
    for (const subscription of this) subscription.quit('lost');
  }

  /** Lets it go on where its consumer is, or as the wish says. `place` is where that was found to be. */
  async #reopen(identifier: string, wish: PlaceWish, place?: Place): Promise<boolean> {
    const isHeld = this.#held.delete(identifier);
    const subscription = this.find(identifier);
    if (subscription === undefined) return false;
    const opening = await this.#open(identifier, subscription.channel, wish);
    if (this.find(identifier) !== subscription) opening?.attachment?.leave();
    else if (opening !== undefined) subscription.follow(place ?? opening.place, opening.attachment);
    else if (isHeld || !subscription.isOpen) subscription.refuse();
    return opening !== undefined;
  }

  #goOnLater(identifier: string, start: Start): void {
    const { bridge, socket, isExtended } = this.#options;
    this.#reopen(identifier, { start, isHistory: isExtended }).catch((error: unknown) => {
      bridge.events.emit('fault', { where: 'socket', error });
      socket.end('failed');
    });
  }

  /** What the identifier asks for, if it may be given. */
  #channelOf(identifier: string): Channel | undefined {
    const { bridge, socket, topics } = this.#options;
    const { grant } = socket.permit;
    const who = { organisation: grant.organisation, now: bridge.clock.now() };
    try {
      const channel = readChannel(identifier, who, this.#options);
      if (channel.signed) return channel;
      if (channel.format === 'event' && !topics.mayBegin(grant)) return undefined;
      return mayBegin(grant, channel.request.selection.topics) ? channel : undefined;
    } catch (error) {
      if (error instanceof WebSubError) return undefined;
      throw error;
    }
  }

  #wishOf(identifier: string, channel: Channel, history: HistoryWish | undefined): PlaceWish {
    const start = history && startOfHistory(channel, streamIdOf(identifier), history);
    return { start: start ?? channel.request.start, isHistory: history !== undefined };
  }

  /** As {@link open}, with whoever keeps the place; nothing is opened for a client that has gone meanwhile. */
  async #open(identifier: string, channel: Channel, wish: PlaceWish): Promise<Opening | undefined> {
    const { bridge, socket, client, isExtended } = this.#options;
    const { grant } = socket.permit;
    const { consumer } = channel;
    // AnyCable's clients know where they stand.
    const named = isExtended && consumer === undefined ? undefined : client;
    const keeping = keepingOf({ identifier, consumer, client: named, grant });
    const opening = keeping === 'nobody' ? undefined : await open(bridge, channel, wish, keeping);
    if (!socket.hasEnded) return opening;
    opening?.attachment?.leave();
    return undefined;
  }

  #add(identifier: string, channel: Channel): Subscription {
    const { bridge, codec, socket, presence, isExtended } = this.#options;
    const hasRoom = (): boolean => socket.room() > 0;
    const onOverwhelmed = (): void => socket.end('busy');
    const say = (message: PresenceMessage): void => this.#say(presenceMessage(identifier, message));
    const subscription = new Subscription({
      identifier,
      channel,
      bridge,
      socket,
      permit: channel.signed ? signedPermit(bridge.gate, socket.permit) : socket.permit,
      messageOf: codec.messagesOf(identifier, channel.format, isExtended),
      attendance: isExtended
        ? new Attendance({ presence, room: channel.room, say, hasRoom, onOverwhelmed })
        : undefined,
      onRefused: () => this.#forget(identifier),
      onSought: () => this.#goOnLater(identifier, channel.request.start),
    });
    this.#all.set(identifier, subscription);
    return subscription;
  }

  #forget(identifier: string): void {
    this.#all.delete(identifier);
    this.#held.delete(identifier);
  }

  #say(text: string): void {
    this.#options.socket.send(messageOf(text));
  }
}

/** The signature of an application allows it, as long as what the client showed to connect is good. */
function signedPermit(gate: Gate, permit: RenewablePermit): Permit {
  return {
    principal: permit.principal,
    subject: permit.subject,
    filter: permit.filter,
    endsAt: permit.endsAt,
    mayRead: () => gate.isGood(permit.grant),
    hold: (onEnd) => permit.hold(onEnd),
  };
}
