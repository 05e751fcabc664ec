import { Worker } from 'node:worker_threads';
import type { CancelTimer, Clock } from '@websub/shared';
import type { DeliveryOutcome, Parcel, Sender, Sending } from '../delivery/sender.js';
import { LoadedParcels, type Load } from './loaded-parcels.js';
import type { Order, OrderedSending, Report, WorkerInput } from './messages.js';

export interface DeliveryThreadOptions {
  readonly input: WorkerInput;
  readonly clock: Clock;
  /** Called once when the thread has ended, for whatever reason, before what was under way in it settles. */
  readonly onEnd: (error: Error, underWay: number) => void;
}

interface UnderWay {
  readonly load: Load;
  readonly settled: (outcome: DeliveryOutcome) => void;
}

/** So that a thread begins with the first of many while the hub's thread goes on with the others. */
const MOST_IN_AN_ORDER = 64;
const LOOK_EVERY_MS = 5_000;
/** Requests end within 15 s: a thread that reports none for twice as long is stuck. Looks, not time: a process may be frozen. */
const MOST_SILENT_LOOKS = 6;

/**
 * The hub's end of one delivery thread: tells it what to send, one message for what comes together, and settles what it
 * reports. When the thread ends, whatever was under way in it has failed.
 */
export class DeliveryThread implements Sender {
  /** Settles when it works; rejects when it ended before. */
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #onEnd: DeliveryThreadOptions['onEnd'];
  readonly #parcels = new LoadedParcels();
  /** By id. */
  readonly #underWay: (UnderWay | undefined)[] = [];
  readonly #freeIds: number[] = [];
  #order: Order = emptyOrder();
  /** The order goes out at the end of what runs at the moment. */
  #isDue = false;
  #error: Error | undefined;
  #silentLooks = 0;
  #look: CancelTimer | undefined;

  constructor({ input, clock, onEnd }: DeliveryThreadOptions) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: 'websub-delivery',
      workerData: input,
      // Options of the program, such as those of TLS, count here too; but that it is given as text is wrong for a file.
      ...(process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {}),
    });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.once('message', () => resolve());
      this.#worker.once('exit', (status) => reject(this.#end(status)));
    });
    // Whoever starts it again waits for nothing.
    this.ready.catch(() => undefined);
    this.#worker.on('message', (report: Report) => this.#onReport(report));
    this.#worker.on('error', (error: Error) => (this.#error ??= error));
  }

  send(parcel: Parcel, sending: Sending, settled: (outcome: DeliveryOutcome) => void): void {
    const { load, isNew } = this.#parcels.take(parcel);
    const id = this.#freeIds.pop() ?? this.#underWay.length;
    this.#underWay[id] = { load, settled };
    const { parcels, sendings } = this.#order;
    if (isNew) parcels.push([load.key, withBodyOfItsOwn(parcel)]);
    sendings.push(ordered(sending, id, load.key));
    if (sendings.length >= MOST_IN_AN_ORDER) this.#flush();
    else this.#flushSoon();
    this.#lookLater();
  }

  /** Ends it; settles when it is gone. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #flushSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    const order = this.#order;
    if (order.sendings.length === 0 && order.dropped.length === 0) return;
    this.#order = emptyOrder();
    this.#worker.postMessage(
      order,
      order.parcels.map(([, { body }]) => body.buffer as ArrayBuffer),
    );
  }

  #onReport({ delivered, others }: Report): void {
    this.#silentLooks = 0;
    for (let at = 0; at + 1 < delivered.length; at += 2)
      this.#settle(delivered[at]!, { kind: 'delivered', status: delivered[at + 1]! });
    for (const [id, outcome] of others) this.#settle(id, outcome);
  }

  #settle(id: number, outcome: DeliveryOutcome): void {
    const underWay = this.#underWay[id];
    if (underWay === undefined) return;
    this.#underWay[id] = undefined;
    this.#freeIds.push(id);
    const dropped = this.#parcels.release(underWay.load);
    if (dropped.length > 0) {
      this.#order.dropped.push(...dropped);
      // Nothing else may have to be said for long.
      this.#flushSoon();
    }
    underWay.settled(outcome);
  }

  get #countUnderWay(): number {
    return this.#underWay.length - this.#freeIds.length;
  }

  #lookLater(): void {
    this.#look ??= this.#clock.after(LOOK_EVERY_MS, () => {
      this.#look = undefined;
      if (this.#countUnderWay === 0) return;
      this.#silentLooks += 1;
      if (this.#silentLooks < MOST_SILENT_LOOKS) this.#lookLater();
      else {
        this.#error = new Error('it has reported nothing for 30 s');
        void this.stop();
      }
    });
  }

  #end(status: number): Error {
    this.#look?.();
    const error = this.#error ?? new Error(`it ended with status ${status}`);
    this.#onEnd(error, this.#countUnderWay);
    for (const underWay of this.#underWay) underWay?.settled(lost('the thread that sent it ended'));
    return error;
  }
}

/** Nothing was sent, or nobody heard the answer. */
export function lost(detail: string): DeliveryOutcome {
  return { kind: 'failed', reason: 'aborted', status: 0, detail, overloaded: false, retryAfterMs: undefined };
}

function ordered(sending: Sending, id: number, parcel: number): OrderedSending {
  const { made, callback, secret, webhookSignature, authorization, now } = sending;
  return [id, parcel, made.attempt, made.trace, callback, secret, webhookSignature, authorization, now];
}

function emptyOrder(): Order {
  return { parcels: [], sendings: [], dropped: [] };
}

/** A body may be a part of something much larger, which would be copied whole. */
function withBodyOfItsOwn({ id, topic, body, headers }: Parcel): Parcel {
  return { id, topic, body: new Uint8Array(body), headers };
}
