import { WebSubError } from '@websub/shared';
import { NO_TOPIC } from '../../access/topic-scope.js';
import type { Gate } from '../../gate/gate.js';
import { begin } from '../begin.js';
import type { Bridge } from '../bridge.js';
import { cursorOf, locate } from '../locate.js';
import { mayBegin, type Permit, type RenewablePermit } from '../permit.js';
import type { ReadRequest } from '../read-request.js';
import { messageOf } from '../socket/frames.js';
import type { Call, Conversation } from '../socket/protocol.js';
import type { Socket } from '../socket/socket.js';
import { startOf, type Start } from '../start.js';
import { readChannel, type Channel, type ChannelOptions } from './channel.js';
import { streamIdOf, type CableCodec } from './codec.js';
import { readCommand, type Action, type Command, type HistoryWish, type Mark } from './command.js';
import { ping, verdict, welcome } from './messages.js';
import type { CableSessions } from './sessions.js';
import { Subscription, type Place } from './subscription.js';

export interface CableConversationOptions extends ChannelOptions {
  readonly bridge: Bridge;
  readonly codec: CableCodec;
  readonly sessions: CableSessions;
  readonly socket: Socket;
  readonly call: Call;
  /** Whether the client speaks AnyCable's extended protocol. */
  readonly isExtended: boolean;
}

const MOST_SUBSCRIPTIONS = 128;
const PING_MS = 3_000;
/** Asked about once a second, pings would come a second late as often as not. */
const PING_EARLY_MS = 400;
const SESSION_BYTES = 16;
/** A client whose session was restored says where it stands, or goes on where the hub saw it last. */
const HELD_MS = 2_000;

type Subscribe = Extract<Command, { command: 'subscribe' }>;
type Rewind = Extract<Action, { action: 'rewind' }>;

/** The talk with one client of Action Cable. */
export class CableConversation implements Conversation {
  readonly #options: CableConversationOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Subscriptions of a session that was restored, which wait for the client to say where it stands. */
  readonly #held = new Map<string, { readonly cursor: string; readonly until: number }>();
  readonly #sid: string;
  #pingAt: number;

  constructor(options: CableConversationOptions) {
    const { bridge, socket } = options;
    this.#options = options;
    this.#sid = bridge.random.token(SESSION_BYTES);
    this.#pingAt = bridge.clock.monotonic() + PING_MS - PING_EARLY_MS;
    // Whoever has no credential may still have signed streams.
    if (socket.permit.grant.scopes.read === NO_TOPIC && options.streamsSecret === undefined)
      socket.end('unauthorized');
    else this.#welcome();
  }

  receive(text: string): void | Promise<void> {
    const command = readCommand(text);
    // As Rails does with what it cannot read.
    if (command !== undefined) return this.#obey(command);
  }

  look(now: number): void {
    if (now >= this.#pingAt) {
      this.#pingAt = now + PING_MS - PING_EARLY_MS;
      this.#say(ping(this.#options.bridge.clock.now()));
    }
    for (const [identifier, { cursor, until }] of this.#held)
      if (now >= until) this.#releaseLate(identifier, cursor);
  }

  ended(): void {
    const { sessions, isExtended } = this.#options;
    if (!isExtended) return;
    const subscriptions = new Map(
      [...this.#subscriptions.values()].map(({ identifier, cursor }) => [identifier, cursor]),
    );
    if (subscriptions.size > 0) sessions.keep(this.#sid, { owner: this.#owner(), subscriptions });
  }

  #welcome(): void {
    const { isExtended, call, sessions } = this.#options;
    const sid = call.params.get('sid');
    const session = isExtended && sid ? sessions.take(sid, this.#owner()) : undefined;
    this.#say(
      welcome(
        isExtended
          ? { sid: this.#sid, restored: session && this.#restore(session.subscriptions) }
          : undefined,
      ),
    );
  }

  /** The identifiers that live on. */
  #restore(subscriptions: ReadonlyMap<string, string>): readonly string[] {
    const until = this.#options.bridge.clock.monotonic() + HELD_MS;
    for (const [identifier, cursor] of subscriptions) {
      const channel = this.#channelOf(identifier);
      if (channel === undefined) continue;
      this.#add(identifier, channel);
      this.#held.set(identifier, { cursor, until });
    }
    return [...this.#held.keys()];
  }

  #obey(command: Command): void | Promise<void> {
    switch (command.command) {
      case 'subscribe':
        return this.#subscribe(command);
      case 'unsubscribe':
        this.#unsubscribe(command.identifier);
        return;
      case 'message':
        return this.#perform(command.identifier, command.action);
      case 'history':
        return this.#giveHistory(command.identifier, command.history);
      case 'join':
      case 'leave':
      case 'presence':
        return;
      case 'pong':
        // It lives; that it does ws has seen.
        return;
    }
  }

  async #subscribe({ identifier, history }: Subscribe): Promise<void> {
    if (this.#subscriptions.has(identifier)) {
      // Rails says nothing, and its client asks again every half second.
      this.#say(verdict('confirm_subscription', identifier));
      return;
    }
    const channel = this.#channelOf(identifier);
    if (channel === undefined || this.#subscriptions.size >= MOST_SUBSCRIPTIONS) {
      this.#reject(identifier);
      return;
    }
    const start = history && this.#startOfHistory(identifier, channel, history);
    const place = await this.#placeOf(channel, start ?? channel.request.start, start !== undefined);
    if (place === undefined) {
      this.#reject(identifier);
      return;
    }
    this.#say(verdict('confirm_subscription', identifier));
    const subscription = this.#add(identifier, channel);
    if (place.isLost) this.#say(verdict('reject_history', identifier));
    subscription.follow({ ...place, isHistory: history !== undefined && !place.isLost });
  }

  /** What the identifier asks for, if it may be given. */
  #channelOf(identifier: string): Channel | undefined {
    const { bridge, socket } = this.#options;
    const { grant } = socket.permit;
    try {
      const channel = readChannel(
        identifier,
        { organisation: grant.organisation, now: bridge.clock.now() },
        this.#options,
      );
      return channel.signed || mayBegin(grant, channel.request.selection.topics) ? channel : undefined;
    } catch (error) {
      if (error instanceof WebSubError) return undefined;
      throw error;
    }
  }

  #add(identifier: string, channel: Channel): Subscription {
    const { bridge, codec, socket, isExtended } = this.#options;
    const subscription = new Subscription({
      identifier,
      channel,
      bridge,
      socket,
      permit: channel.signed ? signedPermit(bridge.gate, socket.permit) : socket.permit,
      messageOf: codec.messagesOf(identifier, channel.format, isExtended),
      onRejected: () => this.#subscriptions.delete(identifier),
    });
    this.#subscriptions.set(identifier, subscription);
    return subscription;
  }

  #unsubscribe(identifier: string): void {
    this.#subscriptions.get(identifier)?.close();
    this.#subscriptions.delete(identifier);
    this.#held.delete(identifier);
  }

  #reject(identifier: string): void {
    this.#say(verdict('reject_subscription', identifier));
  }

  /**
   * Where an AnyCable client stands. What it was given last counts before what its identifier says, and that before when its
   * page was loaded, which it says with each first subscription. `undefined`: as the identifier says.
   */
  #startOfHistory(identifier: string, channel: Channel, { streams, since }: HistoryWish): Start | undefined {
    const place = streams[streamIdOf(identifier)];
    if (place !== undefined) return { kind: 'cursor', cursor: `${place.epoch}.${place.offset}` };
    if (channel.saysSince || since === undefined) return undefined;
    return { kind: 'time', time: Math.floor(since * 1000) };
  }

  async #giveHistory(identifier: string, history: HistoryWish): Promise<void> {
    const subscription = this.#subscriptions.get(identifier);
    if (subscription === undefined) {
      this.#say(verdict('reject_history', identifier));
      return;
    }
    const held = this.#held.get(identifier);
    const start =
      this.#startOfHistory(identifier, subscription.channel, history) ??
      (held && ({ kind: 'cursor', cursor: held.cursor } as const));
    if (start === undefined) this.#say(verdict('confirm_history', identifier));
    else await this.#release(identifier, start);
  }

  /** Lets a subscription go on from there, for a client that waits to hear of it. */
  async #release(identifier: string, start: Start): Promise<void> {
    this.#held.delete(identifier);
    const subscription = this.#subscriptions.get(identifier);
    if (subscription === undefined) return;
    const place = await this.#placeOf(subscription.channel, start, true);
    if (place === undefined || this.#subscriptions.get(identifier) !== subscription) return;
    if (place.isLost) this.#say(verdict('reject_history', identifier));
    subscription.follow({ ...place, isHistory: !place.isLost });
  }

  #releaseLate(identifier: string, cursor: string): void {
    const { bridge, socket } = this.#options;
    this.#release(identifier, { kind: 'cursor', cursor }).catch((error: unknown) => {
      bridge.events.emit('fault', { where: 'socket', error });
      socket.end('failed');
    });
  }

  /** Where reading begins; `undefined` when the client would rather have nothing than miss something. */
  async #placeOf(
    { request, saysOnGap }: Channel,
    start: Start,
    isHistory: boolean,
  ): Promise<(Place & { readonly isLost: boolean }) | undefined> {
    // AnyCable's clients load again what they show when there is no history: old updates would be in their way.
    const onGap = isHistory && !saysOnGap ? 'latest' : request.onGap;
    const wanted: ReadRequest = { ...request, start, onGap, requested: wordsOf(start) };
    const beginning = await begin(this.#options.bridge.log, wanted);
    if (beginning.kind === 'refused') return undefined;
    const { position, gap } = beginning;
    const isLost = isHistory && gap !== undefined;
    return { position, gap: isHistory ? undefined : gap, isHistory, isLost };
  }

  async #perform(identifier: string, action: Action): Promise<void> {
    const subscription = this.#subscriptions.get(identifier);
    if (subscription === undefined) return;
    try {
      await this.#act(subscription, action);
    } catch (error) {
      if (!(error instanceof WebSubError) || error.code !== 'invalid_request') throw error;
      const name = action.action === 'unknown' ? action.name : action.action;
      subscription.answer({ $hub: 'error', action: name, error: error.message });
    }
  }

  async #act(subscription: Subscription, action: Action): Promise<void> {
    switch (action.action) {
      case 'pause':
        subscription.pause();
        return;
      case 'resume':
        subscription.resume();
        return;
      case 'rewind':
        await this.#rewind(subscription, action);
        return;
      case 'ack':
        await this.#acknowledge(subscription, action.upTo);
        return;
      case 'unknown':
        throw new WebSubError(
          'invalid_request',
          'the action is none of ack, rewind, pause and resume, or lacks what it is about: send {"action":"ack","id":…}',
        );
    }
  }

  async #rewind(subscription: Subscription, { to }: Rewind): Promise<void> {
    const { bridge } = this.#options;
    const words =
      'last' in to ? `last:${to.last}` : 'since' in to ? to.since : 'id' in to ? to.id : to.cursor;
    const start =
      'id' in to ? ({ kind: 'id', id: to.id } as const) : startOf({ since: words }, bridge.clock.now());
    const place = await this.#placeOf(subscription.channel, start, false);
    if (place === undefined || this.#subscriptions.get(subscription.identifier) !== subscription)
      throw new WebSubError(
        'invalid_request',
        'what follows that is not complete any more: rewind to another place',
      );
    subscription.answer({ $hub: 'rewound', cursor: cursorOf(bridge.log, place.position) });
    subscription.follow(place);
  }

  async #acknowledge(subscription: Subscription, upTo: Mark): Promise<void> {
    const { log } = this.#options.bridge;
    const start: Start = 'id' in upTo ? { kind: 'id', id: upTo.id } : { kind: 'cursor', cursor: upTo.cursor };
    const located = await locate(log, subscription.channel.request.selection, start);
    if (located.kind === 'lost')
      throw new WebSubError(
        'invalid_request',
        'nothing with this id or cursor was given: acknowledge what was',
      );
    subscription.answer({ $hub: 'acked', cursor: cursorOf(log, located.position) });
  }

  /** Who may have the session back: whoever shows the same credential. */
  #owner(): string {
    return JSON.stringify(this.#options.socket.permit.grant.principal ?? null);
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
    endsAt: permit.endsAt,
    mayRead: () => gate.isGood(permit.grant),
    hold: (onEnd) => permit.hold(onEnd),
  };
}

function wordsOf(start: Start): string {
  switch (start.kind) {
    case 'latest':
    case 'earliest':
      return start.kind;
    case 'cursor':
      return start.cursor;
    case 'id':
      return start.id;
    case 'time':
      return new Date(start.time).toISOString();
    case 'last':
      return `last:${start.count}`;
  }
}
