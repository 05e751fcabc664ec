import type { Principal } from '../../access/principal.js';
import { NO_TOPIC } from '../../access/topic-scope.js';
import { isSameOwner, ownerOf } from '../../consumer/consumer.js';
import { Attendant, checkedPresence } from '../attendant.js';
import { WINDOW_BYTES } from '../back-pressure.js';
import { mayBegin, permitOf } from '../permit.js';
import type { Conversation, SocketEnd } from '../socket/protocol.js';
import { PING_MS, type Socket } from '../socket/socket.js';
import { contentOfWord } from './content-of-word.js';
import type { NativeServices } from './native-services.js';
import { parseWord } from './parse-word.js';
import { Replies } from './replies.js';
import { MOST_SUBSCRIPTIONS, SubscriptionList } from './subscription-list.js';
import type { ClientWord, Word } from './words.js';

/** A client that may read nothing yet has so long to show a credential. */
const AUTH_MS = 10_000;
const MOST_SAVING = 1_000;

/** What one client of the native protocol says, and is told. */
export class NativeConversation implements Conversation {
  readonly #services: NativeServices;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #replies: Replies;
  readonly #subscriptions: SubscriptionList;
  readonly #authBy: number;
  readonly #attendant: Attendant;
  /** Acknowledgements that are being saved. */
  #saving = 0;

  /** `address`: where the client comes from. */
  constructor(services: NativeServices, socket: Socket, address: string) {
    const { bridge } = services;
    this.#services = services;
    this.#socket = socket;
    this.#address = address;
    this.#replies = new Replies(socket, bridge.events);
    this.#subscriptions = new SubscriptionList({ services, socket, replies: this.#replies });
    this.#attendant = new Attendant(bridge.presence);
    this.#authBy = bridge.clock.monotonic() + AUTH_MS;
    this.#replies.tell({
      op: 'welcome',
      session: socket.id,
      epoch: bridge.log.epoch,
      heartbeat_s: PING_MS / 1_000,
      limits: { subs: MOST_SUBSCRIPTIONS, window_bytes: WINDOW_BYTES },
      resumed: false,
    });
  }

  receive(text: string): void | Promise<void> {
    const parsed = parseWord(text);
    switch (parsed.kind) {
      case 'nonsense':
        this.#socket.end('bad_frame');
        return;
      case 'wrong':
        this.#replies.err({ op: parsed.ref, sid: parsed.sid }, 'invalid', parsed.detail);
        return;
      case 'word':
        return this.#do(parsed.word);
    }
  }

  expiring(endsAt: number): void {
    this.#replies.tell({ op: 'expiring', exp: secondsOf(endsAt) });
  }

  look(now: number): void {
    const { grant } = this.#socket.permit;
    const mayNothing = grant.principal === undefined && grant.scopes.read === NO_TOPIC;
    if (mayNothing && now >= this.#authBy) this.#socket.end('unauthorized');
  }

  watermark(): () => void {
    return this.#subscriptions.watermark();
  }

  ended(end: SocketEnd): void {
    this.#attendant.end(end === 'closed' ? 'left' : 'lost');
    this.#subscriptions.clear();
  }

  #do(word: ClientWord): void | Promise<void> {
    const subscriptions = this.#subscriptions;
    switch (word.op) {
      case 'auth':
        return this.#auth(word);
      case 'sub':
        return this.#replies.whether(word, () => subscriptions.add(word));
      case 'rewind':
        return this.#replies.whether(word, () => subscriptions.rewind(word));
      case 'unsub':
        subscriptions.remove(word);
        return;
      case 'credit':
        subscriptions.grant(word);
        return;
      case 'ack':
        return this.#soon(this.#replies.whether(word, () => subscriptions.acknowledge(word)));
      case 'nack':
        return this.#soon(this.#replies.whether(word, () => subscriptions.refuseEntry(word)));
      case 'pause':
      case 'resume':
        subscriptions.pause(word);
        return;
      case 'pub':
        return this.#replies.whether(word, () => this.#pub(word));
      case 'presence':
        return this.#replies.whether(word, () => Promise.resolve(this.#attend(word)));
      case 'ping':
        this.#replies.tell({ op: 'pong', ...('t' in word ? { t: word.t } : {}) });
    }
  }

  /** Each is saved together with others: to wait for it before the next is read would be one in each batch. */
  #soon(saving: Promise<void>): void | Promise<void> {
    this.#saving += 1;
    const saved = saving.finally(() => (this.#saving -= 1));
    return this.#saving < MOST_SAVING ? undefined : saved;
  }

  async #auth(word: Word<'auth'>): Promise<void> {
    const socket = this.#socket;
    const { bridge } = this.#services;
    const entrance = await bridge.gate.admit({ kind: 'secret', text: word.token });
    if (socket.hasEnded) return;
    switch (entrance.kind) {
      case 'unavailable':
        this.#replies.err(word, 'busy', `${entrance.reason}: try again later`);
        return;
      case 'anybody':
      case 'refused': {
        const reason = entrance.kind === 'refused' ? entrance.reason : 'there is none';
        this.#replies.err(word, 'unauthorized', `${reason}: show another credential`);
        return;
      }
      case 'admitted': {
        const { grant } = entrance;
        if (!bridge.streams.identify(socket, permitOf(bridge.gate, grant))) {
          this.#replies.err(word, 'busy', 'too many streams are open in this name: close one');
          return;
        }
        const isSame = isSameHolder(socket.permit.principal, grant.principal);
        socket.permit.renew(grant);
        const { endsAt } = grant;
        this.#replies.ok(word, { exp: endsAt === Infinity ? null : secondsOf(endsAt) });
        this.#subscriptions.endForbidden();
        if (!isSame) {
          this.#attendant.end('left');
          this.#subscriptions.endConsumers();
        }
      }
    }
  }

  #attend(word: Word<'presence'>): void {
    const socket = this.#socket;
    const { topic, name = socket.id.slice(0, 8), state } = word;
    const words = checkedPresence({ name, state });
    if (!mayBegin(socket.permit.grant, [topic])) {
      this.#replies.forbid(word, socket.permit.principal === undefined, 'being present at this topic');
      return;
    }
    if (state === null) this.#attendant.leave(topic);
    else if (!this.#attendant.join(topic, words, socket.permit.principal)) {
      this.#replies.err(word, 'busy', 'too many are present already: try again later');
      return;
    }
    this.#replies.ok(word);
  }

  async #pub(word: Word<'pub'>): Promise<void> {
    const { permit } = this.#socket;
    const { publications, admission } = this.#services;
    const { topic, id, type, subject } = word;
    const isAnybody = permit.grant.principal === undefined;
    const refusal = isAnybody ? admission?.client(this.#address) : undefined;
    if (refusal !== undefined) {
      const seconds = Math.ceil(refusal.retryAfterMs / 1_000);
      this.#replies.err(word, 'rate', `${refusal.detail}: try again in ${seconds} s`);
      return;
    }
    if (!permit.mayPublish(topic)) {
      this.#replies.forbid(word, isAnybody, 'publishing to this topic');
      return;
    }
    const { cursor } = await publications.publish({
      topic,
      content: contentOfWord(word),
      ...(id === undefined ? {} : { id }),
      ...(type === undefined ? {} : { type }),
      ...(subject === undefined ? {} : { subject }),
      headers: {},
    });
    this.#replies.ok(word, { cursor, ...(id === undefined ? {} : { id }) });
  }
}

function isSameHolder(one: Principal | undefined, other: Principal | undefined): boolean {
  const [before, now] = [ownerOf(one, undefined), ownerOf(other, undefined)];
  return before !== undefined && now !== undefined && isSameOwner(before, now);
}

function secondsOf(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}
