import type { Principal } from './principal.js';

/**
 * `token`: the token with this id (`jti`). `subject`, `tenant`: every token of theirs that was issued up to then. API keys
 * are revoked by removing them.
 */
export interface Revocation {
  readonly kind: 'token' | 'subject' | 'tenant';
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** When each was revoked, for a look-up at every use of a token. */
export type RevokedAt = (kind: Revocation['kind'], value: string) => number | undefined;

/** Whether a revocation concerns this principal. A token that does not say when it was issued was issued before. */
export function isRevoked(principal: Principal, revokedAt: RevokedAt): boolean {
  if (principal.kind !== 'token') return false;
  const { id, subject, tenant } = principal;
  const issuedAt = principal.issuedAt ?? 0;
  const covers = (kind: 'subject' | 'tenant', value: string | null): boolean =>
    value !== null && issuedAt <= (revokedAt(kind, value) ?? -Infinity);
  return (
    (id !== null && revokedAt('token', id) !== undefined) ||
    covers('subject', subject) ||
    covers('tenant', tenant)
  );
}
