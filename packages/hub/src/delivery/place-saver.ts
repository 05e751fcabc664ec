import type { Clock } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import type { Place, Places } from '../subscription/places.js';
import type { Recipient } from '../subscription/recipient.js';
import { BatchSaver } from './batch-saver.js';

export interface PlaceSaverOptions {
  readonly places: Places;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

/** Saves the places of recipients in batches. What is not saved yet is what a crash repeats (LAW 11). */
export class PlaceSaver {
  readonly #places: Places;
  readonly #batches: BatchSaver<Recipient>;

  constructor({ places, clock, events }: PlaceSaverOptions) {
    this.#places = places;
    this.#batches = new BatchSaver({
      save: (recipients) => places.save(recipients.filter(hasPlace).map(placeOf)),
      where: 'places',
      clock,
      events,
    });
  }

  /** The recipient's place differs from the one saved. */
  changed(recipient: Recipient): void {
    this.#batches.changed(recipient);
  }

  /** Saves this place without waiting for others; settles when it is on stable storage, rejects when the store fails. */
  async saveNow(recipient: Recipient): Promise<void> {
    await this.#places.save([placeOf(recipient)]);
  }

  /** Settles when everything that changed before is on stable storage; rejects when the store fails. */
  flush(): Promise<void> {
    return this.#batches.flush();
  }
}

/** The place of a subscription that ended went with it; one that is not stored has none. */
function hasPlace({ ending, subscription }: Recipient): boolean {
  return !ending && subscription.version > 0;
}

function placeOf({ subscription, position, attempts, retryAt, failure, window }: Recipient): Place {
  const beyond = window?.beyond ?? null;
  return { subscription: subscription.id, position, attempts, dueAt: retryAt, failure, beyond };
}
