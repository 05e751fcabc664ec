import type { HistoryEvent, Mode, Subscriptions } from './history.js';

export type Rule =
  | 'lost'
  | 'reordered'
  | 'duplicate'
  | 'late'
  | 'resurrected'
  | 'broken-promise'
  | 'phantom'
  | 'corrupt'
  | 'slow-recovery'
  | 'self-death'
  | 'unclean-stop';

export interface Violation {
  readonly rule: Rule;
  readonly detail: string;
}

export interface Tolerances {
  /** A confirmation counts when no kill follows within this time: the hub may not have read it yet. */
  readonly settleMs: number;
  /** How long deliveries may go on after a confirmed unsubscription. */
  readonly graceMs: number;
  /** A repeat is explained by a kill within this time after the answer to the first: its place was not saved yet. */
  readonly duplicateMs: number;
  /** What was accepted within this time before the end of a subscription was asked for may still be on its way, and is lost then. */
  readonly drainMs: number;
  /** How long a verification that was promised may take, counted from the acceptance or from the next start. */
  readonly verifyMs: number;
  /** How long the hub may take from its end to serving again. */
  readonly recoveryMs: number;
}

export const TOLERANCES: Tolerances = {
  settleMs: 300,
  graceMs: 1_000,
  duplicateMs: 500,
  drainMs: 3_000,
  verifyMs: 12_000,
  recoveryMs: 2_000,
};

type Of<Kind extends HistoryEvent['kind']> = Extract<HistoryEvent, { kind: Kind }>;

/** A time in which everything published is owed to a subscription, and what counts as the end of it. */
interface Period {
  readonly from: number;
  /** When the unsubscription was asked for: what is published later may come or not. */
  readonly owedUntil: number;
  /** When the unsubscription was surely confirmed; `Infinity` when it was not. */
  readonly endedAt: number;
}

interface Delivery extends Of<'received'> {
  /** When the answer left; `undefined` when it did not. */
  readonly answeredAt: number | undefined;
  readonly success: boolean;
}

/**
 * Judges a run: a pure function of its history, so that a run can be judged again from its file. What got no answer is
 * indeterminate: it is left out of loss and order, not held against the hub.
 */
export function check(
  history: readonly HistoryEvent[],
  subscriptions: Subscriptions,
  tolerances: Tolerances = TOLERANCES,
): readonly Violation[] {
  const run = new Run(history, tolerances);
  const violations = [...run.processViolations(), ...run.promiseViolations()];
  for (const [subscription, { topic, unordered = false }] of subscriptions) {
    const deliveries = run.deliveriesOf(subscription);
    const periods = run.periodsOf(subscription);
    violations.push(
      ...run.contentViolations(deliveries, topic),
      ...run.lossViolations(subscription, topic, deliveries, periods),
      ...(unordered ? [] : run.orderViolations(deliveries)),
      ...run.duplicateViolations(deliveries),
      ...run.endViolations(subscription, deliveries, periods),
    );
  }
  return violations;
}

class Run {
  readonly #history: readonly HistoryEvent[];
  readonly #byKind = new Map<HistoryEvent['kind'], HistoryEvent[]>();
  readonly #tolerances: Tolerances;
  /** From the signal to the end of the process: what happens in between may still be the hub's doing. */
  readonly #kills: readonly { readonly from: number; readonly to: number }[];
  readonly #starts: readonly number[];
  readonly #asked = new Map<string, Of<'publish-asked'>>();
  readonly #accepted = new Map<string, number>();
  readonly #answers = new Map<number, Of<'answered'>>();

  constructor(history: readonly HistoryEvent[], tolerances: Tolerances) {
    this.#history = history;
    this.#tolerances = tolerances;
    for (const event of history) {
      const sameKind = this.#byKind.get(event.kind);
      if (sameKind === undefined) this.#byKind.set(event.kind, [event]);
      else sameKind.push(event);
    }
    this.#kills = this.#all('killed').map(({ at }) => ({
      from: at,
      to: this.#all('exited').find((exited) => exited.at >= at)?.at ?? at,
    }));
    this.#starts = this.#all('ready').map(({ at }) => at);
    for (const event of this.#all('publish-asked')) this.#asked.set(keyOf(event), event);
    for (const event of this.#all('publish-accepted')) this.#accepted.set(keyOf(event), event.at);
    for (const event of this.#all('answered')) this.#answers.set(event.delivery, event);
  }

  deliveriesOf(subscription: string): readonly Delivery[] {
    return this.#all('received')
      .filter((event) => event.subscription === subscription)
      .map((event) => {
        const answer = this.#answers.get(event.delivery);
        return {
          ...event,
          answeredAt: answer?.at,
          success: answer !== undefined && answer.status >= 200 && answer.status < 300,
        };
      });
  }

  /** When the subscription was surely in force: from a settled confirmation to the next request to end it. */
  periodsOf(subscription: string): readonly Period[] {
    const intents = this.#history.filter(
      (event): event is Of<'intent-asked'> | Of<'intent-confirmed'> =>
        (event.kind === 'intent-asked' || event.kind === 'intent-confirmed') &&
        event.subscription === subscription,
    );
    const periods: Period[] = [];
    let from: number | undefined;
    let owedUntil: number | undefined;
    for (const event of intents) {
      if (event.mode === 'subscribe') {
        if (event.kind === 'intent-asked' && from !== undefined && owedUntil !== undefined) {
          // Asked for again before the end was sure: nothing can be said about the end.
          periods.push({ from, owedUntil, endedAt: Infinity });
          from = owedUntil = undefined;
        }
        if (event.kind === 'intent-confirmed' && from === undefined && this.#isSettled(event.at))
          from = event.at;
      } else if (event.kind === 'intent-asked') {
        owedUntil ??= event.at;
      } else if (from !== undefined && owedUntil !== undefined && this.#isSettled(event.at)) {
        periods.push({ from, owedUntil, endedAt: event.at });
        from = owedUntil = undefined;
      } else if (from === undefined) {
        owedUntil = undefined;
      }
    }
    if (from !== undefined) periods.push({ from, owedUntil: owedUntil ?? Infinity, endedAt: Infinity });
    return periods;
  }

  contentViolations(deliveries: readonly Delivery[], topic: string): readonly Violation[] {
    return deliveries.flatMap((delivery) => {
      if (delivery.topic !== topic || !this.#asked.has(keyOf(delivery)))
        return [violation('phantom', delivery)];
      return delivery.intact ? [] : [violation('corrupt', delivery)];
    });
  }

  lossViolations(
    subscription: string,
    topic: string,
    deliveries: readonly Delivery[],
    periods: readonly Period[],
  ): readonly Violation[] {
    const taken = new Set(deliveries.filter(({ success }) => success).map(({ seq }) => seq));
    const newest = [...taken].reduce((a, b) => Math.max(a, b), -Infinity);
    return [...this.#asked.values()].flatMap((asked) => {
      const acceptedAt = this.#accepted.get(keyOf(asked));
      if (asked.topic !== topic || acceptedAt === undefined) return [];
      const owed = periods.some(
        ({ from, owedUntil }) => asked.at > from && acceptedAt + this.#tolerances.drainMs < owedUntil,
      );
      const given = asked.how === 'content' ? taken.has(asked.seq) : newest >= asked.seq;
      return owed && !given
        ? [{ rule: 'lost' as const, detail: `${subscription} was not given ${topic} ${asked.seq}` }]
        : [];
    });
  }

  orderViolations(deliveries: readonly Delivery[]): readonly Violation[] {
    const seen = new Set<number>();
    let highest = -Infinity;
    return deliveries.flatMap((delivery) => {
      if (!delivery.success || seen.has(delivery.seq) || !this.#accepted.has(keyOf(delivery))) return [];
      seen.add(delivery.seq);
      if (delivery.seq < highest) return [violation('reordered', delivery)];
      highest = delivery.seq;
      return [];
    });
  }

  duplicateViolations(deliveries: readonly Delivery[]): readonly Violation[] {
    const taken = new Map<string, Delivery>();
    return deliveries.flatMap((delivery) => {
      const earlier = taken.get(delivery.id);
      if (delivery.success) taken.set(delivery.id, delivery);
      if (earlier === undefined || this.#explainsRepeat(earlier)) return [];
      return [violation('duplicate', delivery)];
    });
  }

  endViolations(
    subscription: string,
    deliveries: readonly Delivery[],
    periods: readonly Period[],
  ): readonly Violation[] {
    return periods.flatMap(({ endedAt }) => {
      const again = this.#all('intent-asked').find(
        (event) => event.at > endedAt && sameIntent(event, subscription, 'subscribe'),
      );
      return deliveries
        .filter(({ at }) => at > endedAt + this.#tolerances.graceMs && at < (again?.at ?? Infinity))
        .map((delivery) => {
          const publishedAt = this.#asked.get(keyOf(delivery))?.at ?? Infinity;
          return violation(publishedAt > endedAt ? 'resurrected' : 'late', delivery);
        });
    });
  }

  /** A 202 on (un)subscribe promises a verification, restarts or not. */
  promiseViolations(): readonly Violation[] {
    const confirmed = this.#all('intent-confirmed');
    return this.#all('intent-accepted').flatMap(({ at, subscription, mode }) => {
      const askedAgainAt = this.#all('intent-asked').find(
        (event) => event.subscription === subscription && event.at > at,
      )?.at;
      const lastKill = this.#kills.findLast(({ to, from }) => to > at && from < (askedAgainAt ?? Infinity));
      const start = lastKill === undefined ? at : this.#starts.find((each) => each > lastKill.to);
      if (start === undefined) return [];
      const deadline = start + this.#tolerances.verifyMs;
      const historyEnd = this.#history.at(-1)?.at ?? 0;
      // Replaced by another request, or the run ended first: no promise was broken yet.
      if (deadline > Math.min(askedAgainAt ?? Infinity, historyEnd)) return [];
      // The callback may have answered before the 202 reached the client.
      const kept = confirmed.some(
        (event) =>
          sameIntent(event, subscription, mode) && event.at > this.#askedBefore(subscription, mode, at),
      );
      return kept
        ? []
        : [{ rule: 'broken-promise' as const, detail: `${mode} of ${subscription} was never verified` }];
    });
  }

  processViolations(): readonly Violation[] {
    const violations: Violation[] = [];
    let wanted: Of<'killed'> | Of<'terminated'> | undefined;
    let endedAt: number | undefined;
    for (const event of this.#history) {
      if (event.kind === 'killed' || event.kind === 'terminated') wanted = event;
      if (event.kind === 'exited') {
        if (wanted === undefined)
          violations.push({ rule: 'self-death', detail: `the hub ended with ${event.status}` });
        else if (wanted.kind === 'terminated' && event.status !== 0) {
          violations.push({ rule: 'unclean-stop', detail: `SIGTERM ended with ${event.status}` });
        }
        endedAt = event.at;
        wanted = undefined;
      }
      if (event.kind === 'ready' && endedAt !== undefined) {
        const took = event.at - endedAt;
        if (took > this.#tolerances.recoveryMs)
          violations.push({ rule: 'slow-recovery', detail: `${Math.round(took)} ms` });
        endedAt = undefined;
      }
    }
    return violations;
  }

  #explainsRepeat({ at, answeredAt = Infinity }: Delivery): boolean {
    return this.#kills.some(({ from, to }) => to >= at && from <= answeredAt + this.#tolerances.duplicateMs);
  }

  #isSettled(at: number): boolean {
    return !this.#kills.some(({ from, to }) => to >= at && from <= at + this.#tolerances.settleMs);
  }

  #askedBefore(subscription: string, mode: Mode, at: number): number {
    return (
      this.#all('intent-asked').findLast((event) => sameIntent(event, subscription, mode) && event.at <= at)
        ?.at ?? 0
    );
  }

  #all<Kind extends HistoryEvent['kind']>(kind: Kind): readonly Of<Kind>[] {
    // The map has under a kind only events of that kind.
    return (this.#byKind.get(kind) ?? []) as unknown as readonly Of<Kind>[];
  }
}

function sameIntent(
  event: { readonly subscription: string; readonly mode: Mode },
  subscription: string,
  mode: Mode,
): boolean {
  return event.subscription === subscription && event.mode === mode;
}

function keyOf({ topic, seq }: { readonly topic: string; readonly seq: number }): string {
  return `${topic} ${seq}`;
}

function violation(rule: Rule, { subscription, topic, seq, at }: Delivery): Violation {
  return { rule, detail: `${subscription} was given ${topic} ${seq} at ${Math.round(at)} ms` };
}
