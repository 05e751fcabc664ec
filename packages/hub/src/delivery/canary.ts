import { reasonOf, type CancelTimer, type Clock, type Random } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import type { Log } from '../log/log.js';
import { Recipient } from '../subscription/recipient.js';
import { newTopicRecord } from '../topic/topic-record.js';
import { Topic } from '../topic/topic.js';
import type { DeliveryOutcome, Parcel, Sender } from './sender.js';

export interface CanaryOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
  /** Milliseconds from the return of one to the next. */
  readonly everyMs: number;
}

/** Reserved by its scheme: nobody can subscribe or publish to a topic that is no http or https URL. */
export const CANARY_TOPIC = 'urn:websub:canary';
const CALLBACK = 'urn:websub:canary:callback';
/** No callback's: those have a port. */
export const CANARY_HOST = 'canary';

/** When one has not come round for so long, something is wrong. */
const LATE_MS = 30_000;
/** Another is sent when one has not come round by then: the first may be lost where nothing is kept of it. */
const NEXT_AFTER_MS = 5_000;
const NOT_STORED_PAUSE_MS = 1_000;
const LONGEST_START_MS = 1_000;
const ID_BYTES = 12;

/**
 * Goes the road of every update, now and then: appended to the log, durable, woken, given its turn, delivered. Only the last
 * step is another: the delivery is handed over in this process, since no network policy lets the hub connect to itself.
 */
export class Canary {
  readonly topic = new Topic(newTopicRecord(CANARY_TOPIC));
  readonly #options: CanaryOptions;
  /** Since when none has come round; `undefined` while nothing is awaited. */
  #awaitedSince: number | undefined;
  #storing = false;
  #late = false;
  #trouble = '';
  /** More about it, for the operator: it may name files. */
  #detail: string | undefined;
  #cancel: CancelTimer | undefined;
  #stopped = false;
  #onFirst: (() => void) | undefined;

  constructor(options: CanaryOptions) {
    this.#options = options;
  }

  /** What is wrong when none has come round for too long; `undefined` while all is well. */
  get complaint(): string | undefined {
    if (!this.#late || this.#awaitedSince === undefined) return undefined;
    const seconds = Math.round((this.#options.clock.monotonic() - this.#awaitedSince) / 1000);
    return `no update has come round inside the hub for ${seconds} s (${this.#trouble})`;
  }

  /** Settles when the first has come round, or after a second: then readiness tells. */
  start(): Promise<void> {
    const { log, clock } = this.#options;
    const head = log.head();
    // As an operator's, since other readers may be shut out.
    const principal = { kind: 'admin' } as const;
    const lease = { secret: null, seconds: Infinity, endsAt: Infinity, since: head, principal };
    const recipient = new Recipient(
      { id: CANARY_HOST, topic: CANARY_TOPIC, callback: CALLBACK, version: 0, lease, pending: null },
      this.topic,
      CANARY_HOST,
    );
    recipient.position = this.topic.newest = head;
    this.topic.recipients.set(CALLBACK, recipient);
    return new Promise((resolve) => {
      const cancel = clock.after(LONGEST_START_MS, resolve);
      this.#onFirst = () => {
        cancel();
        resolve();
      };
      void this.#send();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#onFirst?.();
  }

  /** Hands the canary's deliveries over to it, and leaves all others to `sender`. */
  on(sender: Sender): Sender {
    return {
      send: (parcel, sending, settled) => {
        if (sending.callback === CALLBACK) settled(this.#receive(parcel));
        else sender.send(parcel, sending, settled);
      },
    };
  }

  async #send(): Promise<void> {
    const { log, clock, random } = this.#options;
    const sentAt = clock.monotonic();
    if (this.#awaitedSince === undefined) {
      this.#awaitedSince = sentAt;
      this.#trouble = 'it waits for the disk';
    }
    this.#storing = true;
    this.#arm(NEXT_AFTER_MS);
    try {
      await log.append([
        {
          topic: CANARY_TOPIC,
          id: random.token(ID_BYTES),
          idempotent: false,
          passing: true,
          content: { body: Buffer.from(String(sentAt)), contentType: 'text/plain' },
          headers: {},
          publishedAt: clock.now(),
        },
      ]);
      this.#trouble = 'it waits for its turn to be delivered';
      this.#detail = undefined;
    } catch (error) {
      this.#trouble = 'it cannot be stored';
      this.#detail = reasonOf(error);
      this.#arm(NOT_STORED_PAUSE_MS);
      this.#onFirst?.();
    } finally {
      this.#storing = false;
    }
  }

  #receive({ body }: Parcel): DeliveryOutcome {
    const { clock, events, everyMs } = this.#options;
    const sentAt = Number(Buffer.from(body).toString());
    events.emit('canary-returned', { latencyMs: clock.monotonic() - sentAt });
    this.#awaitedSince = undefined;
    this.#late = false;
    this.#arm(everyMs);
    this.#onFirst?.();
    return { kind: 'delivered', status: 204 };
  }

  #arm(delayMs: number): void {
    this.#cancel?.();
    if (!this.#stopped) this.#cancel = this.#options.clock.after(delayMs, () => this.#onTime());
  }

  #onTime(): void {
    const { clock, events } = this.#options;
    const awaitedMs = clock.monotonic() - (this.#awaitedSince ?? clock.monotonic());
    if (awaitedMs >= LATE_MS && !this.#late) {
      this.#late = true;
      const reason = [this.#trouble, this.#detail].filter((part) => part !== undefined).join(': ');
      events.emit('canary-late', { awaitedMs, reason });
    }
    // A disk that hangs must not be given more and more of them.
    if (this.#storing) this.#arm(NEXT_AFTER_MS);
    else void this.#send();
  }
}
