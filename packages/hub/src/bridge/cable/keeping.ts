import { isConsumerName, ownerOf } from '../../consumer/consumer.js';
import type { Grant } from '../../access/grant.js';
import type { ConsumerRequest } from '../consumer-roll.js';
import { streamIdOf } from './codec.js';
import { RESUME_MS } from './sessions.js';

/** Who keeps a place, and by which name. */
export interface KeepingWish {
  readonly identifier: string;
  /** What the identifier names. */
  readonly consumer: string | undefined;
  /** `?client=` of the address: what tells clients of one credential, or without one, apart. */
  readonly client: string | undefined;
  readonly grant: Grant;
}

/**
 * Entries that are given and not acknowledged at most. Clients that acknowledge nothing by themselves do so by their pongs,
 * every three seconds.
 */
const WINDOW = 4_096;

/** Where anybody may manage, as in development, a client without a credential and a name is the admin. */
const ADMIN = ownerOf({ kind: 'admin' }, undefined);

/**
 * The consumer that keeps the place of a subscription: the one that its identifier names, or, for a client with a name, one of
 * its own that is kept for a while. `undefined` without either; `nobody` when the consumer would be nobody's.
 */
export function keepingOf({
  identifier,
  consumer,
  client,
  grant,
}: KeepingWish): ConsumerRequest | 'nobody' | undefined {
  if (consumer === undefined && client === undefined) return undefined;
  const owner = ownerOf(grant.principal, client) ?? (grant.manages ? ADMIN : undefined);
  if (owner === undefined || (consumer !== undefined && !isConsumerName(consumer))) return 'nobody';
  const common = { owner, ack: 'explicit', window: WINDOW } as const;
  return consumer === undefined
    ? { ...common, name: `cable:${streamIdOf(identifier)}`, keptMs: RESUME_MS }
    : { ...common, name: consumer };
}
