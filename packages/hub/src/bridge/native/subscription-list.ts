import type { Attachment } from '../attachment.js';
import { begin, type Beginning } from '../begin.js';
import { incomplete, type Gap } from '../gap.js';
import { cursorOf } from '../locate.js';
import { mayBegin } from '../permit.js';
import type { ReadRequest } from '../read-request.js';
import type { Socket } from '../socket/socket.js';
import type { NativeServices } from './native-services.js';
import { consumerOfWord, readRequestOfWord, rewound } from './read-words.js';
import type { Asked, Replies } from './replies.js';
import { Subscription } from './subscription.js';
import type { Word } from './words.js';

export interface SubscriptionListOptions {
  readonly services: Pick<NativeServices, 'bridge' | 'frames'>;
  readonly socket: Socket;
  readonly replies: Replies;
}

type Begun = Extract<Beginning, { readonly kind: 'begun' }>;

export const MOST_SUBSCRIPTIONS = 128;

/** The subscriptions of one connection, by the names that its client gave them. */
export class SubscriptionList {
  readonly #options: SubscriptionListOptions;
  /** One for most connections, so no map: its table takes 250 bytes. */
  #subscriptions: readonly Subscription[] = [];

  constructor(options: SubscriptionListOptions) {
    this.#options = options;
  }

  async add(word: Word<'sub'>): Promise<void> {
    const { services, socket, replies } = this.#options;
    const { sid } = word;
    if (this.#named(sid) !== undefined) {
      replies.err(word, 'sid_taken', 'this sid is in use: choose another one, or rewind');
      return;
    }
    if (this.#subscriptions.length >= MOST_SUBSCRIPTIONS) {
      replies.err(
        word,
        'too_many_subs',
        `there are ${MOST_SUBSCRIPTIONS} subscriptions: end one, or ask for several topics at once`,
      );
      return;
    }
    const request = readRequestOfWord(word, services.bridge.clock.now());
    if (!this.#allows(word, request)) return;
    const subscription = new Subscription({
      services,
      socket,
      sid,
      request,
      consumer: consumerOfWord(word, socket.permit),
      credit: word.credit,
      onEnd: (why, detail) => {
        this.#forget(subscription);
        replies.err({ op: 'sub', sid }, why, `${detail}: subscribe again`);
      },
    });
    // Before it begins: it may end as soon as it has begun.
    this.#subscriptions = this.#subscriptions.concat(subscription);
    await this.#open(word, subscription, request);
  }

  /** Goes on elsewhere; where that cannot be, on as before. */
  async rewind(word: Word<'rewind'>): Promise<void> {
    const { services, socket } = this.#options;
    const { bridge } = services;
    const subscription = this.#find(word);
    if (subscription === undefined) return;
    const request = rewound(subscription.request, word.from, bridge.clock.now());
    const beginning = await begin(bridge.log, request);
    if (socket.hasEnded || this.#named(word.sid) !== subscription) return;
    const { attachment } = subscription;
    if (beginning.kind === 'refused') this.#refuse(word, beginning.gap);
    else if (attachment === undefined) this.#begin(word, subscription, beginning);
    else {
      subscription.stop();
      await bridge.consumers.seek(attachment.consumer, beginning.position);
      // It comes back to its consumer, which is there by now.
      await this.#open(word, subscription, { ...request, start: { kind: 'latest' }, resumes: false });
    }
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
    for (const subscription of this.#subscriptions) {
      const { sid, request } = subscription;
      if (!this.#allows({ op: 'sub', sid }, request)) this.#drop(subscription);
    }
  }

  /** Ends those that read with a consumer of somebody whose the connection is no longer. */
  endConsumers(): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.consumer === undefined) continue;
      this.#drop(subscription);
      const detail = 'its consumer is of whoever showed the credential before: subscribe again';
      this.#options.replies.err({ op: 'sub', sid: subscription.sid }, 'forbidden_topic', detail);
    }
  }

  /** Acknowledges what a consumer was given, up to an entry or one alone; answered when that is durable. */
  async acknowledge(word: Word<'ack'>): Promise<void> {
    const { upto, cursor } = word;
    await this.#account(word, async (attachment) => {
      if (upto !== undefined) await attachment.ackThrough(upto);
      else if (cursor !== undefined) await attachment.ackOne(cursor);
      this.#options.replies.ok(word, { cursor: upto ?? cursor });
    });
  }

  /** Asks for an entry again. */
  async refuseEntry(word: Word<'nack'>): Promise<void> {
    await this.#account(word, async (attachment) => {
      await attachment.nack(word.cursor, word.delay_ms ?? 0);
      this.#options.replies.ok(word, { cursor: word.cursor });
    });
  }

  /** What acknowledges by the peer's pong everything that was given so far. */
  watermark(): () => void {
    const marks = this.#subscriptions.map((subscription) => subscription.watermark());
    return () => {
      for (const mark of marks) mark?.();
    };
  }

  clear(): void {
    this.#subscriptions = [];
  }

  /** Begins as the request says, or where the consumer is. Where that cannot be, the subscription is none. */
  async #open(asked: Asked, subscription: Subscription, request: ReadRequest): Promise<void> {
    const { services, socket } = this.#options;
    const { bridge } = services;
    const { consumer } = subscription;
    let attachment: Attachment | undefined;
    try {
      attachment = consumer && (await bridge.consumers.attach(consumer, request));
      const beginning = await begin(bridge.log, attachment?.from(request) ?? request);
      if (beginning.kind === 'begun' && !socket.hasEnded) {
        this.#begin(asked, subscription, beginning, attachment);
        return;
      }
      if (beginning.kind === 'refused') this.#refuse(asked, beginning.gap);
    } catch (error) {
      attachment?.leave();
      this.#drop(subscription);
      throw error;
    }
    attachment?.leave();
    this.#drop(subscription);
  }

  #begin(asked: Asked, subscription: Subscription, { position, gap }: Begun, attachment?: Attachment): void {
    subscription.stop();
    this.#options.replies.ok(asked, { cursor: cursorOf(this.#options.services.bridge.log, position) });
    subscription.begin(position, gap, attachment);
  }

  #refuse(asked: Asked, { requested, reason }: Gap): void {
    this.#options.replies.err(asked, 'gap', incomplete(requested, reason).message);
  }

  #allows(asked: Asked, { selection }: ReadRequest): boolean {
    const { socket, replies } = this.#options;
    const { grant } = socket.permit;
    if (mayBegin(grant, selection.topics)) return true;
    replies.forbid(asked, grant.principal === undefined, 'reading these topics');
    return false;
  }

  async #account(
    asked: Asked & { readonly sid: string },
    action: (attachment: Attachment) => Promise<void>,
  ): Promise<void> {
    const subscription = this.#find(asked);
    if (subscription === undefined) return;
    if (subscription.attachment !== undefined) await action(subscription.attachment);
    else
      this.#options.replies.err(
        asked,
        'no_consumer',
        'this subscription keeps its own place: subscribe with a consumer',
      );
  }

  #find(asked: Asked & { readonly sid: string }): Subscription | undefined {
    const subscription = this.#named(asked.sid);
    if (subscription === undefined)
      this.#options.replies.err(
        asked,
        'unknown_sid',
        'there is no subscription with this sid: subscribe first',
      );
    return subscription;
  }

  #drop(subscription: Subscription): void {
    subscription.stop();
    this.#forget(subscription);
  }

  #named(sid: string): Subscription | undefined {
    return this.#subscriptions.find((each) => each.sid === sid);
  }

  #forget(subscription: Subscription): void {
    this.#subscriptions = this.#subscriptions.filter((each) => each !== subscription);
  }
}
