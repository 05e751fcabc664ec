import type { Seal, SealedSecret } from './sealed-secret.js';
import type { Lease, Subscription } from './subscription.js';

/** The subscription with its secrets sealed by the first key; the same object when they are. */
export function resealed(subscription: Subscription, seal: Seal): Subscription {
  const { id, lease, pending } = subscription;
  const again = (secret: SealedSecret | null): SealedSecret | null =>
    secret !== null && seal.standingOf(secret) === 'outdated' ? seal.seal(seal.open(secret, id), id) : secret;
  const inForce = lease === null ? null : resealedLease(lease, again);
  const asked = pending?.kind === 'subscribe' ? again(pending.secret) : null;
  const next = {
    ...subscription,
    lease: inForce,
    pending:
      pending?.kind === 'subscribe' && asked !== pending.secret ? { ...pending, secret: asked } : pending,
  };
  return next.lease === lease && next.pending === pending ? subscription : next;
}

function resealedLease(lease: Lease, again: (secret: SealedSecret | null) => SealedSecret | null): Lease {
  const secret = again(lease.secret);
  const authorization = again(lease.vouched?.authorization ?? null);
  if (secret === lease.secret && authorization === (lease.vouched?.authorization ?? null)) return lease;
  return { ...lease, secret, ...(lease.vouched !== undefined && { vouched: { authorization } }) };
}

/** Every secret that is kept for the subscription. */
export function secretsOf({ lease, pending }: Subscription): readonly SealedSecret[] {
  const kept = [
    lease?.secret,
    lease?.vouched?.authorization,
    pending?.kind === 'subscribe' ? pending.secret : null,
  ];
  return kept.filter((secret) => secret != null);
}
