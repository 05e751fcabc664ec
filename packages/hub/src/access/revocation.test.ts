import { describe, expect, it } from 'vitest';
import type { Principal } from './principal.js';
import { isRevoked, type Revocation } from './revocation.js';

const AT = 1_000_000;
const token: Principal = {
  kind: 'token',
  id: 'jti-1',
  subject: 'alice',
  tenant: 'acme',
  issuedAt: AT - 1_000,
  endsAt: AT + 60_000,
};

function revokedBy(principal: Principal, revocation: Revocation): boolean {
  return isRevoked(principal, (kind, value) =>
    kind === revocation.kind && value === revocation.value ? revocation.at : undefined,
  );
}

describe('a revocation', () => {
  it.each([
    ['of its id', { kind: 'token', value: 'jti-1', at: AT }, true],
    ['of another id', { kind: 'token', value: 'jti-2', at: AT }, false],
    ['of its id, said before it was issued', { kind: 'token', value: 'jti-1', at: 0 }, true],
    ['of its subject', { kind: 'subject', value: 'alice', at: AT }, true],
    [
      'of its subject in the second in which it was issued',
      { kind: 'subject', value: 'alice', at: AT - 1_000 },
      true,
    ],
    ['of its subject before it was issued', { kind: 'subject', value: 'alice', at: AT - 1_001 }, false],
    ['of another subject', { kind: 'subject', value: 'acme', at: AT }, false],
    ['of its tenant', { kind: 'tenant', value: 'acme', at: AT }, true],
    ['of its tenant before it was issued', { kind: 'tenant', value: 'acme', at: AT - 2_000 }, false],
    ['of another tenant', { kind: 'tenant', value: 'alice', at: AT }, false],
  ] as const)('%s ends a token: %j %s', (_what, revocation, expected) => {
    expect(revokedBy(token, revocation)).toBe(expected);
  });

  it('of a subject or tenant ends a token that does not say when it was issued', () => {
    const undated: Principal = { ...token, issuedAt: null };
    expect(revokedBy(undated, { kind: 'subject', value: 'alice', at: 1 })).toBe(true);
    expect(revokedBy(undated, { kind: 'tenant', value: 'acme', at: 1 })).toBe(true);
    expect(revokedBy(undated, { kind: 'tenant', value: 'other', at: AT })).toBe(false);
  });

  it('of tokens concerns neither keys nor the admin', () => {
    const revocation: Revocation = { kind: 'tenant', value: 'acme', at: AT };
    expect(revokedBy({ kind: 'key', id: 'acme', tenant: 'acme' }, revocation)).toBe(false);
    expect(revokedBy({ kind: 'admin' }, revocation)).toBe(false);
  });
});
