import type { Clock } from '@websub/shared';
import { refOf, type HubEmitter } from '../events.js';
import type { Entry } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import type { DeadLetter, DeadLetterBounds, Registry } from '../subscription/registry.js';

export interface DeadLetterBoxOptions {
  readonly registry: Pick<Registry, 'addDeadLetters'>;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

/** What a recipient was not given, and why. */
export type Undelivered = Pick<DeadLetter, 'reason' | 'position' | 'entry' | 'detail' | 'attempts' | 'bytes'>;

/** Per subscription. What goes beyond, oldest first, is counted (`dead-letters-dropped`). */
const DEAD_LETTERS_KEPT: DeadLetterBounds = { count: 10_000, bytes: 256 * 1024 * 1024 };

/** An entry that the recipient was not given. */
export function undelivered(
  entry: Entry,
  { reason, detail, attempts }: Pick<Undelivered, 'reason' | 'detail' | 'attempts'>,
): Undelivered {
  const { position, id, content } = entry;
  return { reason, detail, attempts, position, entry: id, bytes: content.body.byteLength };
}

/** Puts on record what a subscription was not given (LAW 2, LAW 12). */
export class DeadLetterBox {
  readonly #options: DeadLetterBoxOptions;

  constructor(options: DeadLetterBoxOptions) {
    this.#options = options;
  }

  /** Settles when it is on stable storage. Recorded twice, after a crash, it is there once. */
  async add(recipient: Recipient, items: readonly Undelivered[]): Promise<void> {
    const { registry, clock, events } = this.#options;
    const ref = refOf(recipient.subscription);
    const at = clock.now();
    const letters = items.map((item) => ({
      id: `${ref.subscription}.${item.position}`,
      ...ref,
      ...item,
      at,
      redeliverAt: null,
    }));
    const dropped = await registry.addDeadLetters(letters, DEAD_LETTERS_KEPT);
    for (const { entry, reason } of items) events.emit('dead-letter', { ...ref, entry, reason });
    if (dropped > 0) events.emit('dead-letters-dropped', { ...ref, letters: dropped });
  }

  /** A letter that was tried again and not delivered: it stays as long as it would have. */
  async putBack(letter: DeadLetter): Promise<void> {
    await this.#options.registry.addDeadLetters([letter], DEAD_LETTERS_KEPT);
  }
}
