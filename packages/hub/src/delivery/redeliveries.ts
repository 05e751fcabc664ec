import type { Clock } from '@websub/shared';
import { refOf, type HubEmitter } from '../events.js';
import type { Log } from '../log/log.js';
import type { DeadLetter, DeadLetterFilter, Registry } from '../subscription/registry.js';
import type { Roll } from '../subscription/roll.js';
import type { DeadLetterBox } from './dead-letter-box.js';
import type { Deliveries } from './deliveries.js';

export interface RedeliveriesOptions {
  readonly registry: Registry;
  readonly letters: DeadLetterBox;
  readonly log: Log;
  readonly roll: Roll;
  readonly deliveries: Deliveries;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

/** One subscription after the other has its turn, so that one with many letters does not hold up the rest. */
const SUBSCRIPTIONS_AT_ONCE = 8;
const LETTERS_EACH = 20;
/** Between two letters of one subscription: with eight at once, 100 letters a second in all. */
const PACE_MS = 80;
const WHEN_NOBODY_IS_FREE_MS = 1_000;

/**
 * Delivers dead letters again, in log order within a subscription, slowly, and only to who is owed nothing else: what is
 * new goes first and keeps its order. Each letter is tried once; it goes when it is delivered, and stays when it is not.
 */
export class Redeliveries {
  readonly #options: RedeliveriesOptions;
  #after = '';
  #running = false;
  #stopped = false;

  constructor(options: RedeliveriesOptions) {
    this.#options = options;
  }

  /** Asks for letters to be delivered again; settles with their number when that is on stable storage. */
  async ask(filter: DeadLetterFilter | { readonly id: string }): Promise<number> {
    const asked = await this.#options.registry.askRedelivery(filter, this.#options.clock.now());
    this.wake();
    return asked;
  }

  /** Goes on with what was asked for, in this run of the hub or in the last one. */
  wake(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#work().finally(() => {
      this.#running = false;
    });
  }

  /** Starts no further attempt; what was asked for goes on after the next start. */
  stop(): void {
    this.#stopped = true;
  }

  async #work(): Promise<void> {
    let tried = false;
    // Ends when nothing is asked for any more; a pass without anybody free is followed by a rest.
    while (!this.#stopped) {
      const letters = await this.#next();
      if (letters.length === 0 && this.#after === '') return;
      if (letters.length === 0) {
        this.#after = '';
        if (!tried) await this.#pause(WHEN_NOBODY_IS_FREE_MS);
        tried = false;
      } else {
        this.#after = letters.at(-1)!.subscription;
        const results = await Promise.all(bySubscription(letters).map((each) => this.#redeliver(each)));
        tried ||= results.includes(true);
      }
    }
  }

  async #next(): Promise<readonly DeadLetter[]> {
    const { registry } = this.#options;
    // Each round asks the store once more after a rest, until it answers.
    for (;;) {
      try {
        return await registry.listRedeliveries(this.#after, SUBSCRIPTIONS_AT_ONCE, LETTERS_EACH);
      } catch (error) {
        await this.#rest(error);
        if (this.#stopped) return [];
      }
    }
  }

  async #rest(error: unknown): Promise<void> {
    this.#options.events.emit('fault', { where: 'redelivery', error });
    await this.#pause(WHEN_NOBODY_IS_FREE_MS);
  }

  /** True when something was tried. */
  async #redeliver(letters: readonly DeadLetter[]): Promise<boolean> {
    let tried = false;
    try {
      for (const letter of letters) {
        if (this.#stopped || !(await this.#tryOnce(letter))) break;
        tried = true;
        await this.#pause(PACE_MS);
      }
    } catch (error) {
      await this.#rest(error);
    }
    return tried;
  }

  /** False when this is not the time for it. */
  async #tryOnce(letter: DeadLetter): Promise<boolean> {
    const { registry, log, roll, deliveries, events } = this.#options;
    // Whoever has subscribed anew is the one to be given it.
    const recipient = roll.find(letter.topic, letter.callback);
    const entry = letter.entry === null ? undefined : await log.find(letter.topic, letter.position);
    if (recipient?.subscription.lease == null)
      return this.#putBack(letter, 'the subscription has ended: let the subscriber subscribe again');
    if (entry === undefined || entry.corrupt)
      return this.#putBack(letter, 'the entry is no longer in the log');
    const outcome = await deliveries.sendExtra(recipient, entry, letter.attempts + 1);
    switch (outcome) {
      case 'not-now':
        return false;
      case 'delivered':
        await registry.removeDeadLetter(letter.id);
        events.emit('dead-letter-redelivered', { ...refOf(recipient.subscription), entry: entry.id });
        return true;
      case 'gone':
        return this.#putBack(letter, 'answered 410');
      case 'failed':
        return this.#putBack(
          { ...letter, attempts: letter.attempts + 1 },
          recipient.failure?.detail ?? letter.detail,
        );
    }
  }

  /** It stays a dead letter, and is not tried again until somebody asks. */
  async #putBack(letter: DeadLetter, detail: string): Promise<boolean> {
    await this.#options.letters.putBack({ ...letter, detail });
    return true;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(ms, resolve);
    });
  }
}

function bySubscription(letters: readonly DeadLetter[]): readonly (readonly DeadLetter[])[] {
  const groups = new Map<string, DeadLetter[]>();
  for (const letter of letters) {
    const group = groups.get(letter.subscription);
    if (group === undefined) groups.set(letter.subscription, [letter]);
    else group.push(letter);
  }
  return [...groups.values()];
}
