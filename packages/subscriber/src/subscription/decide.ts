import { changed, leaseLeft, same } from './change.js';
import type { Decision, LifeEffect, LifeEvent, LifePolicy } from './life-event.js';
import { fractionOf, retryPatience, verificationPatience } from './patience.js';
import { isWanted, receptionOf, type StoredSubscription } from './subscription.js';

export const DEFAULT_LIFE_POLICY: LifePolicy = { renewAt: 0.8, retryDeniedMs: null };

const DAY_MS = 86_400_000;
/** What a hub that names no lease is taken to have granted, when none was asked for. */
const UNNAMED_LEASE_SECONDS = 86_400;
/** However long a lease, it is renewed as if it were this long: a hub may forget, and topics move. */
const LONGEST_TRUSTED_LEASE_MS = 14 * DAY_MS;
const LONGEST_LEASE_SECONDS = 10 * 365 * 86_400;
/** How long another instance on the same store may still be waiting for the answer to its request. */
const ON_ITS_WAY_MS = 20_000;
/** How long an ended subscription still answers 410. */
const REMEMBERED_MS = DAY_MS;
/** The same of one that was taken over from, of which a short lease makes many. */
const TAKEN_OVER_REMEMBERED_MS = 600_000;
/** A hub that verifies within this time is asked for a new subscription in place of the old at each renewal. */
const PROMPTLY_MS = 10_000;
/** How long the old subscription goes on beside the new one, for what the hub has yet to deliver to it. */
const OVERLAP_MS = 60_000;
/** How often an unsubscription is asked for when no lease would end by itself. */
const UNSUBSCRIBE_ATTEMPTS = 8;
/** `lastDeliveryAt` is kept this exactly; a write for each delivery would be an fsync for each. */
const DELIVERY_TIME_MS = 1_000;

/** The life of a subscription, as a pure function of what it is, what happens and when. */
export function decide(
  subscription: StoredSubscription,
  event: LifeEvent,
  now: number,
  policy: LifePolicy = DEFAULT_LIFE_POLICY,
): Decision {
  switch (event.kind) {
    case 'requested':
      return request(subscription, event.mode, now);
    case 'failed':
      return subscription.pending === event.mode
        ? retryLater(subscription, event.mode, now)
        : same(subscription);
    case 'refused':
      return subscription.pending === event.mode
        ? refused(subscription, event, now, policy)
        : same(subscription);
    case 'verified':
      if (event.mode === 'subscribe') return activated(subscription, event.leaseSeconds, now, policy);
      return subscription.pending === 'unsubscribe' ? ended(subscription, now) : same(subscription);
    case 'denied':
      return denied(subscription, event.reason, now, policy);
    case 'declined':
      return declined(subscription, event.reason, now);
    case 'delivered':
      return delivered(subscription, event, now);
    case 'given-up':
      return ended(subscription, now);
    case 'replaced':
      return replaced(subscription, event.by, now);
    case 'abandoned':
      return abandoned(subscription, now);
    case 'superseded':
      return superseded(subscription, event.atHub, now);
    case 'resumed':
      return resumed(subscription, now);
    case 'due':
      return due(subscription, now, policy);
    default:
      return event satisfies never;
  }
}

function request(s: StoredSubscription, mode: 'subscribe' | 'unsubscribe', now: number): Decision {
  return mode === 'subscribe' ? requestSubscription(s, now) : requestUnsubscription(s, now);
}

function requestSubscription(s: StoredSubscription, now: number): Decision {
  if (!isWanted(s) && s.state !== 'denied') return same(s);
  const attempts = s.attempts + 1;
  // One that was denied is asked for anew; the lease of the time before, if it still runs, counts on.
  const state = s.state !== 'denied' ? s.state : leaseLeft(s, now) === undefined ? 'pending' : 'active';
  const retryAt = new Date(now + verificationPatience(attempts, leaseLeft(s, now)));
  return changed(
    s,
    { state, pending: 'subscribe', attempts, retryAt, requestedAt: new Date(now) },
    ['renewAt'],
    [{ kind: 'send', mode: 'subscribe' }],
  );
}

function requestUnsubscription(s: StoredSubscription, now: number): Decision {
  if (s.state === 'unsubscribed') return same(s);
  // The hub has nothing of it that it could end; should it deliver all the same, it is answered 410.
  if (s.state === 'denied' || s.state === 'expired') return ended(s, now);
  const attempts = s.pending === 'unsubscribe' ? s.attempts + 1 : 1;
  const retryAt = new Date(now + verificationPatience(attempts, leaseLeft(s, now)));
  return changed(
    s,
    { pending: 'unsubscribe', attempts, retryAt },
    ['renewAt'],
    [{ kind: 'send', mode: 'unsubscribe' }],
  );
}

function retryLater(s: StoredSubscription, mode: 'subscribe' | 'unsubscribe', now: number): Decision {
  const left = leaseLeft(s, now);
  if (mode === 'unsubscribe' && left === undefined && s.attempts >= UNSUBSCRIBE_ATTEMPTS)
    return ended(s, now);
  return changed(s, { retryAt: new Date(now + retryPatience(s.attempts, left, s.id)) });
}

function refused(
  s: StoredSubscription,
  { mode, reason }: { readonly mode: 'subscribe' | 'unsubscribe'; readonly reason: string },
  now: number,
  policy: LifePolicy,
): Decision {
  // A hub that will not end it does not know it, or is answered 410 for as long as it may deliver.
  if (mode === 'unsubscribe')
    return ended(s, now, Math.min(leaseLeft(s, now) ?? 0, LONGEST_TRUSTED_LEASE_MS));
  // Once it was accepted, a refusal may be a passing fault of the hub's: the lease goes on and so do the tries (LAW 5).
  if (s.state !== 'pending') return retryLater(s, mode, now);
  return s.replaces === undefined ? denied(s, reason, now, policy) : standDown(s, s.replaces, false, reason);
}

function activated(
  s: StoredSubscription,
  grantedSeconds: number | undefined,
  now: number,
  policy: LifePolicy,
): Decision {
  if (!isWanted(s)) return same(s);
  const seconds = grantedSeconds ?? s.leaseSeconds ?? UNNAMED_LEASE_SECONDS;
  // The lease counts from the verification request, which is now (section 5.3).
  const leaseMs = Math.min(Math.max(seconds, 1), LONGEST_LEASE_SECONDS) * 1_000;
  const early = 1 - 0.1 * fractionOf(s.id);
  const renewAt = new Date(now + Math.min(leaseMs, LONGEST_TRUSTED_LEASE_MS) * policy.renewAt * early);
  const goesOn = s.state === 'active' || s.replaces !== undefined;
  const effects: LifeEffect[] = [{ kind: 'tell', what: goesOn ? 'renewed' : 'verified' }];
  if (s.replaces !== undefined) effects.push({ kind: 'retire', id: s.replaces });
  const next = {
    state: 'active',
    attempts: 0,
    expiresAt: new Date(now + leaseMs),
    renewAt,
    ...(s.replaces === undefined ? {} : { tookOverFrom: s.replaces }),
  } as const;
  const wait = now - (s.requestedAt?.getTime() ?? Number.NEGATIVE_INFINITY);
  // What the hub asks by itself says nothing about how soon it asks when it is asked to.
  if (s.pending === undefined) return changed(s, next, ['retryAt', 'replaces'], effects);
  return wait <= PROMPTLY_MS
    ? changed(s, { ...next, verifiedPromptly: true }, ['pending', 'retryAt', 'replaces'], effects)
    : changed(s, next, ['pending', 'retryAt', 'replaces', 'verifiedPromptly'], effects);
}

function denied(
  s: StoredSubscription,
  reason: string | undefined,
  now: number,
  policy: LifePolicy,
): Decision {
  if (s.pending === 'unsubscribe') return ended(s, now);
  if (!isWanted(s)) return same(s);
  if (s.replaces !== undefined) return standDown(s, s.replaces, true, reason);
  const tell: LifeEffect = { kind: 'tell', what: 'denied', ...(reason === undefined ? {} : { reason }) };
  return policy.retryDeniedMs === null
    ? changed(s, { state: 'denied', attempts: 0 }, ['pending', 'retryAt', 'renewAt'], [tell])
    : changed(
        s,
        { state: 'denied', attempts: 0, retryAt: new Date(now + policy.retryDeniedMs) },
        ['pending', 'renewAt'],
        [tell],
      );
}

/**
 * Asked again, the service would be asked the same: a first request is over, and of a lease in force the rest runs out
 * (LAW 5).
 */
function declined(s: StoredSubscription, reason: string, now: number): Decision {
  if (s.pending !== 'subscribe') return same(s);
  if (s.replaces !== undefined) return standDown(s, s.replaces, false, reason);
  if (s.state === 'active') return changed(s, { attempts: 0 }, ['pending', 'retryAt', 'renewAt']);
  return denied(s, reason, now, { ...DEFAULT_LIFE_POLICY, retryDeniedMs: null });
}

/** Whether it is told, and what becomes of this record, depends on the one that it was to take over from. */
function standDown(
  s: StoredSubscription,
  id: string,
  byDenial: boolean,
  reason: string | undefined,
): Decision {
  const effect: LifeEffect = {
    kind: 'stand-down',
    id,
    denied: byDenial,
    ...(reason === undefined ? {} : { reason }),
  };
  return changed(
    s,
    { state: 'denied', attempts: 0 },
    ['pending', 'retryAt', 'renewAt', 'replaces'],
    [effect],
  );
}

function delivered(
  s: StoredSubscription,
  { strong, timed }: { readonly strong: boolean; readonly timed: boolean },
  now: number,
): Decision {
  if (receptionOf(s, now) !== 'take') return same(s);
  const strengthened: Partial<StoredSubscription> = {
    ...(strong && s.strongSignature === undefined && { strongSignature: true }),
    ...(timed && s.timedSignature === undefined && { timedSignature: true }),
  };
  const last = s.lastDeliveryAt?.getTime() ?? Number.NEGATIVE_INFINITY;
  if (Object.keys(strengthened).length === 0 && now - last < DELIVERY_TIME_MS) return same(s);
  return changed(s, { lastDeliveryAt: new Date(now), ...strengthened });
}

/** Should the one that takes over not be verified by then, this one is asked for again after all. */
function replaced(s: StoredSubscription, by: string, now: number): Decision {
  const left = leaseLeft(s, now);
  // The lease of one that was denied runs on (LAW 5).
  if (!isWanted(s) && (s.state !== 'denied' || left === undefined)) return same(s);
  if (left !== undefined) {
    return changed(s, { replacedBy: by, renewAt: new Date(now + left / 2) }, ['pending', 'retryAt']);
  }
  const attempts = s.attempts + 1;
  const retryAt = new Date(now + verificationPatience(attempts, undefined));
  return changed(s, { replacedBy: by, attempts, retryAt }, ['pending', 'renewAt']);
}

function abandoned(s: StoredSubscription, now: number): Decision {
  if (!isWanted(s) || s.replacedBy === undefined) return same(s);
  const retryAt = new Date(now + retryPatience(s.attempts, leaseLeft(s, now), s.id));
  return changed(s, { pending: 'subscribe', retryAt }, ['replacedBy', 'renewAt']);
}

function superseded(s: StoredSubscription, atHub: boolean, now: number): Decision {
  if (!atHub || s.state === 'pending' || s.state === 'expired')
    return { subscription: s, effects: [{ kind: 'forget' }] };
  if (s.pending === 'unsubscribe') return same(s);
  const left = leaseLeft(s, now);
  if (s.state !== 'active' || left === undefined) return requestUnsubscription(s, now);
  const retryAt = new Date(now + Math.min(OVERLAP_MS, left / 4));
  return changed(s, { pending: 'unsubscribe', attempts: 0, retryAt }, ['renewAt']);
}

/**
 * Nobody knows whether the first request was ever sent: the process may have died before that. One that is to take over
 * from another has time: the other is in force.
 */
function resumed(s: StoredSubscription, now: number): Decision {
  // Nothing that is resumed has a successor: the one that was to be was never made.
  if (s.replacedBy !== undefined) return changed(s, {}, ['replacedBy']);
  if (s.state !== 'pending' || s.pending !== 'subscribe' || s.replaces !== undefined) return same(s);
  const answeredBy = (s.requestedAt?.getTime() ?? Number.NEGATIVE_INFINITY) + ON_ITS_WAY_MS;
  if (answeredBy <= now) return requestSubscription(s, now);
  return s.retryAt !== undefined && s.retryAt.getTime() <= answeredBy
    ? same(s)
    : changed(s, { retryAt: new Date(answeredBy) });
}

function due(s: StoredSubscription, now: number, policy: LifePolicy): Decision {
  const isDue = (at: Date | undefined): boolean => at !== undefined && at.getTime() <= now;
  if (s.state === 'unsubscribed')
    return isDue(s.retryAt) ? { subscription: s, effects: [{ kind: 'forget' }] } : same(s);
  if (s.state === 'active' && isDue(s.expiresAt)) return expired(s, now, policy);
  if (isDue(s.retryAt)) return request(s, s.pending ?? 'subscribe', now);
  if (s.pending === undefined && isDue(s.renewAt)) return requestSubscription(s, now);
  return same(s);
}

function expired(s: StoredSubscription, now: number, policy: LifePolicy): Decision {
  // Where one that is to take over is not verified by now, this one is asked for as well.
  const givesWay = s.replacedBy !== undefined && s.pending === undefined;
  if (s.pending === 'unsubscribe' || givesWay) return ended(s, now);
  const over = changed(s, { state: 'expired' }, ['renewAt'], [{ kind: 'tell', what: 'expired' }]);
  const next =
    s.pending === undefined
      ? requestSubscription(over.subscription, now)
      : due(over.subscription, now, policy);
  return { subscription: next.subscription, effects: [...over.effects, ...next.effects] };
}

function ended(s: StoredSubscription, now: number, leastMs = 0): Decision {
  if (s.state === 'unsubscribed') return same(s);
  // Nobody asked for the end of one that another takes over from: there is nothing to tell.
  const effects: LifeEffect[] = s.replacedBy === undefined ? [{ kind: 'tell', what: 'unsubscribed' }] : [];
  const rememberedMs = s.replacedBy === undefined ? REMEMBERED_MS : TAKEN_OVER_REMEMBERED_MS;
  const retryAt = new Date(now + Math.max(rememberedMs, leastMs));
  return changed(
    s,
    { state: 'unsubscribed', attempts: 0, retryAt },
    ['pending', 'renewAt', 'expiresAt'],
    effects,
  );
}
