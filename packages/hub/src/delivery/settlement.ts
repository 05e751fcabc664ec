import { statusClass, type Clock, type OutcomeClass, type Random } from '@websub/shared';
import type { DeliveryAttempt, HubEmitter } from '../events.js';
import type { Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import { isSuspended } from '../subscription/subscription.js';
import type { Backlog } from './backlog.js';
import type { Attempt } from './courier.js';
import { undelivered } from './dead-letter-box.js';
import { patience, type PatienceOptions } from './patience.js';
import type { PlaceSaver } from './place-saver.js';
import type { DeliveryOutcome } from './sender.js';

export interface SettlementOptions {
  readonly backlog: Backlog;
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

/** Draws the consequences of an attempt: on to the next entry, again later, or a dead letter. */
export class Settlement {
  readonly #options: SettlementOptions;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /**
   * An attempt at the entry that follows `from`, or at one out of its turn (`null`), which moves nothing. What it means is
   * done at once, or when the promise settles; it rejects when the store fails.
   */
  settle(
    recipient: Recipient,
    from: Position | null,
    made: Attempt,
    outcome: DeliveryOutcome,
  ): Promise<void> | undefined {
    switch (outcome.kind) {
      case 'delivered':
        if (from !== null) this.#options.backlog.moveOn(recipient, from, made.entry.position);
        return this.#delivered(recipient, from === null, made, outcome);
      case 'gone':
        this.#options.events.emit('delivery-failed', {
          ...this.#told(recipient, from === null, made, outcome),
          detail: 'answered 410',
          retryInMs: null,
        });
        return this.#options.onGone(recipient);
      case 'failed':
        if (from !== null) return this.#failed(recipient, from, made, outcome);
        this.#note(recipient, true, made, outcome, null);
        return undefined;
    }
  }

  /** The callback is there (again): what failed before is forgotten, and what waits because of it need not. */
  forgetFailure(recipient: Recipient): void {
    if (recipient.failure === null) return;
    recipient.failure = null;
    recipient.retryAt = 0;
    this.#options.places.changed(recipient);
  }

  #delivered(
    recipient: Recipient,
    outOfTurn: boolean,
    made: Attempt,
    outcome: DeliveryOutcome,
  ): Promise<void> | undefined {
    const { events, onRecovered } = this.#options;
    // The hub's own are nobody's news.
    if (made.entry.passing !== true)
      events.emit('entry-delivered', this.#told(recipient, outOfTurn, made, outcome));
    this.forgetFailure(recipient);
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
    events.emit('delivery-failed', {
      ...this.#told(recipient, outOfTurn, made, outcome),
      detail,
      retryInMs,
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
    const { backlog, clock, random } = this.#options;
    const { entry, attempt } = made;
    const suspension = this.#suspensionOf(recipient);
    const verdict = patience(
      this.#options.patience,
      { ...outcome, attempts: attempt, suspension },
      random.fraction(),
    );
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

  #suspensionOf({ subscription, failure }: Recipient): 'none' | 'begins' | 'lasts' {
    if (subscription.lease !== null && isSuspended(subscription.lease)) return 'lasts';
    const { clock, patience: options } = this.#options;
    return failure !== null && clock.now() - failure.since >= options.suspendAfterMs ? 'begins' : 'none';
  }
}

function classOf(outcome: DeliveryOutcome): OutcomeClass {
  return outcome.kind === 'failed' && outcome.reason !== 'status'
    ? outcome.reason
    : statusClass(outcome.status);
}
