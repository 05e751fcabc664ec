import { parseWebUrl, type NetworkPolicy, type Random } from '@websub/shared';
import type { Grant } from '../access/grant.js';
import { tenantOf } from '../access/principal.js';
import type { Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import type { Roll } from '../subscription/roll.js';
import { NEVER } from '../subscription/subscription.js';
import { REQUEST_BYTES } from './acceptance.js';
import type { Admission, Refusal } from './admission.js';
import type { Subscriptions } from './subscriptions.js';

/** Where the entries of a topic are posted, for a receiver that knows nothing of WebSub. */
export interface Webhook {
  readonly url: string;
  /** The `Authorization` header of each request. */
  readonly authorization: string | null;
}

export interface WebhooksOptions {
  readonly subscriptions: Subscriptions;
  readonly roll: Roll;
  readonly network: NetworkPolicy;
  /** Absent: no bounds, as in development. */
  readonly admission: Admission | undefined;
  readonly head: () => Position;
  readonly random: Random;
}

/** One webhook for each topic: a subscription that a publisher vouches for (LAW 4), delivered as every other. */
export class Webhooks {
  readonly #options: WebhooksOptions;

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  find(topic: string): Recipient | undefined {
    return this.#all(topic)[0];
  }

  /**
   * Sets the topic's webhook in place of the one that it had; what that was still owed goes to the new one. Settles when it is
   * durable, or with a refusal. That the grant allows it is for the caller to ask. Rejects with `invalid_request` and
   * `forbidden_address` for a URL that no policy allows, and with `store_full` or `store_failed`.
   */
  async set(topic: string, { url, authorization }: Webhook, grant: Grant): Promise<Recipient | Refusal> {
    const { subscriptions, network, admission, random, head } = this.#options;
    network.checkLiteral(parseWebUrl(url, 'url'), 'url');
    const { principal, endsAt } = grant;
    const refusal = admission?.subscription({ mode: 'subscribe', topic, callback: url }, tenantOf(principal));
    if (refusal !== undefined) return refusal;
    const before = this.find(topic);
    const recipient = await subscriptions.vouch(topic, url, {
      kind: 'vouched',
      request: random.token(REQUEST_BYTES),
      authorization,
      endsAt: Math.min(endsAt, NEVER),
      head: () => before?.position ?? head(),
      ...(principal !== undefined && { principal }),
    });
    // In this order a crash in between leaves one too many, and the next call removes it.
    for (const other of this.#all(topic)) if (other !== recipient) await this.#withdraw(other);
    return recipient;
  }

  /** False when the topic has none. */
  async remove(topic: string): Promise<boolean> {
    const all = this.#all(topic);
    for (const recipient of all) await this.#withdraw(recipient);
    return all.length > 0;
  }

  #withdraw(recipient: Recipient): Promise<void> {
    return this.#options.subscriptions.apply(recipient, { kind: 'withdrawn' });
  }

  /** The newest first. */
  #all(topic: string): readonly Recipient[] {
    const recipients = this.#options.roll.topics.get(topic)?.recipients.values() ?? [];
    return [...recipients]
      .filter(({ subscription }) => subscription.lease?.vouched !== undefined)
      .toReversed();
  }
}
