import type { Random } from '@websub/shared';
import type { Gate } from '../gate/gate.js';
import type { Recipient } from '../subscription/recipient.js';
import type { Roll } from '../subscription/roll.js';
import { REQUEST_BYTES } from './acceptance.js';
import type { Subscriptions } from './subscriptions.js';

export interface PermissionsOptions {
  readonly gate: Gate;
  readonly roll: Roll;
  readonly subscriptions: Subscriptions;
  readonly random: Random;
}

const RECIPIENTS_AT_ONCE = 5_000;
const REASON = 'the credential that this subscription was made with no longer allows it';

/** Whether subscriptions may go on, by the credentials that they were asked for with (LAW 13). */
export class Permissions {
  readonly #options: PermissionsOptions;
  #stopped = false;

  constructor(options: PermissionsOptions) {
    this.#options = options;
  }

  /** Whether the recipient may be given the next entry of what it is owed. */
  mayReceive({ subscription: { lease, topic } }: Recipient): boolean {
    return lease !== null && this.#options.gate.stillReads(lease.principal, topic);
  }

  /** Whether the lease, or the request that is pending, may go on no longer. */
  isLost(recipient: Recipient): boolean {
    const { lease, pending } = this.#lost(recipient);
    return lease || pending;
  }

  /** Ends what may go on no longer; settles when that is durable. */
  async end(recipient: Recipient): Promise<void> {
    const { subscriptions, random } = this.#options;
    const request = random.token(REQUEST_BYTES);
    await subscriptions.apply(recipient, {
      kind: 'forbidden',
      request,
      reason: REASON,
      ...this.#lost(recipient),
    });
  }

  /** Calls back for everybody that {@link isLost}. A million subscriptions take a moment, in which others get their turn. */
  async findLost(onLost: (recipient: Recipient) => void): Promise<void> {
    let seen = 0;
    for (const topic of this.#options.roll.topics.values()) {
      for (const recipient of topic.recipients.values()) {
        if (this.isLost(recipient)) onLost(recipient);
        if (++seen % RECIPIENTS_AT_ONCE === 0) await new Promise((resume) => setImmediate(resume));
        if (this.#stopped) return;
      }
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #lost({ subscription: { lease, pending, topic } }: Recipient): Record<'lease' | 'pending', boolean> {
    const { gate } = this.#options;
    return {
      lease: lease !== null && !gate.stillReads(lease.principal, topic),
      pending: pending?.kind === 'subscribe' && !gate.stillReads(pending.principal, topic),
    };
  }
}
