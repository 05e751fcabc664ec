import { childHeaders, type Clock, type Random } from '@websub/shared';
import { refOf, type HubEmitter } from '../events.js';
import type { HotTail } from '../log/hot-tail.js';
import { traceOf, type Entry, type Position } from '../log/log.js';
import type { Recipient } from '../subscription/recipient.js';
import type { DeadLetter, Registry } from '../subscription/registry.js';
import type { Topic } from '../topic/topic.js';
import type { Courier, DeliveryOutcome } from './courier.js';
import { HostTurns } from './host-turns.js';
import { patience, type PatienceOptions } from './patience.js';
import type { PlaceSaver } from './place-saver.js';

export interface DeliveriesOptions {
  readonly log: HotTail;
  readonly registry: Registry;
  readonly courier: Courier;
  readonly places: PlaceSaver;
  readonly patience: PatienceOptions;
  readonly perHost: number;
  readonly inAll: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
  /** The callback answered 410; settles when the end of its subscription is durable. */
  readonly onGone: (recipient: Recipient) => Promise<void>;
  /** The recipient may want attention at another time. */
  readonly onSettled: (recipient: Recipient) => void;
}

const STORE_FAULT_PAUSE_MS = 1_000;
const SLICE_MS = 4;

/** Gives each recipient what follows its position, one request at a time, until it is caught up (LAW 2, LAW 3). */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #turns: HostTurns<Recipient>;
  #stopped = false;
  /** The next slice is on its way. */
  #resting = false;
  #onIdle: (() => void) | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#turns = new HostTurns(options.perHost, options.inAll);
  }

  get inFlight(): number {
    return this.#turns.inFlight;
  }

  get waiting(): number {
    return this.#turns.waiting;
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

  /** Starts no further request; settles when those in flight have settled. */
  stop(): Promise<void> {
    this.#stopped = true;
    return new Promise((resolve) => {
      if (this.#turns.inFlight === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  #queueIfReady(recipient: Recipient, now: number): void {
    if (!recipient.isReady(now)) return;
    recipient.delivery = 'queued';
    this.#turns.add(recipient.host, recipient);
  }

  /** Starts what may start, a slice at a time: publishers and subscribers get their answers in between. */
  #pump(): void {
    if (this.#stopped || this.#resting) return;
    const { clock } = this.#options;
    const endsAt = clock.monotonic() + SLICE_MS;
    this.#turns.serve(
      (recipient) => void this.#take(recipient),
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

  async #take(recipient: Recipient): Promise<void> {
    const { clock, events } = this.#options;
    recipient.delivery = 'sending';
    try {
      // Things may have changed while it waited for its turn (LAW 4).
      if (recipient.isOwed(clock.now())) {
        const entry = await this.#next(recipient);
        if (entry !== undefined) await this.#deliver(recipient, entry);
      }
    } catch (error) {
      // The store is broken: nothing is marked as done, and the recipient is looked at again after a while.
      recipient.retryAt = clock.now() + STORE_FAULT_PAUSE_MS;
      events.emit('fault', { where: 'delivery', error });
    } finally {
      recipient.delivery = 'idle';
      this.#turns.release(recipient.host);
      this.#queueIfReady(recipient, clock.now());
      this.#options.onSettled(recipient);
      this.#pump();
      if (this.#stopped && this.#turns.inFlight === 0) this.#onIdle?.();
    }
  }

  /** The entry that follows the recipient's position, read past damaged and trimmed ones. */
  async #next(recipient: Recipient): Promise<Entry | undefined> {
    const { log, clock } = this.#options;
    const topic = recipient.topic.url;
    // Each round moves the position forward, so this ends.
    for (;;) {
      // Of before the read: whatever is appended during it is owed.
      const { newest } = recipient.topic;
      const hot = log.next(topic, recipient.position);
      const read = hot === 'cold' ? await log.fetch(topic, recipient.position) : hot;
      if (read === 'caught-up') {
        // Nothing follows although something was appended: it is gone, and looking again would find no more.
        this.#settleAt(recipient, newest);
        return undefined;
      }
      if ('gap' in read) {
        await this.#giveUp(recipient, {
          reason: 'trimmed',
          position: read.gap,
          entry: null,
          detail: 'retention removed entries',
        });
      } else if (read.corrupt) {
        await this.#giveUp(recipient, {
          reason: 'corrupt',
          position: read.position,
          entry: read.id,
          detail: 'the stored entry is damaged',
        });
      } else {
        // Reading may have taken a while; the lease may have ended meanwhile.
        return recipient.isOwed(clock.now()) ? read : undefined;
      }
    }
  }

  async #deliver(recipient: Recipient, entry: Entry): Promise<void> {
    const { courier, clock, random } = this.#options;
    const { callback, lease } = recipient.subscription;
    const outcome = await courier.deliver({
      entry,
      callback,
      secret: lease?.secret ?? null,
      attempt: recipient.attempts + 1,
      now: clock.now(),
      trace: childHeaders(traceOf(entry), random),
    });
    switch (outcome.kind) {
      case 'delivered':
        this.#delivered(recipient, entry);
        return;
      case 'gone':
        await this.#options.onGone(recipient);
        return;
      case 'failed':
        await this.#failed(recipient, entry, outcome);
    }
  }

  #delivered(recipient: Recipient, entry: Entry): void {
    const { clock, events } = this.#options;
    events.emit('entry-delivered', {
      ...refOf(recipient.subscription),
      entry: entry.id,
      attempt: recipient.attempts + 1,
      latencyMs: clock.now() - entry.publishedAt,
    });
    this.#settleAt(recipient, entry.position);
  }

  async #failed(
    recipient: Recipient,
    entry: Entry,
    outcome: Extract<DeliveryOutcome, { kind: 'failed' }>,
  ): Promise<void> {
    const { clock, random, events, places } = this.#options;
    const attempts = recipient.attempts + 1;
    const verdict = patience(this.#options.patience, { attempts, ...outcome }, random.fraction());
    events.emit('delivery-failed', {
      ...refOf(recipient.subscription),
      entry: entry.id,
      attempt: attempts,
      detail: outcome.detail,
      retryInMs: verdict.kind === 'retry' ? verdict.delayMs : null,
    });
    recipient.attempts = attempts;
    if (verdict.kind === 'retry') {
      recipient.retryAt = clock.now() + verdict.delayMs;
      places.changed(recipient);
    } else {
      await this.#giveUp(recipient, {
        reason: 'gave-up',
        position: entry.position,
        entry: entry.id,
        detail: outcome.detail,
      });
    }
  }

  /** The entry becomes a dead letter and the next one follows; the subscription stays until its lease ends (section 7). */
  async #giveUp(
    recipient: Recipient,
    { reason, position, entry, detail }: Pick<DeadLetter, 'reason' | 'position' | 'entry' | 'detail'>,
  ): Promise<void> {
    const { registry, clock, events } = this.#options;
    const ref = refOf(recipient.subscription);
    // Recorded before the position moves: a crash in between records it twice under one id rather than never.
    await registry.addDeadLetters([
      {
        id: `${ref.subscription}.${position}`,
        ...ref,
        position,
        entry,
        reason,
        detail,
        attempts: recipient.attempts,
        at: clock.now(),
      },
    ]);
    this.#settleAt(recipient, position);
    events.emit('dead-letter', { ...ref, entry, reason });
  }

  #settleAt(recipient: Recipient, position: Position): void {
    // The subscription may have ended and begun anew, further on, while the request was in flight.
    if (position <= recipient.position) return;
    recipient.position = position;
    recipient.attempts = 0;
    recipient.retryAt = 0;
    this.#options.places.changed(recipient);
  }
}
