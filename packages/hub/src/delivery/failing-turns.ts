import type { Recipient } from '../subscription/recipient.js';
import { HostTurns, type HostTurnsOptions } from './host-turns.js';

export interface FailingTurnsOptions extends Pick<HostTurnsOptions, 'perHost' | 'inAll' | 'hostApart'> {
  /** The recipient may wait for a turn among the others of its host. */
  readonly queue: (recipient: Recipient) => void;
}

/** Of a host's slots, and of all, no more are for whoever failed last; of an odd number the greater part. */
const SHARE = 0.5;

/**
 * Lets recipients whose last delivery failed wait for a turn only so many at a time: those that hang are due again together,
 * and would hold every slot of the host that they share with healthy ones until their time is out (LAW 7).
 */
export class FailingTurns {
  readonly #queue: FailingTurnsOptions['queue'];
  readonly #turns: HostTurns<Recipient>;
  /** Who waits for a turn, or has it. */
  readonly #admitted = new Set<Recipient>();

  constructor({ perHost, inAll, queue, ...options }: FailingTurnsOptions) {
    this.#queue = queue;
    this.#turns = new HostTurns({ ...options, perHost: shareOf(perHost), inAll: shareOf(inAll) });
  }

  /** Recipients that are not admitted yet. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  /** Queues the recipient, at once or when another one's turn has ended. */
  add(recipient: Recipient): void {
    // With a window it may have a turn already: that one stands for all.
    if (this.#admitted.has(recipient)) {
      this.#queue(recipient);
      return;
    }
    this.#turns.add(recipient.host, recipient);
    this.#serve();
  }

  /** The recipient's turn is over, whether it was among these or not. */
  end(recipient: Recipient): void {
    if (!this.#admitted.delete(recipient)) return;
    this.#turns.release(recipient.host);
    this.#serve();
  }

  #serve(): void {
    this.#turns.serve((recipient) => {
      this.#admitted.add(recipient);
      this.#queue(recipient);
    });
  }
}

function shareOf(slots: number): number {
  return Math.ceil(slots * SHARE);
}
