import { begin, type Beginning } from '../begin.js';
import type { Bridge } from '../bridge.js';
import { cursorOf } from '../locate.js';
import { mayBegin } from '../permit.js';
import type { ReadRequest } from '../read-request.js';
import type { Socket } from '../socket/socket.js';
import type { EventFrames } from './event-frames.js';
import { readRequestOfWord, rewound } from './read-words.js';
import type { Asked, Replies } from './replies.js';
import { Subscription } from './subscription.js';
import type { Word } from './words.js';

export interface SubscriptionListOptions {
  readonly bridge: Bridge;
  readonly socket: Socket;
  readonly frames: EventFrames;
  readonly replies: Replies;
}

export const MOST_SUBSCRIPTIONS = 128;

/** The subscriptions of one connection, by the names that its client gave them. */
export class SubscriptionList {
  readonly #options: SubscriptionListOptions;
  readonly #bySid = new Map<string, Subscription>();

  constructor(options: SubscriptionListOptions) {
    this.#options = options;
  }

  async add(word: Word<'sub'>): Promise<void> {
    const { bridge, socket, replies } = this.#options;
    const { sid } = word;
    if (this.#bySid.has(sid)) {
      replies.err(word, 'sid_taken', 'this sid is in use: choose another one, or rewind');
      return;
    }
    if (this.#bySid.size >= MOST_SUBSCRIPTIONS) {
      replies.err(
        word,
        'too_many_subs',
        `there are ${MOST_SUBSCRIPTIONS} subscriptions: end one, or ask for several topics at once`,
      );
      return;
    }
    const request = readRequestOfWord(word, bridge.clock.now());
    if (!this.#allows(word, request)) return;
    const beginning = await begin(bridge.log, request);
    if (socket.hasEnded) return;
    const subscription = new Subscription({
      ...this.#options,
      sid,
      request,
      credit: word.credit ?? Infinity,
      onEnd: (why, detail) => {
        this.#bySid.delete(sid);
        replies.err({ op: 'sub', sid }, why, `${detail}: subscribe again`);
      },
    });
    // Before it begins: a reader may end as soon as it has begun.
    if (beginning.kind === 'begun') this.#bySid.set(sid, subscription);
    this.#begin(word, subscription, beginning);
  }

  /** Goes on elsewhere; where that cannot be, on as before. */
  async rewind(word: Word<'rewind'>): Promise<void> {
    const { bridge, socket } = this.#options;
    const subscription = this.#find(word);
    if (subscription === undefined) return;
    const request = rewound(subscription.request, word.from, bridge.clock.now());
    const beginning = await begin(bridge.log, request);
    if (socket.hasEnded || this.#bySid.get(word.sid) !== subscription) return;
    this.#begin(word, subscription, beginning);
  }

  remove(word: Word<'unsub'>): void {
    const subscription = this.#find(word);
    if (subscription === undefined) return;
    this.#drop(subscription);
    this.#options.replies.ok(word);
  }

  grant(word: Word<'credit'>): void {
    if (this.#find(word)?.grant(word.n) !== false) return;
    const detail = 'this subscription takes all: give it a credit when you subscribe';
    this.#options.replies.err(word, 'invalid', detail);
  }

  /** Takes nothing, or goes on. */
  pause(word: Word<'pause' | 'resume'>): void {
    const subscription = this.#find(word);
    if (subscription === undefined) return;
    this.#options.replies.ok(word);
    subscription.pause(word.op === 'pause');
  }

  /** Ends those that the credential in force does not allow. */
  endForbidden(): void {
    for (const subscription of this.#bySid.values()) {
      const { sid, request } = subscription;
      if (!this.#allows({ op: 'sub', sid }, request)) this.#drop(subscription);
    }
  }

  clear(): void {
    this.#bySid.clear();
  }

  #begin(asked: Asked, subscription: Subscription, beginning: Beginning): void {
    const { bridge, replies } = this.#options;
    if (beginning.kind === 'refused') {
      const { requested, reason } = beginning.gap;
      const detail = `what follows ${requested} is not complete any more (${reason}): begin with "earliest", or let on_gap decide`;
      replies.err(asked, 'gap', detail);
      return;
    }
    const { position, gap } = beginning;
    subscription.end();
    replies.ok(asked, { cursor: cursorOf(bridge.log, position) });
    subscription.begin(position, gap);
  }

  #allows(asked: Asked, { selection }: ReadRequest): boolean {
    const { socket, replies } = this.#options;
    const { grant } = socket.permit;
    if (mayBegin(grant, selection.topics)) return true;
    replies.forbid(asked, grant.principal === undefined, 'reading these topics');
    return false;
  }

  #find(asked: Asked & { readonly sid: string }): Subscription | undefined {
    const subscription = this.#bySid.get(asked.sid);
    if (subscription === undefined)
      this.#options.replies.err(
        asked,
        'unknown_sid',
        'there is no subscription with this sid: subscribe first',
      );
    return subscription;
  }

  #drop(subscription: Subscription): void {
    subscription.end();
    this.#bySid.delete(subscription.sid);
  }
}
