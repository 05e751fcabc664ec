import { statusClass, type Clock, type OutcomeClass, type Random } from '@websub/shared';
import type { DeliveryAttempt, HubEmitter } from '../events.js';
import type { Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import { isSuspended } from '../subscription/subscription.js';
import type { WindowEntry } from '../subscription/window.js';
import type { Backlog } from './backlog.js';
import type { Attempt } from './courier.js';
import { undelivered, type DeadLetterBox } from './dead-letter-box.js';
import { patience, windowPause, type FailedAttempt, type PatienceOptions, type Verdict } from './patience.js';
import type { PlaceSaver } from './place-saver.js';
import type { DeliveryOutcome } from './sender.js';

export interface SettlementOptions {
  readonly backlog: Backlog;
  readonly letters: DeadLetterBox;
  readonly places: PlaceSaver;
  readonly patience: PatienceOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
  /** The callback answered 410; settles when the end of its subscription is durable. */
  readonly onGone: (recipient: Recipient) => Promise<void>;
  /** Deliveries have failed for days, or succeed again; settles when that is durable. */
  readonly onSuspended: (recipient: Recipient) => Promise<void>;
  readonly onRecovered: (recipient: Recipient) => Promise<void>;
}

type Failed = Extract<DeliveryOutcome, { kind: 'failed' }>;
type Suspension = FailedAttempt['suspension'];

/** What an attempt is of: the entry that follows this position, one of a window, or one out of its turn. */
export type Owed = Position | WindowEntry | null;

/** Draws the consequences of an attempt: on to the next entry, again later, or a dead letter. */
export class Settlement {
  readonly #options: SettlementOptions;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /**
   * Out of its turn it moves nothing. What the attempt means is done at once, or when the promise settles; it rejects when
   * the store fails.
   */
  settle(
    recipient: Recipient,
    owed: Owed,
    made: Attempt,
    outcome: DeliveryOutcome,
  ): Promise<void> | undefined {
    switch (outcome.kind) {
      case 'delivered':
        if (isOpen(owed)) this.#settleOpen(recipient, owed);
        else if (owed !== null) this.#options.backlog.moveOn(recipient, owed, made.entry.position);
        return this.#delivered(recipient, owed, made, outcome);
      case 'gone':
        this.#options.events.emit('delivery-failed', {
          detail: 'answered 410',
          retryInMs: null,
          ...this.#told(recipient, owed === null, made, outcome),
        });
        return this.#options.onGone(recipient);
      case 'failed':
        if (isOpen(owed)) return this.#failedOpen(recipient, owed, made, outcome);
        if (owed !== null) return this.#failed(recipient, owed, made, outcome);
        this.#note(recipient, true, made, outcome, null);
        return undefined;
    }
  }

  /** The callback is there (again): what failed before is forgotten, and what waits because of it need not. */
  forgetFailure(recipient: Recipient): void {
    if (recipient.failure === null) return;
    recipient.forgetFailure();
    this.#options.places.changed(recipient);
  }

  #delivered(
    recipient: Recipient,
    owed: Owed,
    made: Attempt,
    outcome: DeliveryOutcome,
  ): Promise<void> | undefined {
    const { events, onRecovered } = this.#options;
    // The hub's own are nobody's news.
    if (made.entry.passing !== true)
      events.emit('entry-delivered', this.#told(recipient, owed === null, made, outcome));
    // Of a window it began, maybe, before another was told to wait.
    if (isOpen(owed)) recipient.noteSuccess();
    else this.forgetFailure(recipient);
    const { lease } = recipient.subscription;
    return lease !== null && isSuspended(lease) ? onRecovered(recipient) : undefined;
  }

  /** Puts a failure on record; what follows from it is another matter. */
  #note(
    recipient: Recipient,
    outOfTurn: boolean,
    made: Attempt,
    outcome: Failed,
    retryInMs: number | null,
  ): void {
    const { clock, events, places } = this.#options;
    const { status, detail } = outcome;
    const at = clock.now();
    recipient.failure = { since: recipient.failure?.since ?? at, at, status, detail };
    places.changed(recipient);
    // In this order, as in all here: what is added behind `...` gives each object a hidden class of its own, which takes 0.4 µs.
    events.emit('delivery-failed', {
      detail,
      retryInMs,
      ...this.#told(recipient, outOfTurn, made, outcome),
    });
  }

  /** What events say of an attempt. */
  #told(
    { subscription }: Recipient,
    outOfTurn: boolean,
    made: Attempt,
    outcome: DeliveryOutcome,
  ): DeliveryAttempt {
    const { clock } = this.#options;
    return {
      subscription: subscription.id,
      topic: subscription.topic,
      callback: subscription.callback,
      entry: made.entry.id,
      attempt: made.attempt,
      outcome: classOf(outcome),
      status: outcome.status,
      durationMs: clock.monotonic() - made.startedAt,
      latencyMs: clock.now() - made.entry.publishedAt,
      outOfTurn,
      traceparent: made.trace?.traceparent,
    };
  }

  async #failed(recipient: Recipient, from: Position, made: Attempt, outcome: Failed): Promise<void> {
    const { backlog, clock } = this.#options;
    const { entry, attempt } = made;
    const suspension = this.#suspensionOf(recipient);
    const verdict = this.#verdict(suspension, made, outcome);
    this.#note(recipient, false, made, outcome, verdict.kind === 'retry' ? verdict.delayMs : null);
    // The place has moved: what this attempt was of is not what comes next.
    if (recipient.position !== from) return;
    recipient.attempts = attempt;
    if (verdict.kind === 'give-up') {
      const { detail } = outcome;
      await backlog.giveUp(recipient, from, [
        undelivered(entry, { reason: 'gave-up', detail, attempts: attempt }),
      ]);
    }
    if (verdict.delayMs > 0) recipient.retryAt = clock.now() + verdict.delayMs;
    if (suspension !== 'none') await this.#options.onSuspended(recipient);
  }

  async #failedOpen(recipient: Recipient, open: WindowEntry, made: Attempt, outcome: Failed): Promise<void> {
    const { clock, random, places } = this.#options;
    const suspension = this.#suspensionOf(recipient);
    const verdict = this.#verdict(suspension, made, outcome);
    this.#note(recipient, false, made, outcome, verdict.kind === 'retry' ? verdict.delayMs : null);
    const pauseMs =
      suspension === 'none'
        ? windowPause(this.#options.patience, { failures: recipient.attempts, ...outcome }, random.fraction())
        : verdict.delayMs;
    if (pauseMs > 0) recipient.retryAt = Math.max(recipient.retryAt, clock.now() + pauseMs);
    open.attempts = made.attempt;
    if (verdict.kind === 'retry') open.dueAt = clock.now() + verdict.delayMs;
    else if (recipient.window?.open.includes(open) === true)
      await this.#giveUp(recipient, open, made, outcome);
    places.changed(recipient);
    if (suspension !== 'none') await this.#options.onSuspended(recipient);
  }

  async #giveUp(recipient: Recipient, open: WindowEntry, made: Attempt, { detail }: Failed): Promise<void> {
    const { entry, attempt: attempts } = made;
    // Recorded before the place moves: a crash in between records it twice under one id rather than never.
    await this.#options.letters.add(recipient, [undelivered(entry, { reason: 'gave-up', detail, attempts })]);
    this.#settleOpen(recipient, open);
  }

  #settleOpen(recipient: Recipient, open: WindowEntry): void {
    if (recipient.settle(open)) this.#options.places.changed(recipient);
  }

  #verdict(suspension: Suspension, { attempt }: Attempt, outcome: Failed): Verdict {
    const { patience: options, random } = this.#options;
    return patience(options, { attempts: attempt, suspension, ...outcome }, random.fraction());
  }

  #suspensionOf({ subscription, failure }: Recipient): Suspension {
    if (subscription.lease !== null && isSuspended(subscription.lease)) return 'lasts';
    const { clock, patience: options } = this.#options;
    return failure !== null && clock.now() - failure.since >= options.suspendAfterMs ? 'begins' : 'none';
  }
}

export function isOpen(owed: Owed): owed is WindowEntry {
  return typeof owed === 'object' && owed !== null;
}

function classOf(outcome: DeliveryOutcome): OutcomeClass {
  return outcome.kind === 'failed' && outcome.reason !== 'status'
    ? outcome.reason
    : statusClass(outcome.status);
}
