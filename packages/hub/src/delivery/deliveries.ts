import { childHeaders, type Clock, type Random } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import { traceOf, type Entry, type Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import type { Seal } from '../subscription/sealed-secret.js';
import type { Topic } from '../topic/topic.js';
import type { Backlog } from './backlog.js';
import { CANARY_HOST } from './canary.js';
import type { Courier, DeliveryOutcome } from './courier.js';
import { HostHealth, type BreakerCounts, type TurnOutcome } from './host-health.js';
import { HostTurns } from './host-turns.js';
import type { PlaceSaver } from './place-saver.js';
import type { Attempt, Settlement } from './settlement.js';

export interface DeliveriesOptions {
  readonly backlog: Backlog;
  readonly courier: Courier;
  readonly settlement: Settlement;
  readonly places: PlaceSaver;
  readonly seal: Seal;
  readonly perHost: number;
  readonly inAll: number;
  /** Spare origins that fail. */
  readonly breaker: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
  /** Whether the recipient may be given what it is owed at this moment (LAW 13). */
  readonly mayReceive: (recipient: Recipient) => boolean;
  /** It may not; settles when what follows from that is durable. */
  readonly onForbidden: (recipient: Recipient) => Promise<void>;
  /** The recipient may want attention at another time. */
  readonly onSettled: (recipient: Recipient) => void;
}

/** What came of an entry that was sent out of its turn; `not-now`: nothing was sent. */
export type ExtraOutcome = DeliveryOutcome['kind'] | 'not-now';

/** An entry to be sent to a recipient that is owed nothing else at the moment. */
interface Extra extends Pick<Attempt, 'entry' | 'attempt'> {
  readonly settled: (outcome: ExtraOutcome) => void;
}

const STORE_FAULT_PAUSE_MS = 1_000;
const SLICE_MS = 4;

/** Gives each recipient what follows its position, one request at a time, until it is caught up (LAW 2, LAW 3). */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #turns: HostTurns<Recipient>;
  readonly #health: HostHealth | undefined;
  readonly #extras = new Map<Recipient, Extra>();
  #stopped = false;
  /** The next slice is on its way. */
  #resting = false;
  #onIdle: (() => void) | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    // Callbacks that hang may hold every slot; that is no fault of the hub, and the canary must not tell of one.
    this.#turns = new HostTurns(options.perHost, options.inAll, CANARY_HOST);
    const onRelease = (recipient: Recipient): boolean => this.#release(recipient);
    this.#health = options.breaker ? new HostHealth({ ...options, onRelease }) : undefined;
  }

  get inFlight(): number {
    return this.#turns.inFlight;
  }

  get waiting(): number {
    return this.#turns.waiting;
  }

  /** Recipients that wait for their origin to recover. */
  get held(): number {
    return this.#health?.heldRecipients ?? 0;
  }

  /** Origins of callbacks that are spared at the moment. */
  get breakers(): BreakerCounts {
    return this.#health?.breakers ?? { open: 0, probing: 0 };
  }

  /** Milliseconds until an origin that is spared is tried again; `undefined` when it is not spared. */
  holdOf(callback: string): number | undefined {
    return this.#health?.holdOf(callback);
  }

  /** The topic has a new entry. */
  wake(topic: Topic): void {
    const now = this.#options.clock.now();
    for (const recipient of topic.recipients.values()) this.#queueIfReady(recipient, now);
    // The publisher's answer goes first.
    this.#rest();
  }

  /** Something about the recipient changed, or its time has come. */
  consider(recipient: Recipient): void {
    this.#queueIfReady(recipient, this.#options.clock.now());
    this.#pump();
  }

  /** The callback has answered something else than a delivery: what was kept back because it failed need not wait. */
  revive(recipient: Recipient): void {
    this.#health?.answered(recipient.subscription.callback);
    this.#options.settlement.forgetFailure(recipient);
  }

  /** Everything after the position is given again. Settles when that is on stable storage; rejects when the store fails. */
  async rewind(recipient: Recipient, position: Position): Promise<void> {
    recipient.moveTo(position);
    await this.#options.places.saveNow(recipient);
    this.consider(recipient);
    this.#options.onSettled(recipient);
  }

  /**
   * Sends an entry out of its turn, once: only while the recipient is owed nothing else, so that the order of what is new
   * stays (LAW 3). Never rejects.
   */
  sendExtra(recipient: Recipient, entry: Entry, attempt: number): Promise<ExtraOutcome> {
    const now = this.#options.clock.now();
    const isFree = recipient.delivery === 'idle' && recipient.isOpen(now) && !recipient.isOwed(now);
    if (this.#stopped || !isFree || this.holdOf(recipient.subscription.callback) !== undefined)
      return Promise.resolve('not-now');
    return new Promise((settled) => {
      this.#extras.set(recipient, { entry, attempt, settled });
      recipient.delivery = 'queued';
      this.#turns.add(recipient.host, recipient);
      this.#pump();
    });
  }

  /** Starts no further request; settles when those in flight have settled. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#health?.stop();
    return new Promise((resolve) => {
      if (this.#turns.inFlight === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  #queueIfReady(recipient: Recipient, now: number): boolean {
    if (!recipient.isReady(now)) return false;
    recipient.delivery = 'queued';
    this.#turns.add(recipient.host, recipient);
    return true;
  }

  /** Starts what may start, a slice at a time: publishers and subscribers get their answers in between. */
  #pump(): void {
    if (this.#stopped || this.#resting) return;
    const { clock } = this.#options;
    const endsAt = clock.monotonic() + SLICE_MS;
    this.#turns.serve(
      (recipient) => this.#start(recipient),
      () => clock.monotonic() <= endsAt,
    );
    if (this.#turns.canServe) this.#rest();
  }

  /** Goes on after everything that is ready in this turn of the event loop. */
  #rest(): void {
    if (this.#resting) return;
    this.#resting = true;
    setImmediate(() => {
      this.#resting = false;
      this.#pump();
    });
  }

  #start(recipient: Recipient): void {
    if (this.#health === undefined || this.#health.admit(recipient)) {
      void this.#take(recipient);
      return;
    }
    recipient.delivery = 'held';
    this.#turns.release(recipient.host);
    this.#endExtra(recipient, 'not-now');
  }

  /** Its origin is tried again, or has recovered. */
  #release(recipient: Recipient): boolean {
    recipient.delivery = 'idle';
    const goesOn = this.#queueIfReady(recipient, this.#options.clock.now());
    this.#options.onSettled(recipient);
    if (goesOn) this.#rest();
    return goesOn;
  }

  async #take(recipient: Recipient): Promise<void> {
    const { clock, random, events, backlog, mayReceive, onForbidden } = this.#options;
    const startedAt = clock.monotonic();
    const extra = this.#extras.get(recipient);
    let outcome: DeliveryOutcome | undefined;
    recipient.delivery = 'sending';
    try {
      // Things may have changed while it waited for its turn (LAW 4).
      const owed =
        extra === undefined && recipient.isOwed(clock.now()) ? await backlog.next(recipient) : extra?.entry;
      if (owed !== undefined && !mayReceive(recipient)) await onForbidden(recipient);
      else if (owed !== undefined && recipient.isOpen(clock.now())) {
        const made: Attempt = {
          entry: owed,
          attempt: extra?.attempt ?? recipient.attempts + 1,
          trace: childHeaders(traceOf(owed), random),
          startedAt: clock.monotonic(),
        };
        const from = recipient.position;
        outcome = await this.#send(recipient, made);
        await this.#options.settlement.settle(recipient, extra === undefined ? from : null, made, outcome);
      }
    } catch (error) {
      // The store is broken: nothing is marked as done, and the recipient is looked at again after a while.
      recipient.retryAt = clock.now() + STORE_FAULT_PAUSE_MS;
      events.emit('fault', { where: 'delivery', error });
    } finally {
      recipient.delivery = 'idle';
      this.#endExtra(recipient, outcome?.kind ?? 'not-now');
      this.#turns.release(recipient.host);
      this.#health?.settled(recipient, startedAt, hostOutcomeOf(outcome));
      this.#queueIfReady(recipient, clock.now());
      this.#options.onSettled(recipient);
      this.#pump();
      if (this.#stopped && this.#turns.inFlight === 0) this.#onIdle?.();
    }
  }

  #send(recipient: Recipient, { entry, attempt, trace }: Attempt): Promise<DeliveryOutcome> {
    const { callback } = recipient.subscription;
    const { courier, clock, seal } = this.#options;
    return courier.deliver({
      entry,
      callback,
      secret: recipient.secret(seal),
      authorization: recipient.authorization(seal),
      attempt,
      now: clock.now(),
      trace,
    });
  }

  #endExtra(recipient: Recipient, outcome: ExtraOutcome): void {
    this.#extras.get(recipient)?.settled(outcome);
    this.#extras.delete(recipient);
  }
}

/**
 * What an attempt says about the origin: that it does not answer, or is overloaded or broken. Any other status is about
 * this one callback, and must not hold up its neighbours (LAW 7).
 */
function hostOutcomeOf(outcome: DeliveryOutcome | undefined): TurnOutcome {
  if (outcome === undefined) return 'nothing-sent';
  if (outcome.kind !== 'failed') return 'answered';
  const { status, overloaded } = outcome;
  return status === 0 || status >= 500 || overloaded ? 'failed' : 'answered';
}
