import type { Seal, SealedSecret } from './sealed-secret.js';
import type { Subscription } from './subscription.js';

/** The subscription with its secrets sealed by the first key; the same object when they are. */
export function resealed(subscription: Subscription, seal: Seal): Subscription {
  const { id, lease, pending } = subscription;
  const again = (secret: SealedSecret | null): SealedSecret | null =>
    secret !== null && seal.standingOf(secret) === 'outdated' ? seal.seal(seal.open(secret, id), id) : secret;
  const inForce = lease === null ? null : again(lease.secret);
  const asked = pending?.kind === 'subscribe' ? again(pending.secret) : null;
  const next = {
    ...subscription,
    lease: lease === null || inForce === lease.secret ? lease : { ...lease, secret: inForce },
    pending:
      pending?.kind === 'subscribe' && asked !== pending.secret ? { ...pending, secret: asked } : pending,
  };
  return next.lease === lease && next.pending === pending ? subscription : next;
}
