import { childHeaders, type Clock, type Random } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import { traceOf, type Entry, type Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import type { Seal } from '../subscription/sealed-secret.js';
import type { Topic } from '../topic/topic.js';
import type { Backlog } from './backlog.js';
import { CANARY_HOST } from './canary.js';
import type { Attempt, Courier } from './courier.js';
import { Extras, type ExtraOutcome } from './extras.js';
import { FailingTurns } from './failing-turns.js';
import { HostHealth, turnOutcomeOf, type BreakerCounts } from './host-health.js';
import type { PlaceSaver } from './place-saver.js';
import { Pump } from './pump.js';
import type { DeliveryOutcome } from './sender.js';
import { isOpen, type Owed, type Settlement } from './settlement.js';
import { Wakings } from './wakings.js';
import type { WindowBacklog } from './window-backlog.js';
import { WindowedDeliveries } from './windowed-deliveries.js';

export interface DeliveriesOptions {
  readonly backlog: Backlog;
  readonly windows: WindowBacklog;
  readonly courier: Courier;
  readonly settlement: Settlement;
  readonly places: PlaceSaver;
  readonly seal: Seal;
  readonly perHost: number;
  readonly inAll: number;
  /** Of `perHost`, before it is known whether the host takes its time. */
  readonly perHostAtFirst?: number;
  /** Of `inAll`, before it is known whether hosts are waited for. */
  readonly inAllAtFirst?: number;
  /** Milliseconds in which that is seen. */
  readonly lookEveryMs?: number;
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

const STORE_FAULT_PAUSE_MS = 1_000;

/**
 * Gives each recipient what follows its position, one request at a time, until it is caught up (LAW 2, LAW 3); whose topic's
 * policy is `unordered` has {@link WindowedDeliveries}.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #pump: Pump<Recipient>;
  readonly #failing: FailingTurns;
  readonly #wakings: Wakings;
  readonly #health: HostHealth | undefined;
  readonly #windowed: WindowedDeliveries;
  readonly #extras = new Extras();
  #stopped = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    // Callbacks that hang may hold every slot; that is no fault of the hub, and the canary must not tell of one.
    this.#pump = new Pump({
      ...options,
      hostApart: CANARY_HOST,
      start: (recipient) => this.#start(recipient),
    });
    this.#failing = new FailingTurns({
      ...options,
      hostApart: CANARY_HOST,
      queue: (recipient) => this.#pump.add(recipient.host, recipient),
    });
    this.#wakings = new Wakings({
      ...options,
      wake: (recipient, now) => void this.#queueIfReady(recipient, now),
      onSome: () => this.#pump.run(),
    });
    const onRelease = (recipient: Recipient): boolean => this.#release(recipient);
    this.#windowed = new WindowedDeliveries({
      ...options,
      queue: (recipient) => {
        if (this.#queueIfReady(recipient, options.clock.now())) this.#pump.rest();
      },
      send: (recipient, entry, open) => this.#send(recipient, entry, open.attempts + 1, open),
      onNothing: (recipient) => this.#end(recipient, null, 0, undefined),
      onFault: (recipient, error) => this.#onFault(recipient, error),
    });
    this.#health = options.breaker ? new HostHealth({ ...options, onRelease }) : undefined;
  }

  get inFlight(): number {
    return this.#pump.inFlight;
  }

  get waiting(): number {
    return this.#pump.waiting + this.#failing.waiting;
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
    this.#wakings.add(topic);
  }

  /** Something about the recipient changed, or its time has come. */
  consider(recipient: Recipient): void {
    this.#queueIfReady(recipient, this.#options.clock.now());
    this.#pump.run();
  }

  /** The callback has answered something else than a delivery: what was kept back because it failed need not wait. */
  revive(recipient: Recipient): void {
    this.#health?.answered(recipient.subscription.callback);
    this.#options.settlement.forgetFailure(recipient);
  }

  /** Everything after the position is given again. Settles when that is on stable storage; rejects when the store fails. */
  async rewind(recipient: Recipient, position: Position): Promise<void> {
    recipient.rewind(position);
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
    const isFree =
      recipient.delivery === 'idle' &&
      recipient.window === undefined &&
      recipient.isOpen(now) &&
      !recipient.isOwed(now);
    if (this.#stopped || !isFree || this.holdOf(recipient.subscription.callback) !== undefined)
      return Promise.resolve('not-now');
    const outcome = this.#extras.begin(recipient, { entry, attempt });
    recipient.delivery = 'queued';
    this.#pump.add(recipient.host, recipient);
    this.#pump.run();
    return outcome;
  }

  /** Starts no further request; settles when those in flight have settled. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#health?.stop();
    this.#wakings.stop();
    return this.#pump.stop();
  }

  #queueIfReady(recipient: Recipient, now: number): boolean {
    if (!recipient.isReady(now) || !this.#windowed.reserve(recipient)) return false;
    recipient.delivery = 'queued';
    if (recipient.failure === null) this.#pump.add(recipient.host, recipient);
    else this.#failing.add(recipient);
    return true;
  }

  #start(recipient: Recipient): void {
    if (this.#health === undefined || this.#health.admit(recipient)) {
      this.#take(recipient);
      return;
    }
    recipient.delivery = 'held';
    this.#windowed.leave(recipient);
    this.#failing.end(recipient);
    this.#pump.release(recipient.host);
    this.#extras.end(recipient, 'not-now');
  }

  /** Its origin is tried again, or has recovered. */
  #release(recipient: Recipient): boolean {
    recipient.delivery = 'idle';
    const goesOn = this.#queueIfReady(recipient, this.#options.clock.now());
    this.#options.onSettled(recipient);
    if (goesOn) this.#pump.rest();
    return goesOn;
  }

  /** Most of what is owed is in memory: nothing is awaited for it. */
  #take(recipient: Recipient): void {
    const { backlog, mayReceive } = this.#options;
    const isExtra = this.#extras.of(recipient) !== undefined;
    if (recipient.isWindowed && !isExtra) {
      this.#windowed.take(recipient);
      return;
    }
    recipient.delivery = 'sending';
    const entry = isExtra ? undefined : backlog.peek(recipient);
    if (entry === undefined || !mayReceive(recipient)) void this.#look(recipient);
    else this.#send(recipient, entry, recipient.attempts + 1, recipient.position);
  }

  async #look(recipient: Recipient): Promise<void> {
    const { clock, backlog, mayReceive, onForbidden } = this.#options;
    const extra = this.#extras.of(recipient);
    try {
      // Things may have changed while it waited for its turn (LAW 4).
      const owed =
        extra === undefined && recipient.isOwed(clock.now()) ? await backlog.next(recipient) : extra?.entry;
      if (owed !== undefined && !mayReceive(recipient)) await onForbidden(recipient);
      else if (owed !== undefined && recipient.isOpen(clock.now())) {
        const from = extra === undefined ? recipient.position : null;
        this.#send(recipient, owed, extra?.attempt ?? recipient.attempts + 1, from);
        return;
      }
    } catch (error) {
      this.#onFault(recipient, error);
    }
    this.#end(recipient, null, 0, undefined);
  }

  #send(recipient: Recipient, entry: Entry, attempt: number, owed: Owed): void {
    const { courier, clock, random, seal } = this.#options;
    const trace = traceOf(entry);
    const made: Attempt = {
      entry,
      attempt,
      trace: trace && childHeaders(trace, random),
      startedAt: clock.monotonic(),
    };
    try {
      const delivery = {
        callback: recipient.subscription.callback,
        host: recipient.host,
        secret: recipient.secret(seal),
        webhookSignature: recipient.subscription.lease?.webhookSignature ?? false,
        authorization: recipient.authorization(seal),
        made,
        now: clock.now(),
      };
      courier.deliver(delivery, (outcome) => this.#settle(recipient, owed, made, outcome));
    } catch (error) {
      this.#onFault(recipient, error);
      this.#end(recipient, owed, made.startedAt, undefined);
    }
  }

  #settle(recipient: Recipient, owed: Owed, made: Attempt, outcome: DeliveryOutcome): void {
    const isKnown = isOpen(owed) && outcome.kind === 'failed' && !recipient.noteFailure(owed);
    const news = isKnown ? undefined : outcome;
    let settled: Promise<void> | undefined;
    try {
      settled = this.#options.settlement.settle(recipient, owed, made, outcome);
    } catch (error) {
      this.#onFault(recipient, error);
    }
    if (settled === undefined) this.#end(recipient, owed, made.startedAt, news);
    else
      void settled
        .catch((error: unknown) => this.#onFault(recipient, error))
        .finally(() => this.#end(recipient, owed, made.startedAt, news));
  }

  /** The store is broken: nothing is marked as done, and the recipient is looked at again after a while. */
  #onFault(recipient: Recipient, error: unknown): void {
    const { clock, events } = this.#options;
    recipient.retryAt = clock.now() + STORE_FAULT_PAUSE_MS;
    events.emit('fault', { where: 'delivery', error });
  }

  /** The turn is over; `outcome` when that says anything about the origin. */
  #end(recipient: Recipient, owed: Owed, startedAt: number, outcome: DeliveryOutcome | undefined): void {
    if (isOpen(owed)) this.#windowed.land(recipient, owed);
    else {
      recipient.delivery = 'idle';
      this.#extras.end(recipient, outcome?.kind ?? 'not-now');
    }
    this.#health?.settled(recipient, startedAt, turnOutcomeOf(outcome));
    this.#failing.end(recipient);
    this.#queueIfReady(recipient, this.#options.clock.now());
    this.#options.onSettled(recipient);
    this.#pump.release(recipient.host);
  }
}
