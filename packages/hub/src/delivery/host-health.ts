import type { CancelTimer, Clock } from '@websub/shared';
import Queue from 'yocto-queue';
import type { HubEmitter } from '../events.js';
import type { Recipient } from '../subscription/recipient.js';
import { admission, HEALTHY, hostBreaker, type Breaker, type BreakerEvent } from './host-breaker.js';
import type { DeliveryOutcome } from './sender.js';

export interface HostHealthOptions {
  readonly clock: Clock;
  readonly events: HubEmitter;
  /** The recipient may go on; false when nothing is to be sent to it any more. */
  readonly onRelease: (recipient: Recipient) => boolean;
}

/** How many origins are held, by the state of their breaker. */
export type BreakerCounts = Readonly<Record<'open' | 'probing', number>>;

/** What came of a turn: the origin answered, it did not, or nothing was sent. */
type TurnOutcome = 'answered' | 'failed' | 'nothing-sent';

interface Held {
  readonly recipient: Recipient;
  readonly since: number;
}

/** A callback origin of which something bad is known. */
interface Origin {
  readonly name: string;
  breaker: Breaker;
  /** Who waits, longest first. */
  readonly held: Queue<Held>;
  /** Who may pass although the origin is held. */
  readonly passing: Set<Recipient>;
  probe: Recipient | undefined;
  cancel: CancelTimer | undefined;
  touchedAt: number;
}

/**
 * Nobody waits longer for an origin to recover: each update is owed at least one attempt while the lease runs (section 7),
 * also when ten thousand subscriptions share the origin and only one of them can be the probe.
 */
const LONGEST_HOLD_MS = 600_000;
const FORGET_AFTER_MS = 3_600_000;

/**
 * Spares origins that fail (LAW 7): while one is held its recipients wait, and a probe every 30 s to 10 min finds out
 * whether it is back. What waits is not an attempt, so it counts for nothing. An origin that is well costs no memory.
 */
export class HostHealth {
  readonly #options: HostHealthOptions;
  readonly #origins = new Map<string, Origin>();
  #sweptAt = 0;
  #stopped = false;

  constructor(options: HostHealthOptions) {
    this.#options = options;
  }

  get breakers(): BreakerCounts {
    const count = { open: 0, probing: 0 };
    for (const { breaker } of this.#origins.values()) if (breaker.kind !== 'closed') count[breaker.kind]++;
    return count;
  }

  /** Recipients that wait for an origin to recover. */
  get heldRecipients(): number {
    let count = 0;
    for (const { held } of this.#origins.values()) count += held.size;
    return count;
  }

  /** Until when deliveries to this callback wait at most, milliseconds from now; `undefined` when they do not. */
  holdOf(callback: string): number | undefined {
    const origin = this.#find(callback);
    if (origin === undefined || origin.breaker.kind === 'closed') return undefined;
    const { breaker } = origin;
    return breaker.kind === 'open' ? Math.max(0, breaker.probeAt - this.#options.clock.monotonic()) : 0;
  }

  /** Whether the recipient may be sent something now. If not it is held, and released by `onRelease`. */
  admit(recipient: Recipient): boolean {
    const origin = this.#find(recipient.subscription.callback);
    if (origin === undefined || origin.passing.delete(recipient)) return true;
    const now = this.#options.clock.monotonic();
    switch (admission(origin.breaker, now)) {
      case 'send':
        return true;
      case 'probe':
        this.#sendProbe(origin, recipient);
        return true;
      case 'hold':
        origin.held.enqueue({ recipient, since: now });
        this.#arm(origin);
        return false;
    }
  }

  /** The turn of an admitted recipient is over. `startedAt` is monotonic. */
  settled(recipient: Recipient, startedAt: number, outcome: TurnOutcome): void {
    if (this.#origins.size === 0 && outcome !== 'failed') return;
    const name = originOf(recipient.subscription.callback);
    const origin = this.#origins.get(name) ?? (outcome === 'failed' ? this.#add(name) : undefined);
    if (origin === undefined) return;
    const wasProbe = origin.probe === recipient;
    if (wasProbe) origin.probe = undefined;
    if (outcome !== 'nothing-sent') this.#apply(origin, { kind: outcome, startedAt });
    else if (wasProbe) this.#apply(origin, { kind: 'probe-dropped' });
  }

  /** The callback has answered something else than a delivery, such as a verification: its origin is there. */
  answered(callback: string): void {
    const origin = this.#find(callback);
    if (origin !== undefined)
      this.#apply(origin, { kind: 'answered', startedAt: this.#options.clock.monotonic() });
  }

  /** Releases nobody any more. */
  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#origins.values()) cancel?.();
  }

  #find(callback: string): Origin | undefined {
    return this.#origins.size === 0 ? undefined : this.#origins.get(originOf(callback));
  }

  #add(name: string): Origin {
    this.#sweep();
    const origin: Origin = {
      name,
      breaker: HEALTHY,
      held: new Queue(),
      passing: new Set(),
      probe: undefined,
      cancel: undefined,
      touchedAt: 0,
    };
    this.#origins.set(name, origin);
    return origin;
  }

  #apply(origin: Origin, event: BreakerEvent): void {
    const { clock, events } = this.#options;
    const before = origin.breaker;
    origin.touchedAt = clock.monotonic();
    origin.breaker = hostBreaker(before, event, origin.touchedAt);
    const { breaker } = origin;
    if (before.kind === 'closed' && breaker.kind === 'open')
      events.emit('host-held', { origin: origin.name, probeInMs: breaker.waitMs });
    if (before.kind !== 'closed' && breaker.kind === 'closed') {
      events.emit('host-released', { origin: origin.name, waiting: origin.held.size });
      this.#releaseAll(origin);
    }
    if (breaker === HEALTHY && origin.held.size === 0 && origin.passing.size === 0) this.#forget(origin);
    else this.#arm(origin);
  }

  #releaseAll(origin: Origin): void {
    origin.passing.clear();
    // What is released is held again only by an origin that is not closed: this ends.
    while (origin.held.size > 0) this.#options.onRelease(origin.held.dequeue()!.recipient);
  }

  #sendProbe(origin: Origin, recipient: Recipient): void {
    origin.probe = recipient;
    this.#apply(origin, { kind: 'probe-sent' });
  }

  /** Sees to what is due: the probe, and who has waited long enough. */
  #wake(origin: Origin): void {
    const now = this.#options.clock.monotonic();
    // Each round takes somebody off the queue, so both loops end.
    while (admission(origin.breaker, now) === 'probe' && origin.held.size > 0) {
      const { recipient } = origin.held.dequeue()!;
      // The breaker knows first: what began before its probe tells it nothing.
      this.#sendProbe(origin, recipient);
      if (!this.#letPass(origin, recipient)) this.settled(recipient, now, 'nothing-sent');
    }
    while (origin.held.size > 0 && origin.held.peek()!.since + LONGEST_HOLD_MS <= now) {
      this.#letPass(origin, origin.held.dequeue()!.recipient);
    }
    this.#arm(origin);
  }

  #letPass(origin: Origin, recipient: Recipient): boolean {
    origin.passing.add(recipient);
    const goesOn = this.#options.onRelease(recipient);
    if (!goesOn) origin.passing.delete(recipient);
    return goesOn;
  }

  #arm(origin: Origin): void {
    origin.cancel?.();
    origin.cancel = undefined;
    const first = origin.held.peek();
    if (first === undefined || this.#stopped) return;
    const { clock } = this.#options;
    const overdueAt = first.since + LONGEST_HOLD_MS;
    const dueAt = origin.breaker.kind === 'open' ? Math.min(origin.breaker.probeAt, overdueAt) : overdueAt;
    origin.cancel = clock.after(Math.max(0, dueAt - clock.monotonic()), () => this.#wake(origin));
  }

  /** An origin to which nothing is sent any more must not be remembered for ever. */
  #sweep(): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#sweptAt < FORGET_AFTER_MS) return;
    this.#sweptAt = now;
    for (const origin of this.#origins.values()) {
      const idle = origin.held.size === 0 && origin.passing.size === 0 && origin.probe === undefined;
      if (idle && now - origin.touchedAt > FORGET_AFTER_MS) this.#forget(origin);
    }
  }

  #forget(origin: Origin): void {
    origin.cancel?.();
    this.#origins.delete(origin.name);
  }
}

function originOf(callback: string): string {
  return new URL(callback).origin;
}

/**
 * What an attempt says about the origin: that it does not answer, or is overloaded or broken. Any other status is about
 * this one callback, and must not hold up its neighbours (LAW 7). Whatever the hub itself broke off says nothing.
 */
export function turnOutcomeOf(outcome: DeliveryOutcome | undefined): TurnOutcome {
  if (outcome === undefined) return 'nothing-sent';
  if (outcome.kind !== 'failed') return 'answered';
  if (outcome.reason === 'aborted') return 'nothing-sent';
  const { status, overloaded } = outcome;
  return status === 0 || status >= 500 || overloaded ? 'failed' : 'answered';
}
