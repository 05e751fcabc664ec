import type { Recipient } from '../subscription/recipient.js';
import type { Attempt } from './courier.js';
import type { DeliveryOutcome } from './sender.js';

/** What came of an entry that was sent out of its turn; `not-now`: nothing was sent. */
export type ExtraOutcome = DeliveryOutcome['kind'] | 'not-now';

/** An entry to be sent to a recipient that is owed nothing else at the moment. */
type Extra = Pick<Attempt, 'entry' | 'attempt'>;

interface Begun extends Extra {
  readonly settled: (outcome: ExtraOutcome) => void;
}

/** Entries that are sent out of their turn: at most one to a recipient at a time. */
export class Extras {
  readonly #begun = new Map<Recipient, Begun>();

  /** Settles with what came of it, once it has ended. Never rejects. */
  begin(recipient: Recipient, extra: Extra): Promise<ExtraOutcome> {
    return new Promise((settled) => this.#begun.set(recipient, { ...extra, settled }));
  }

  /** What is to be sent to the recipient. Asked at each delivery, of which hardly any is one of these. */
  of(recipient: Recipient): Extra | undefined {
    return this.#begun.size === 0 ? undefined : this.#begun.get(recipient);
  }

  end(recipient: Recipient, outcome: ExtraOutcome): void {
    if (this.#begun.size === 0) return;
    this.#begun.get(recipient)?.settled(outcome);
    this.#begun.delete(recipient);
  }
}
