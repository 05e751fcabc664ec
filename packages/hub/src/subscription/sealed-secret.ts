import type { Brand } from '@websub/shared';

/** A subscriber's secret as it is kept, in memory and in the store: only its {@link Seal} opens it. */
export type SealedSecret = Brand<string, 'SealedSecret'>;

/**
 * How a secret stands to the keys at hand. `outdated`: it opens, but is to be sealed anew. `unknown`: none of the keys opens
 * it.
 */
export type Standing = 'current' | 'outdated' | 'unknown';

/** Keeps secrets from whoever reads the store or a copy of it. */
export interface Seal {
  /** Bound to the subscription: it opens for no other. */
  seal(secret: string, subscription: string): SealedSecret;
  /** Throws `store_damaged` when it was not sealed for this subscription with one of the keys. Never answers anything else. */
  open(sealed: SealedSecret, subscription: string): string;
  standingOf(sealed: SealedSecret): Standing;
  /** Names the key that a secret was sealed with, for messages; no part of the key. */
  keyOf(sealed: SealedSecret): string;
}
