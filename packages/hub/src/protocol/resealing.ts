import type { HubEmitter } from '../events.js';
import type { Recipient } from '../subscription/recipient.js';
import type { Roll } from '../subscription/roll.js';
import { resealed } from '../subscription/resealed.js';
import type { Seal } from '../subscription/sealed-secret.js';
import type { Subscriptions } from './subscriptions.js';

export interface ResealingOptions {
  readonly roll: Roll;
  readonly seal: Seal;
  readonly subscriptions: Subscriptions;
  readonly events: HubEmitter;
}

/** Saved side by side, so that they share commits. */
const AT_ONCE = 200;

/** After a start with a new key: seals again what an older key sealed, while the hub works. */
export class Resealing {
  readonly #options: ResealingOptions;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ResealingOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Settles when nothing is saved any more; the next start goes on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { roll, seal, subscriptions, events } = this.#options;
    let count = 0;
    let batch: Recipient[] = [];
    const save = async (): Promise<void> => {
      await Promise.all(batch.map((recipient) => subscriptions.reseal(recipient)));
      count += batch.length;
      batch = [];
    };
    try {
      for (const topic of roll.topics.values()) {
        for (const recipient of topic.recipients.values()) {
          if (this.#stopped) return;
          if (resealed(recipient.subscription, seal) === recipient.subscription) continue;
          batch.push(recipient);
          if (batch.length >= AT_ONCE) await save();
        }
      }
      await save();
      if (count > 0) events.emit('secrets-resealed', { subscriptions: count });
    } catch (error) {
      // What is left is sealed again after the next start; the old key still opens it.
      events.emit('fault', { where: 'sealing secrets again', error });
    }
  }
}
