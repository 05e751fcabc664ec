import { BEFORE_ALL, type Position } from '../log/log.js';
import type { Topic } from '../topic/topic.js';
import type { Failure } from './places.js';
import type { Seal, SealedSecret } from './sealed-secret.js';
import { dueAt, isPaused, mayHaveEnded, type Subscription } from './subscription.js';

/** A subscription in memory: what is stored, its place in the log, and what the hub is doing for it at this moment. */
export class Recipient {
  readonly topic: Topic;
  readonly host: string;
  subscription: Subscription;
  /** Everything up to here is settled. */
  position: Position = BEFORE_ALL;
  /** Failed attempts at the entry that follows {@link position}. */
  attempts = 0;
  /** No attempt before this time, milliseconds since the epoch. */
  retryAt = 0;
  /** The tenant that it is counted for. */
  tenant: string | null = null;
  /** What went wrong since the last success; `null` while all is well. */
  failure: Failure | null = null;
  /**
   * `queued` until its host's turn comes, `held` while its origin is spared, `sending` while a request is in flight: one
   * at a time (LAW 3).
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
    return this.retryAt > 0 || pending !== null;
  }

  /** Whether a delivery may begin. */
  isReady(now: number): boolean {
    return this.delivery === 'idle' && this.isOwed(now);
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

  /** When this recipient next wants attention; `Infinity` when something under way will see to it. */
  nextDue(now: number): number {
    const { pending, lease } = this.subscription;
    const about = this.asking && pending !== null ? (lease?.endsAt ?? Infinity) : dueAt(this.subscription);
    return Math.min(about, this.delivery === 'idle' && this.retryAt > now ? this.retryAt : Infinity);
  }
}
