import type { TestClock } from '@websub/shared';
import { MemoryLog } from '../contract/memory-log.js';
import { HubEmitter } from '../events.js';
import { HotTail } from '../log/hot-tail.js';
import { BEFORE_ALL, type Entry, type LogRead } from '../log/log.js';
import type { Place } from '../subscription/places.js';
import { Recipient } from '../subscription/recipient.js';
import { Roll } from '../subscription/roll.js';
import type { Lease } from '../subscription/subscription.js';
import { Window } from '../subscription/window.js';
import type { TopicPolicy } from '../topic/topic-record.js';
import type { Topic } from '../topic/topic.js';
import { Agenda } from './agenda.js';
import { Backlog } from './backlog.js';
import { Courier } from './courier.js';
import { DeadLetterBox, type Undelivered } from './dead-letter-box.js';
import { Deliveries } from './deliveries.js';
import type { PatienceOptions } from './patience.js';
import { PlaceSaver } from './place-saver.js';
import { Settlement } from './settlement.js';
import { WindowBacklog } from './window-backlog.js';

export const TOPIC = 'https://publisher.example/fast';

/** A request that is in flight. */
export interface Request {
  readonly callback: string;
  /** The id of what is delivered. */
  readonly entry: string;
  readonly attempt: number;
  answer(status: number, retryAfterMs?: number): void;
}

export interface DeliveringOptions {
  readonly patience?: Partial<PatienceOptions>;
  readonly perHost?: number;
  readonly breaker?: boolean;
  readonly onSend?: (request: Request) => void;
}

/** A log of which some entries are not what was published. */
export class DamagedLog extends MemoryLog {
  /** By id. */
  readonly damaged = new Set<string>();

  override async read(...asked: Parameters<MemoryLog['read']>): Promise<LogRead> {
    const read = await super.read(...asked);
    if (read.kind !== 'entries') return read;
    return { kind: 'entries', entries: read.entries.map((entry) => this.#asItIs(entry)) };
  }

  override async find(...asked: Parameters<MemoryLog['find']>): Promise<Entry | undefined> {
    const entry = await super.find(...asked);
    return entry && this.#asItIs(entry);
  }

  #asItIs(entry: Entry): Entry {
    return this.damaged.has(entry.id) ? { ...entry, corrupt: true } : entry;
  }
}

/** What outlives a crash of the hub, and who is there whatever becomes of it. */
export interface Lasting extends Required<DeliveringOptions> {
  readonly patience: PatienceOptions;
  readonly clock: TestClock;
  readonly log: DamagedLog;
  readonly places: Map<string, Place>;
  readonly letters: Undelivered[];
  readonly inFlight: Request[];
  policy: TopicPolicy;
  sendings: number;
}

/** From one start of the hub to its end. */
export class Life {
  readonly topic: Topic;
  readonly log: HotTail;
  readonly places: PlaceSaver;
  readonly deliveries: Deliveries;
  readonly roll = new Roll();
  readonly events = new HubEmitter();
  readonly #lasting: Lasting;
  readonly #agenda: Agenda<Recipient>;
  #isOver = false;

  constructor(lasting: Lasting) {
    this.#lasting = lasting;
    const { clock, patience, perHost, breaker } = lasting;
    const { events } = this;
    this.topic = this.roll.topic(TOPIC);
    this.topic.record = { ...this.topic.record, policy: lasting.policy };
    this.topic.newest = lasting.log.head();
    // So little that what waits for long has to be read again from the store.
    this.log = new HotTail(lasting.log, { hotBytes: 8_192, coldBytes: 1_024 });
    this.places = new PlaceSaver({
      places: { load: nothing, save: (places) => this.#save(places) },
      clock,
      events,
    });
    const registry = {
      addDeadLetters: (added: readonly Undelivered[]) => {
        lasting.letters.push(...added);
        return Promise.resolve(0);
      },
    };
    const random = { token: () => 'token', fraction: () => 0.5 };
    const common = { clock, events, random, log: this.log, places: this.places };
    const letters = new DeadLetterBox({ ...common, registry });
    const backlog = new Backlog({ ...common, letters });
    this.#agenda = new Agenda(clock, (recipient) => this.attend(recipient));
    this.deliveries = new Deliveries({
      ...common,
      backlog,
      windows: new WindowBacklog({ ...common, letters }),
      courier: new Courier({
        sender: {
          send: ({ id }, { callback, made }, settled) => this.#send(id, callback, made.attempt, settled),
        },
        hubUrl: () => 'https://hub.example/',
        epoch: 'epoch',
        userAgent: 'hub',
      }),
      settlement: new Settlement({
        ...common,
        backlog,
        letters,
        patience,
        onGone: (recipient) => Promise.resolve(this.end(recipient)),
        onSuspended: (recipient) => Promise.resolve(mark(recipient, { suspendedAt: clock.now() })),
        onRecovered: (recipient) => Promise.resolve(mark(recipient, { suspendedAt: undefined })),
      }),
      seal: noSecrets,
      perHost,
      inAll: 1_000,
      breaker,
      mayReceive: () => true,
      onForbidden: () => Promise.resolve(),
      onSettled: (recipient) => this.#schedule(recipient),
    });
  }

  attend(recipient: Recipient): void {
    this.deliveries.consider(recipient);
    this.#schedule(recipient);
  }

  /** Lets the callback go on from its place. */
  enter(callback: string): Recipient {
    const lease: Lease = { secret: null, seconds: 1, endsAt: Infinity, since: BEFORE_ALL };
    const subscription = { id: callback, topic: TOPIC, callback, version: 1, lease, pending: null };
    const recipient = new Recipient(subscription, this.topic, new URL(callback).host);
    const place = this.#lasting.places.get(callback);
    if (place !== undefined) {
      recipient.position = place.position;
      recipient.attempts = place.attempts;
      recipient.retryAt = place.dueAt;
      recipient.failure = place.failure;
      if (place.beyond !== null) recipient.window = Window.from(place.beyond, Infinity);
    }
    this.roll.add(recipient);
    this.attend(recipient);
    return recipient;
  }

  end(recipient: Recipient): void {
    recipient.subscription = { ...recipient.subscription, lease: null };
    this.roll.remove(recipient);
  }

  /** Nothing that it began has any effect any more. */
  cutOff(): void {
    this.#isOver = true;
    this.#agenda.stop();
    void this.deliveries.stop();
  }

  #schedule(recipient: Recipient): void {
    this.#agenda.schedule(recipient, recipient.nextDue(this.#lasting.clock.now()));
  }

  #save(places: readonly Place[]): Promise<void> {
    if (!this.#isOver) for (const place of places) this.#lasting.places.set(place.subscription, place);
    return Promise.resolve();
  }

  #send(entry: string, callback: string, attempt: number, settled: Parameters<Courier['deliver']>[1]): void {
    if (this.#isOver) return;
    const { inFlight, onSend } = this.#lasting;
    const request: Request = {
      callback,
      entry,
      attempt,
      answer: (status, retryAfterMs) => {
        inFlight.splice(inFlight.indexOf(request), 1);
        if (this.#isOver) return;
        if (status === 204) settled({ kind: 'delivered', status });
        else if (status === 410) settled({ kind: 'gone', status });
        else {
          const overloaded = status === 429 || status === 503;
          settled({
            kind: 'failed',
            reason: 'status',
            status,
            detail: `answered ${status}`,
            overloaded,
            retryAfterMs,
          });
        }
      },
    };
    inFlight.push(request);
    this.#lasting.sendings++;
    onSend(request);
  }
}

function mark(recipient: Recipient, { suspendedAt }: { readonly suspendedAt: number | undefined }): void {
  const { lease } = recipient.subscription;
  if (lease === null) return;
  const { suspendedAt: _before, ...rest } = lease;
  const marked = suspendedAt === undefined ? rest : { ...rest, suspendedAt };
  recipient.subscription = { ...recipient.subscription, lease: marked };
}

async function* nothing(): AsyncIterable<never> {}

const noSecrets = {
  seal: unwanted,
  open: unwanted,
  standingOf: unwanted,
  keyOf: unwanted,
};

function unwanted(): never {
  throw new Error('nothing here has a secret');
}
