import type { Entry } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import type { WindowEntry } from '../subscription/window.js';
import { SpareSlots, type SpareSlotsOptions } from './spare-slots.js';
import type { Due, WindowBacklog } from './window-backlog.js';

export interface WindowedDeliveriesOptions extends SpareSlotsOptions {
  readonly windows: WindowBacklog;
  readonly mayReceive: (recipient: Recipient) => boolean;
  readonly onForbidden: (recipient: Recipient) => Promise<void>;
  /** Lets the recipient wait for its next turn, when there is something to be sent. */
  readonly queue: (recipient: Recipient) => void;
  readonly send: (recipient: Recipient, entry: Entry, open: WindowEntry) => void;
  /** Nothing was sent in this turn. */
  readonly onNothing: (recipient: Recipient) => void;
  readonly onFault: (recipient: Recipient, error: unknown) => void;
}

/**
 * Gives recipients of a topic whose policy is `unordered` what they are owed without waiting for what went before (LAW 3).
 * A recipient waits for one turn at a time, behind everybody else of its host, however much it may be sent.
 */
export class WindowedDeliveries {
  readonly #options: WindowedDeliveriesOptions;
  readonly #spare: SpareSlots;

  constructor(options: WindowedDeliveriesOptions) {
    this.#options = options;
    this.#spare = new SpareSlots(options);
  }

  /** Whether the recipient may wait for another turn: beyond the first it needs a spare slot. */
  reserve({ window, host }: Recipient): boolean {
    return window === undefined || window.inFlight === 0 || this.#spare.take(host);
  }

  /** The turn of a recipient has come. */
  take(recipient: Recipient): void {
    const { windows, mayReceive } = this.#options;
    recipient.delivery = 'sending';
    const due = windows.peek(recipient);
    if (due === undefined || !mayReceive(recipient)) void this.#look(recipient);
    else this.#send(recipient, due);
  }

  /** The request is over; what is left of its turn is the slot. */
  land(recipient: Recipient, open: WindowEntry): void {
    const others = (recipient.window?.inFlight ?? 1) - 1;
    recipient.land(open);
    this.#giveBack(recipient, others);
  }

  /** The turn is over without a request. */
  leave(recipient: Recipient): void {
    this.#giveBack(recipient, recipient.window?.inFlight ?? 0);
  }

  async #look(recipient: Recipient): Promise<void> {
    const { windows, mayReceive, onForbidden, onFault, onNothing } = this.#options;
    try {
      // Things may have changed while it waited for its turn (LAW 4).
      const due = await windows.next(recipient);
      if (due !== undefined && !mayReceive(recipient)) await onForbidden(recipient);
      else if (due !== undefined && windows.isDue(recipient, due)) {
        this.#send(recipient, due);
        return;
      }
    } catch (error) {
      onFault(recipient, error);
    }
    recipient.delivery = 'idle';
    this.leave(recipient);
    onNothing(recipient);
  }

  #send(recipient: Recipient, { entry, of }: Due): void {
    const { queue, send } = this.#options;
    const open = typeof of === 'number' ? recipient.take(entry.position) : recipient.takeAgain(of);
    recipient.delivery = 'idle';
    queue(recipient);
    send(recipient, entry, open);
  }

  /** Whoever has several turns holds a spare slot for each but one. */
  #giveBack({ delivery, host }: Recipient, inFlight: number): void {
    const hasTurn = delivery === 'queued' || delivery === 'sending';
    if (inFlight > 0 || hasTurn) this.#spare.give(host);
  }
}
