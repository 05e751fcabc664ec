/** Who was let in by a credential. What was done in its name names it, so that a revocation finds it. */
export type Principal =
  | { readonly kind: 'admin' }
  | { readonly kind: 'key'; readonly id: string; readonly tenant: string | null }
  | {
      readonly kind: 'token';
      /** The token's own id (`jti`), whom it is about (`sub`), and when it was issued, milliseconds since the epoch. */
      readonly id: string | null;
      readonly subject: string | null;
      readonly issuedAt: number | null;
      /** When it stops being good, milliseconds since the epoch. */
      readonly endsAt: number;
      readonly tenant: string | null;
    };

/** The tenant; `null` for the hub's own and for anybody (absent). */
export function tenantOf(principal: Principal | undefined): string | null {
  return principal === undefined || principal.kind === 'admin' ? null : principal.tenant;
}
