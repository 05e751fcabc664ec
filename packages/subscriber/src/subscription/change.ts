import type { Decision, LifeEffect } from './life-event.js';
import type { StoredSubscription } from './subscription.js';

/** Nothing changes. */
export function same(subscription: StoredSubscription): Decision {
  return { subscription, effects: [] };
}

type Cleared =
  'pending' | 'renewAt' | 'retryAt' | 'expiresAt' | 'replaces' | 'replacedBy' | 'verifiedPromptly';

/** A step of the record with the values of `set`, and without those named in `clear`. */
export function changed(
  s: StoredSubscription,
  set: Partial<StoredSubscription>,
  clear: readonly Cleared[] = [],
  effects: readonly LifeEffect[] = [],
): Decision {
  const next: { -readonly [K in keyof StoredSubscription]: StoredSubscription[K] } = { ...s, ...set };
  for (const name of clear) delete next[name];
  next.version = s.version + 1;
  const dueAt = nextDue(next);
  if (dueAt === undefined) delete next.dueAt;
  else next.dueAt = dueAt;
  return { subscription: next, effects };
}

/** When the subscription wants attention next; one number for the agenda, whatever the reasons. */
export function nextDue(s: Omit<StoredSubscription, 'dueAt'>): Date | undefined {
  const reasons = [s.retryAt, s.renewAt, s.state === 'active' ? s.expiresAt : undefined];
  const times = reasons.filter((at) => at !== undefined).map((at) => at.getTime());
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

/** Milliseconds that the lease still runs; `undefined` when there is none that does. */
export function leaseLeft(s: StoredSubscription, now: number): number | undefined {
  const left = (s.expiresAt?.getTime() ?? Number.NEGATIVE_INFINITY) - now;
  return left > 0 ? left : undefined;
}
