import { BEFORE_ALL, type Position } from '../log/log.js';
import type { Topic } from '../topic/topic.js';
import type { Failure } from './places.js';
import type { Seal, SealedSecret } from './sealed-secret.js';
import { dueAt, isPaused, isSuspended, mayHaveEnded, type Subscription } from './subscription.js';
import { Window, type Manner, type Step, type WindowEntry } from './window.js';

/** A subscription in memory: what is stored, its place in the log, and what the hub is doing for it at this moment. */
export class Recipient {
  readonly topic: Topic;
  readonly host: string;
  subscription: Subscription;
  /** Everything up to here is settled. */
  position: Position = BEFORE_ALL;
  /** Failed attempts at the entry that follows {@link position}; with a window, failures since the last success. */
  attempts = 0;
  /** No attempt before this time, milliseconds since the epoch. */
  retryAt = 0;
  /** The tenant that it is counted for. */
  tenant: string | null = null;
  /** What went wrong since the last success; `null` while all is well. */
  failure: Failure | null = null;
  /**
   * What is given beyond {@link position}; there is one only while something is open, or in flight, beyond it. Not declared
   * as a field: those of a million subscriptions that never have one would take 8 MB.
   */
  declare window: Window | undefined;
  /**
   * `queued` until its host's turn comes, `held` while its origin is spared, `sending` while a request is in flight: one
   * at a time (LAW 3). With a window it is about what is sent next: `sending` ends when the request has begun.
   */
  delivery: 'idle' | 'queued' | 'held' | 'sending' = 'idle';
  /** A verification or denial is queued or in flight. */
  asking = false;
  /** The callback did not confirm when it was last asked. */
  endIsDoubtful = false;
  /** Its end is being stored: nothing is sent, and no place is saved behind it. */
  ending = false;
  #opened: { readonly sealed: SealedSecret; readonly secret: string } | undefined;
  agendaTime = Infinity;
  agendaIndex = -1;

  constructor(subscription: Subscription, topic: Topic, host: string) {
    this.subscription = subscription;
    this.topic = topic;
    this.host = host;
  }

  /** Everything up to the position is settled, or what follows it is to be given (again). */
  moveTo(position: Position): void {
    this.position = position;
    this.attempts = 0;
    this.retryAt = 0;
    if (this.window === undefined) return;
    this.window.moveTo(position);
    follow(this, this.window);
  }

  /** What follows the position is to be given again; what is open before it stays so. */
  rewind(position: Position): void {
    if (this.window === undefined) {
      this.moveTo(position);
      return;
    }
    this.attempts = 0;
    this.retryAt = 0;
    this.window.rewind(position);
    follow(this, this.window);
  }

  /** Whether what it is given need not wait for what went before, or did not have to (LAW 3). */
  get isWindowed(): boolean {
    if (this.window !== undefined) return true;
    return this.topic.policy === 'unordered' && !isSuspendedNow(this);
  }

  /** Everything up to here was given, or passed over. */
  get reach(): Position {
    return this.window?.reach ?? this.position;
  }

  /** What may be done next in its window; `undefined` for nothing at present. */
  step(now: number): Step | undefined {
    if (!this.isOwed(now)) return undefined;
    return this.window === undefined ? 'next' : this.window.step(mannerOf(this), this.topic.newest, now);
  }

  /** The entry that follows the reach is sent. */
  take(position: Position): WindowEntry {
    if (this.window !== undefined) return this.window.take(position, 0);
    this.window = new Window(this.position);
    return this.window.take(position, this.attempts);
  }

  /** An open entry is sent again. */
  takeAgain(entry: WindowEntry): WindowEntry {
    this.window?.send(entry);
    return entry;
  }

  /** What follows the reach, up to this position, is not to be had. */
  pass(position: Position): void {
    if (this.window === undefined) {
      this.moveTo(position);
      return;
    }
    this.window.pass(position);
    follow(this, this.window);
  }

  /** The entry needs no further attempt. False when it is no longer known. */
  settle(entry: WindowEntry): boolean {
    if (this.window?.settle(entry) !== true) return false;
    follow(this, this.window);
    return true;
  }

  /** A request of its window is over. */
  land(entry: WindowEntry): void {
    if (this.window === undefined) return;
    this.window.land(entry);
    follow(this, this.window);
  }

  /** Nothing of the window counts any more. Only while none of it is in flight. */
  dissolve(position: Position): void {
    this.window = undefined;
    this.position = position;
  }

  /**
   * A request of its window failed. False when it says nothing new: of requests that were in flight together, one speaks for
   * all.
   */
  noteFailure(entry: WindowEntry): boolean {
    if (this.window?.noteFailure(entry) !== true) return false;
    if (!entry.isOutlier) this.attempts++;
    return true;
  }

  /** A request of its window succeeded. */
  noteSuccess(): void {
    this.failure = null;
    this.attempts = 0;
    this.window?.noteSuccess();
  }

  /** The callback is there (again): what failed before is forgotten, and what waits because of it need not. */
  forgetFailure(): void {
    this.failure = null;
    this.retryAt = 0;
    if (this.window === undefined) return;
    this.attempts = 0;
    this.window.hasten();
  }

  /**
   * The wall clock jumped: what was to wait for a while waits as long as before; false when nothing was. The lease ends by
   * the wall clock.
   */
  shift(byMs: number): boolean {
    if (this.retryAt > 0) this.retryAt += byMs;
    if (this.failure !== null)
      this.failure = { ...this.failure, since: this.failure.since + byMs, at: this.failure.at + byMs };
    const { pending } = this.subscription;
    if (pending !== null)
      this.subscription = { ...this.subscription, pending: { ...pending, dueAt: pending.dueAt + byMs } };
    const isOpen = this.window?.shift(byMs) ?? false;
    return this.retryAt > 0 || pending !== null || isOpen;
  }

  /** Whether a delivery may begin. */
  isReady(now: number): boolean {
    if (this.delivery !== 'idle' || !this.isOwed(now)) return false;
    return this.window === undefined || this.step(now) !== undefined;
  }

  /** Whether something is owed and may be sent now (LAW 4). */
  isOwed(now: number): boolean {
    return !this.isCaughtUp && this.retryAt <= now && this.isOpen(now);
  }

  get isCaughtUp(): boolean {
    return this.position >= this.topic.newest;
  }

  /** Whether anything may be sent at all (LAW 4). */
  isOpen(now: number): boolean {
    const { lease } = this.subscription;
    return lease !== null && lease.endsAt > now && !isPaused(lease) && !this.isHeld && !this.ending;
  }

  /**
   * While the callback may have confirmed the end of its subscription, nothing is sent to it: its answer counts from when it
   * was given, not from when the hub has stored it. Only until it was asked once in vain: requests that it knows nothing of
   * must not hold up its deliveries (LAW 7).
   */
  get isHeld(): boolean {
    return !this.endIsDoubtful && mayHaveEnded(this.subscription.pending);
  }

  /** The secret in force, opened once for all deliveries; null without one. */
  secret(seal: Seal): string | null {
    const sealed = this.subscription.lease?.secret ?? null;
    if (sealed === null) return null;
    if (this.#opened?.sealed !== sealed)
      this.#opened = { sealed, secret: seal.open(sealed, this.subscription.id) };
    return this.#opened.secret;
  }

  /** The `Authorization` header of its deliveries; null without one. */
  authorization(seal: Seal): string | null {
    const sealed = this.subscription.lease?.vouched?.authorization ?? null;
    return sealed === null ? null : seal.open(sealed, this.subscription.id);
  }

  /** When this recipient next wants attention; `Infinity` when something under way will see to it, or it has ended. */
  nextDue(now: number): number {
    const { pending, lease } = this.subscription;
    if (pending === null && lease === null) return Infinity;
    const about = this.asking && pending !== null ? (lease?.endsAt ?? Infinity) : dueAt(this.subscription);
    if (this.window !== undefined)
      return Math.min(about, this.retryAt > now ? this.retryAt : this.window.nextDue(now));
    return Math.min(about, this.delivery === 'idle' && this.retryAt > now ? this.retryAt : Infinity);
  }

  /** When something that it is owed is sent, not before `from`, if nothing else happens until then; `Infinity` for never. */
  nextSending(from: number): number {
    const at = Math.max(from, this.retryAt);
    if (this.window === undefined || this.window.inFlight > 0 || this.step(at) !== undefined) return at;
    return this.window.nextDue(at);
  }
}

// Functions, as each recipient of a class with private methods takes 8 bytes more.

/** The place is where the window says. */
function follow(recipient: Recipient, window: Window): void {
  recipient.position = window.floor;
  if (!window.isOver) return;
  recipient.window = undefined;
  recipient.attempts = 0;
}

function mannerOf(recipient: Recipient): Manner {
  if (isSuspendedNow(recipient)) return 'dissolve';
  switch (recipient.topic.policy) {
    case 'every':
      return 'in-order';
    case 'latest':
      return 'dissolve';
    case 'unordered':
      return recipient.attempts > 0 ? 'one-by-one' : 'wide';
  }
}

function isSuspendedNow({ subscription: { lease } }: Recipient): boolean {
  return lease !== null && isSuspended(lease);
}
