import type { Random } from '@websub/shared';
import type { Deliveries } from '../delivery/deliveries.js';
import type { Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import type { Registry, SubscriptionKey } from '../subscription/registry.js';
import type { Roll } from '../subscription/roll.js';
import { REQUEST_BYTES } from './acceptance.js';
import type { Subscriptions } from './subscriptions.js';

export interface OperatorOptions {
  readonly registry: Registry;
  readonly roll: Roll;
  readonly subscriptions: Subscriptions;
  readonly deliveries: Deliveries;
  readonly random: Random;
}

/**
 * What somebody who runs the hub does with one subscription. Every promise settles when the change is on stable storage,
 * and rejects with `store_full` or `store_failed`.
 */
export class Operator {
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  async find(key: SubscriptionKey): Promise<Recipient | undefined> {
    const { registry, roll } = this.#options;
    const stored = await registry.findSubscription(key);
    const recipient = stored === undefined ? undefined : roll.find(stored.topic, stored.callback);
    return recipient?.subscription.id === stored?.id ? recipient : undefined;
  }

  /** Ends it at once; the callback is told `hub.mode=denied` with the reason (section 5.2). */
  async remove(recipient: Recipient, reason: string): Promise<void> {
    const request = this.#options.random.token(REQUEST_BYTES);
    await this.#options.subscriptions.apply(recipient, { kind: 'removed', request, reason });
  }

  /** Keeps deliveries back, or lets them go on with what was published meanwhile. */
  async pause(recipient: Recipient): Promise<void> {
    await this.#options.subscriptions.apply(recipient, { kind: 'paused' });
  }

  async resume(recipient: Recipient): Promise<void> {
    await this.#options.subscriptions.apply(recipient, { kind: 'resumed' });
  }

  /** Gives everything after the position again; a place that is not yet so far stays. False then. */
  async replay(recipient: Recipient, position: Position): Promise<boolean> {
    if (recipient.reach <= position) return false;
    // First the lease: what is stored of a place from before it begins counts for nothing.
    await this.#options.subscriptions.apply(recipient, { kind: 'rewound', since: position });
    await this.#options.deliveries.rewind(recipient, position);
    return true;
  }
}
