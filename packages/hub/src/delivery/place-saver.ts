import type { CancelTimer, Clock } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import type { Place, Places } from '../subscription/places.js';
import type { Recipient } from '../subscription/recipient.js';

export interface PlaceSaverOptions {
  readonly places: Places;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

const SAVE_AFTER_MS = 50;
const MOST_UNSAVED = 1_000;
const AGAIN_AFTER_FAULT_MS = 1_000;

/**
 * Saves places in batches: every 50 ms or 1,000 changes, never one write per delivery. What is not saved yet is what a
 * crash repeats (LAW 11).
 */
export class PlaceSaver {
  readonly #options: PlaceSaverOptions;
  #changed = new Set<Recipient>();
  #cancel: CancelTimer | undefined;
  #saving: Promise<void> | undefined;

  constructor(options: PlaceSaverOptions) {
    this.#options = options;
  }

  /** The recipient's place differs from the one saved. */
  changed(recipient: Recipient): void {
    this.#changed.add(recipient);
    if (this.#saving !== undefined) return;
    if (this.#changed.size >= MOST_UNSAVED) void this.#save();
    else this.#arm(SAVE_AFTER_MS);
  }

  /** Saves this place without waiting for others; settles when it is on stable storage, rejects when the store fails. */
  async saveNow(recipient: Recipient): Promise<void> {
    await this.#options.places.save([placeOf(recipient)]);
  }

  /** Settles when everything that changed before is on stable storage; rejects when the store fails. */
  async flush(): Promise<void> {
    this.#cancel?.();
    await this.#saving;
    if (this.#changed.size > 0) await this.#write();
  }

  #arm(delayMs: number): void {
    this.#cancel ??= this.#options.clock.after(delayMs, () => {
      this.#cancel = undefined;
      void this.#save();
    });
  }

  async #save(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#saving !== undefined || this.#changed.size === 0) return;
    let delayMs = SAVE_AFTER_MS;
    this.#saving = this.#write().catch((error: unknown) => {
      delayMs = AGAIN_AFTER_FAULT_MS;
      this.#options.events.emit('fault', { where: 'places', error });
    });
    await this.#saving;
    this.#saving = undefined;
    if (this.#changed.size > 0) this.#arm(delayMs);
  }

  async #write(): Promise<void> {
    const batch = this.#changed;
    this.#changed = new Set();
    try {
      await this.#options.places.save(
        [...batch]
          // The place of a subscription that ended went with it; one that is not stored has none.
          .filter(({ ending, subscription }) => !ending && subscription.version > 0)
          .map(placeOf),
      );
    } catch (error) {
      for (const recipient of batch) this.#changed.add(recipient);
      throw error;
    }
  }
}

function placeOf({ subscription, position, attempts, retryAt, failure }: Recipient): Place {
  return { subscription: subscription.id, position, attempts, dueAt: retryAt, failure };
}
