import type { Clock } from '@websub/shared';
import type { HotTail } from '../log/hot-tail.js';
import type { Entry, Position, ReadLimit } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import { isSuspended } from '../subscription/subscription.js';
import { undelivered, type DeadLetterBox, type Undelivered } from './dead-letter-box.js';
import type { PlaceSaver } from './place-saver.js';

export interface BacklogOptions {
  readonly log: HotTail;
  readonly letters: DeadLetterBox;
  readonly places: PlaceSaver;
  readonly clock: Clock;
}

/** What is skipped at once, at most. */
const SKIP_AT_ONCE: ReadLimit = { entries: 256, bytes: 4 * 1024 * 1024 };

/**
 * What a recipient is owed next, and how far it is: nothing it passes over goes without a dead letter, unless the topic's
 * policy is `latest` (LAW 2).
 */
export class Backlog {
  readonly #options: BacklogOptions;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** The entry that follows the recipient's position, when it is in memory and nothing stands before it; else see {@link next}. */
  peek(recipient: Recipient): Entry | undefined {
    const { lease } = recipient.subscription;
    if (lease === null || isSuspended(lease) || !recipient.isOwed(this.#options.clock.now()))
      return undefined;
    const { log } = this.#options;
    const { url, policy } = recipient.topic;
    const entry = policy === 'latest' ? log.newestOf(url) : log.next(url, recipient.position);
    return typeof entry === 'object' && !entry.corrupt ? entry : undefined;
  }

  /** The entry that follows the recipient's position, read past damaged and trimmed ones; rejects when the store fails. */
  async next(recipient: Recipient): Promise<Entry | undefined> {
    const { log, clock } = this.#options;
    const topic = recipient.topic.url;
    const { lease } = recipient.subscription;
    const isLatest = recipient.topic.policy === 'latest';
    if (lease !== null && isSuspended(lease) && !isLatest) await this.#skipToNewest(recipient);
    // Each round moves the position forward, or is the last.
    for (;;) {
      const from = recipient.position;
      // Of before the read: whatever is appended during it is owed.
      const { newest } = recipient.topic;
      // What lies between is passed over without a dead letter: that is what the policy says (LAW 2).
      const after = isLatest ? later(from, await log.last([topic], 1)) : from;
      const hot = log.next(topic, after);
      const read = hot === 'cold' ? await log.fetch(topic, after) : hot;
      if (read === 'caught-up') {
        // Nothing follows although something was appended: it is gone, and looking again would find no more.
        this.moveOn(recipient, from, newest);
        return undefined;
      }
      if ('gap' in read || read.corrupt) {
        if (!(await this.giveUp(recipient, from, [lossOf(read, recipient.attempts)]))) return undefined;
      } else {
        // Reading may have taken a while; the lease may have ended meanwhile, or an operator have moved the place.
        return recipient.position === from && recipient.isOwed(clock.now()) ? read : undefined;
      }
    }
  }

  /** The entries become dead letters and what follows them is next. False when the place has moved meanwhile. */
  async giveUp(recipient: Recipient, from: Position, lost: readonly Undelivered[]): Promise<boolean> {
    // Recorded before the position moves: a crash in between records it twice under one id rather than never.
    await this.#options.letters.add(recipient, lost);
    return this.moveOn(recipient, from, lost.at(-1)!.position);
  }

  /**
   * Everything up to `to` is settled. False, and nothing is done, when the place is not where it was: the subscription has
   * ended and begun anew, or an operator has moved it, while the request was in flight.
   */
  moveOn(recipient: Recipient, from: Position, to: Position): boolean {
    if (recipient.position !== from || to <= from) return false;
    recipient.moveTo(to);
    this.#options.places.changed(recipient);
    return true;
  }

  /** A suspended subscription is given the newest entry; the others are on record. */
  async #skipToNewest(recipient: Recipient): Promise<void> {
    const { url, newest } = recipient.topic;
    // Each round moves the position forward, or is the last.
    for (;;) {
      const from = recipient.position;
      const read = await this.#options.log.read([url], from, SKIP_AT_ONCE);
      if (read.kind !== 'entries') return;
      const skipped = read.entries.filter(({ position }) => position < newest);
      if (skipped.length === 0) return;
      const lost = skipped.map((entry, index) =>
        undelivered(entry, {
          reason: 'skipped',
          detail: 'suspended: a newer update went first',
          attempts: index === 0 ? recipient.attempts : 0,
        }),
      );
      if (!(await this.giveUp(recipient, from, lost)) || skipped.length < read.entries.length) return;
    }
  }
}

function later(a: Position, b: Position): Position {
  return a > b ? a : b;
}

/** What is missing instead of an entry. */
export function lossOf(read: Entry | { readonly gap: Position }, attempts: number): Undelivered {
  if ('gap' in read) {
    const detail = 'retention removed entries';
    return { reason: 'trimmed', detail, attempts, position: read.gap, entry: null, bytes: 0 };
  }
  return undelivered(read, { reason: 'corrupt', detail: 'the stored entry is damaged', attempts });
}
