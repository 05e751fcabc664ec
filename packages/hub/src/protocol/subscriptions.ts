import { WebSubError, type Clock, type Random } from '@websub/shared';
import { refOf, type HubEmitter } from '../events.js';
import { decide, type SubscriptionEvent, type SubscriptionFact } from '../subscription/decide.js';
import { Recipient } from '../subscription/recipient.js';
import type { Position } from '../log/log.js';
import type { Registry } from '../subscription/registry.js';
import type { Roll } from '../subscription/roll.js';
import { resealed } from '../subscription/resealed.js';
import type { Seal } from '../subscription/sealed-secret.js';
import type { Subscription } from '../subscription/subscription.js';
import type { ClosedRequests } from './closed-requests.js';
import { InOrder } from './in-order.js';

export interface SubscriptionsOptions {
  readonly registry: Registry;
  readonly roll: Roll;
  readonly clock: Clock;
  readonly random: Random;
  readonly seal: Seal;
  readonly events: HubEmitter;
  /** Is told of requests that stand for nothing any more. */
  readonly closed: ClosedRequests;
  /** Called after each change is durable: the recipient may want attention at another time, or content. */
  readonly onChange: (recipient: Recipient) => void;
  /** Called when the callback has confirmed that it wants the topic: it is there. */
  readonly onConfirmed: (recipient: Recipient) => void;
}

/** What a publisher vouches for; the header as it came. */
export type VouchedRequest = Omit<Extract<SubscriptionEvent, { kind: 'vouched' }>, 'vouched' | 'head'> & {
  readonly authorization: string | null;
  /** Asked once what is published from then on is owed. */
  readonly head: () => Position;
};

/** What a subscriber asks for; the secret as it came. */
export type IntentRequest =
  | Extract<SubscriptionEvent, { kind: 'unsubscribe-requested' }>
  | (Omit<Extract<SubscriptionEvent, { kind: 'subscribe-requested' }>, 'secret'> & {
      readonly secret?: string;
    });

const ID_BYTES = 16;

/** Applies decisions to subscriptions: what is decided is durable before it takes effect (LAW 1). */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #inOrder = new InOrder();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** A request of a subscriber; settles when it is durable, and the verification follows (section 5.1.2). */
  async request(topic: string, callback: string, request: IntentRequest): Promise<void> {
    const recipient = await this.#begin(topic, callback, (id) => this.#eventOf(request, id));
    const mode = request.kind === 'subscribe-requested' ? 'subscribe' : 'unsubscribe';
    this.#options.events.emit('subscription-requested', { ...refOf(recipient.subscription), mode });
  }

  /** A publisher vouches for the callback; settles when that is durable and in force. */
  vouch(topic: string, callback: string, request: VouchedRequest): Promise<Recipient> {
    const { authorization, head, ...event } = request;
    return this.#begin(topic, callback, (id) => ({
      ...event,
      head: head(),
      vouched: {
        authorization: authorization === null ? null : this.#options.seal.seal(authorization, id),
      },
    }));
  }

  async #begin(
    topic: string,
    callback: string,
    eventOf: (id: string) => SubscriptionEvent,
  ): Promise<Recipient> {
    return this.#inOrder.run(keyOf({ topic, callback }), async () => {
      const { roll } = this.#options;
      const recipient = roll.find(topic, callback) ?? this.#newRecipient(topic, callback);
      roll.add(recipient);
      try {
        await this.#apply(recipient, eventOf(recipient.subscription.id));
      } catch (error) {
        if (recipient.subscription.version === 0) roll.remove(recipient);
        throw error;
      }
      return recipient;
    });
  }

  /** Something that happened to a recipient; settles when what it means is durable. */
  async apply(recipient: Recipient, event: SubscriptionEvent): Promise<void> {
    await this.#inOrder.run(keyOf(recipient.subscription), async () => {
      // It may have ended, and begun anew, while this waited for its turn.
      if (recipient.topic.recipients.get(recipient.subscription.callback) === recipient)
        await this.#apply(recipient, event);
    });
  }

  /** Seals the recipient's secrets with the first key; settles when that is durable. */
  async reseal(recipient: Recipient): Promise<void> {
    await this.#inOrder.run(keyOf(recipient.subscription), async () => {
      if (recipient.topic.recipients.get(recipient.subscription.callback) !== recipient) return;
      const before = recipient.subscription;
      const next = resealed(before, this.#options.seal);
      if (next !== before) await this.#save(recipient, next);
    });
  }

  async #save(recipient: Recipient, next: Subscription): Promise<void> {
    const saved = { ...next, version: recipient.subscription.version + 1 };
    if (!(await this.#options.registry.saveSubscription(saved))) throw conflict(saved);
    recipient.subscription = saved;
  }

  #eventOf(request: IntentRequest, id: string): SubscriptionEvent {
    if (request.kind === 'unsubscribe-requested') return request;
    const { secret, ...event } = request;
    return { ...event, secret: secret === undefined ? null : this.#options.seal.seal(secret, id) };
  }

  #newRecipient(topic: string, callback: string): Recipient {
    const rollTopic = this.#options.roll.topic(topic);
    const subscription: Subscription = {
      id: this.#options.random.token(ID_BYTES),
      // One string for all subscriptions of the topic.
      topic: rollTopic.url,
      callback,
      version: 0,
      lease: null,
      pending: null,
    };
    return new Recipient(subscription, rollTopic, this.#options.roll.hostOf(callback));
  }

  async #apply(recipient: Recipient, event: SubscriptionEvent): Promise<void> {
    const { registry, roll, clock, onChange } = this.#options;
    const before = recipient.subscription;
    const { subscription, facts } = decide(before, event, clock.now());
    if (subscription === null) {
      recipient.ending = true;
      try {
        if (!(await registry.removeSubscription(before))) throw conflict(before);
      } catch (error) {
        recipient.ending = false;
        throw error;
      }
      recipient.subscription = { ...before, lease: null, pending: null };
      roll.remove(recipient);
    } else if (subscription !== before) {
      await this.#save(recipient, subscription);
      roll.count(recipient);
    }
    this.#options.closed.note(before, subscription, facts);
    for (const fact of facts) this.#takeEffect(recipient, fact);
    onChange(recipient);
  }

  #takeEffect(recipient: Recipient, fact: SubscriptionFact): void {
    const { events, onConfirmed } = this.#options;
    const ref = refOf(recipient.subscription);
    const { lease } = recipient.subscription;
    if (fact.kind === 'activated' || fact.kind === 'renewed') recipient.endIsDoubtful = false;
    switch (fact.kind) {
      case 'activated':
        if (lease === null) return;
        recipient.moveTo(lease.since);
        onConfirmed(recipient);
        events.emit('subscription-activated', { ...ref, leaseSeconds: lease.seconds });
        return;
      case 'renewed':
        onConfirmed(recipient);
        events.emit('subscription-renewed', { ...ref, leaseSeconds: lease?.seconds ?? 0 });
        return;
      case 'verification-failed':
        events.emit('verification-failed', { ...ref, mode: fact.mode, detail: fact.detail });
        return;
      case 'denied':
        events.emit('subscription-denied', { ...ref, reason: fact.reason });
        return;
      case 'suspended':
        events.emit('subscription-suspended', ref);
        return;
      case 'recovered':
        events.emit('subscription-recovered', ref);
        return;
      case 'paused':
        events.emit('subscription-paused', ref);
        return;
      case 'resumed':
        events.emit('subscription-resumed', ref);
        return;
      case 'ended':
        events.emit('subscription-ended', { ...ref, reason: fact.reason });
    }
  }
}

function keyOf({ topic, callback }: { readonly topic: string; readonly callback: string }): string {
  // Neither holds a line break (parseWebUrl refuses it), so different pairs have different keys.
  return `${topic}\n${callback}`;
}

function conflict({ id }: Subscription): WebSubError {
  return new WebSubError(
    'store_failed',
    `subscription ${id} was changed by another process: run one hub per data folder`,
  );
}
