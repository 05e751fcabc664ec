import type { Random } from '@websub/shared';
import type { Gate } from '../gate/gate.js';
import type { Recipient } from '../subscription/recipient.js';
import type { Roll } from '../subscription/roll.js';
import { REQUEST_BYTES } from './acceptance.js';
import type { Subscriptions } from './subscriptions.js';

export interface PermissionsOptions {
  readonly gate: Pick<Gate, 'stillReads'>;
  readonly roll: Roll;
  readonly subscriptions: Pick<Subscriptions, 'apply'>;
  readonly random: Random;
}

const RECIPIENTS_AT_ONCE = 5_000;
const REASON = 'the credential that this subscription was made with no longer allows it';

/** Whether subscriptions may go on, by the credentials that they were asked for with (LAW 13). */
export class Permissions {
  readonly #options: PermissionsOptions;
  #looking: Promise<void> | undefined;
  /** Something was revoked since the look under way began. */
  #isAsked = false;
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

  /**
   * Calls back for everybody that {@link isLost}. A million subscriptions take a moment, in which others get their turn; all who
   * ask meanwhile, as for each key of a tenant, are answered by one further look at everybody.
   */
  findLost(onLost: (recipient: Recipient) => void): Promise<void> {
    this.#isAsked = true;
    this.#looking ??= this.#lookWhileAsked(onLost);
    return this.#looking;
  }

  async #lookWhileAsked(onLost: (recipient: Recipient) => void): Promise<void> {
    try {
      while (this.#isAsked && !this.#stopped) {
        this.#isAsked = false;
        await this.#look(onLost);
      }
    } finally {
      this.#looking = undefined;
    }
  }

  async #look(onLost: (recipient: Recipient) => void): Promise<void> {
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
