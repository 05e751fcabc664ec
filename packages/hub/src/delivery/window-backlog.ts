import type { Clock } from '@websub/shared';
import type { HotTail } from '../log/hot-tail.js';
import type { Entry, Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import { isSuspended } from '../subscription/subscription.js';
import type { Window, WindowEntry } from '../subscription/window.js';
import { lossOf } from './backlog.js';
import { undelivered, type DeadLetterBox } from './dead-letter-box.js';
import type { PlaceSaver } from './place-saver.js';

export interface WindowBacklogOptions {
  readonly log: HotTail;
  readonly letters: DeadLetterBox;
  readonly places: PlaceSaver;
  readonly clock: Clock;
}

/** What a recipient is to be sent: what follows a position, for the first time, or what is open, again. */
export interface Due {
  readonly entry: Entry;
  readonly of: Position | WindowEntry;
}

/** What a recipient is sent that need not wait for what went before; nothing it passes over goes without a dead letter (LAW 2). */
export class WindowBacklog {
  readonly #options: WindowBacklogOptions;

  constructor(options: WindowBacklogOptions) {
    this.#options = options;
  }

  /** What is to be sent now, when that is new and in memory; else see {@link next}. */
  peek(recipient: Recipient): Due | undefined {
    const { log, clock } = this.#options;
    if (recipient.step(clock.now()) !== 'next') return undefined;
    const of = recipient.reach;
    const entry = log.next(recipient.topic.url, of);
    return typeof entry === 'object' && !entry.corrupt ? { entry, of } : undefined;
  }

  /** What is to be sent now, read past damaged and trimmed entries; rejects when the store fails. */
  async next(recipient: Recipient): Promise<Due | undefined> {
    // Each round moves the reach forward, settles an entry or dissolves the window, or is the last.
    for (;;) {
      const step = recipient.step(this.#options.clock.now());
      if (step === undefined) return undefined;
      if (step === 'dissolve') {
        await this.#dissolve(recipient);
        return undefined;
      }
      const due = step === 'next' ? await this.#first(recipient) : await this.#again(recipient, step);
      if (due !== undefined) return due;
    }
  }

  /**
   * Reading took a while: whether it is still what is to be sent. An operator may have moved the place or asked for order
   * again, the lease have ended.
   */
  isDue(recipient: Recipient, { of }: Due): boolean {
    const step = recipient.step(this.#options.clock.now());
    return step === 'next' ? recipient.reach === of : step === of;
  }

  /** What follows the reach; `undefined` when that was passed over. */
  async #first(recipient: Recipient): Promise<Due | undefined> {
    const { log, letters, places } = this.#options;
    const { reach } = recipient;
    // Of before the read: whatever is appended during it is owed.
    const { url, newest } = recipient.topic;
    const hot = log.next(url, reach);
    const read = hot === 'cold' ? await log.fetch(url, reach) : hot;
    if (typeof read === 'object' && !('gap' in read) && !read.corrupt) return { entry: read, of: reach };
    // Nothing follows although something was appended: it is gone, and looking again would find no more.
    let passed = newest;
    if (read !== 'caught-up') {
      const lost = lossOf(read, 0);
      await letters.add(recipient, [lost]);
      passed = lost.position;
    }
    // An operator may have moved it meanwhile.
    if (recipient.reach !== reach) return undefined;
    recipient.pass(passed);
    places.changed(recipient);
    return undefined;
  }

  /** An entry that was tried before; `undefined` when it is not to be had any more. */
  async #again(recipient: Recipient, open: WindowEntry): Promise<Due | undefined> {
    const { log, letters, places } = this.#options;
    const entry = await log.find(recipient.topic.url, open.position);
    if (entry !== undefined && !entry.corrupt) return { entry, of: open };
    await letters.add(recipient, [lossOf(entry ?? { gap: open.position }, open.attempts)]);
    if (recipient.settle(open)) places.changed(recipient);
    return undefined;
  }

  /** One place is to be enough again. */
  async #dissolve(recipient: Recipient): Promise<void> {
    const { window, subscription } = recipient;
    if (window === undefined) return;
    const { lease } = subscription;
    if (lease !== null && isSuspended(lease)) await this.#giveUpAll(recipient, window);
    // What is newer than all that was settled is given; of the others nothing is owed (LAW 2).
    else recipient.dissolve(window.settledThrough);
    this.#options.places.changed(recipient);
  }

  /** Each update of a suspended subscription is tried once: all these were. */
  async #giveUpAll(recipient: Recipient, window: Window): Promise<void> {
    const { log, letters } = this.#options;
    const detail = recipient.failure?.detail ?? 'suspended';
    const lost = [];
    for (const { position, attempts } of window.open) {
      const entry = await log.find(recipient.topic.url, position);
      lost.push(
        entry === undefined || entry.corrupt
          ? lossOf(entry ?? { gap: position }, attempts)
          : undelivered(entry, { reason: 'gave-up', detail, attempts }),
      );
    }
    await letters.add(recipient, lost);
    // An operator may have moved it meanwhile.
    if (recipient.window === window) recipient.moveTo(window.reach);
  }
}
