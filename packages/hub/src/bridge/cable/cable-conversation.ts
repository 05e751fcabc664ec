import { NO_TOPIC } from '../../access/topic-scope.js';
import { isClientSecret } from '../../consumer/consumer.js';
import type { RateLimit } from '../../protocol/rate-limit.js';
import type { PresenceRecord } from '../presence.js';
import { messageOf } from '../socket/frames.js';
import type { Call, Conversation } from '../socket/protocol.js';
import { perform } from './actions.js';
import { readCommand, type Action, type Command } from './command.js';
import { ping, welcome } from './messages.js';
import type { CableSessions } from './sessions.js';
import { Subscriptions, type SubscriptionsOptions } from './subscriptions.js';

export interface CableConversationOptions extends Omit<SubscriptionsOptions, 'client'> {
  readonly sessions: CableSessions;
  /** How often a client may say that it is there: each time many others are told. */
  readonly joins: RateLimit;
  readonly call: Call;
}

const PING_MS = 3_000;
/** Asked about once a second, pings would come a second late as often as not. */
const PING_EARLY_MS = 400;
const SESSION_BYTES = 16;

/** The talk with one client of Action Cable. */
export class CableConversation implements Conversation {
  readonly #options: CableConversationOptions;
  readonly #subscriptions: Subscriptions;
  readonly #sid: string;
  #pingAt: number;

  constructor(options: CableConversationOptions) {
    const { bridge, socket, call } = options;
    const client = call.params.get('client') ?? undefined;
    this.#options = options;
    this.#subscriptions = new Subscriptions({ ...options, client });
    this.#sid = bridge.random.token(SESSION_BYTES);
    this.#pingAt = bridge.clock.monotonic() + PING_MS - PING_EARLY_MS;
    // Whoever has no credential may still have signed streams.
    if (socket.permit.grant.scopes.read === NO_TOPIC && options.streamsSecret === undefined)
      socket.end('unauthorized');
    else if (client !== undefined && !isClientSecret(client)) socket.end('bad_frame');
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
    this.#subscriptions.look(now);
  }

  watermark(): () => void {
    const marks = [...this.#subscriptions].map((subscription) => subscription.watermark());
    return () => {
      for (const mark of marks) mark?.();
    };
  }

  ended(): void {
    const { sessions, isExtended } = this.#options;
    const places = this.#subscriptions.places();
    if (isExtended && places.size > 0) sessions.keep(this.#sid, { owner: this.#owner(), places });
    this.#subscriptions.quit();
  }

  #welcome(): void {
    const { isExtended, call, sessions } = this.#options;
    const sid = call.params.get('sid');
    const session = isExtended && sid ? sessions.take(sid, this.#owner()) : undefined;
    const restored = session && this.#subscriptions.restore(session.places);
    this.#say(welcome(isExtended ? { sid: this.#sid, restored } : undefined));
  }

  #obey(command: Command): void | Promise<void> {
    switch (command.command) {
      case 'subscribe':
        return this.#subscribe(command);
      case 'unsubscribe':
        this.#subscriptions.unsubscribe(command.identifier);
        return;
      case 'message':
        return this.#perform(command.identifier, command.action);
      case 'history':
        return this.#subscriptions.giveHistory(command.identifier, command.history);
      case 'join':
        this.#join(command.identifier, command.presence);
        return;
      case 'leave':
        this.#subscriptions.find(command.identifier)?.attendance?.leave();
        return;
      case 'presence':
        this.#subscriptions.find(command.identifier)?.attendance?.tell();
        return;
      case 'pong':
        // It lives; that it does ws has seen.
        return;
    }
  }

  async #subscribe(command: Extract<Command, { command: 'subscribe' }>): Promise<void> {
    await this.#subscriptions.subscribe(command);
    if (command.presence !== undefined) this.#join(command.identifier, command.presence);
  }

  #join(identifier: string, record: PresenceRecord): void {
    const { joins, bridge } = this.#options;
    const attendance = this.#subscriptions.find(identifier)?.attendance;
    if (joins.admit(this.#sid, bridge.clock.monotonic()) === 0) attendance?.join(record);
    else attendance?.refuse();
  }

  async #perform(identifier: string, action: Action): Promise<void> {
    const { bridge } = this.#options;
    const subscription = this.#subscriptions.find(identifier);
    if (subscription === undefined) return;
    await perform(action, {
      subscription,
      bridge,
      goOn: (start) => this.#subscriptions.goOn(identifier, { start, isHistory: false }),
    });
  }

  /** Who may have the session back: whoever shows the same credential. */
  #owner(): string {
    return JSON.stringify(this.#options.socket.permit.principal ?? null);
  }

  #say(text: string): void {
    this.#options.socket.send(messageOf(text));
  }
}
