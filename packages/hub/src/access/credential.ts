import { createHash } from 'node:crypto';
import type { Rights } from './grant.js';
import { EVERY_TOPIC, topicScope } from './topic-scope.js';

/** `admin` manages and may everything; `publisher` publishes, and reads if told to; `reader` reads. */
export const ROLES = ['admin', 'publisher', 'reader'] as const;
export type Role = (typeof ROLES)[number];

/** An API key as it is stored: `<role>.<secret>` itself is known to its holder only. */
export interface Credential {
  readonly id: string;
  readonly role: Role;
  /** Whose it is; `null` for the hub's own. */
  readonly tenant: string | null;
  /** What people call it. */
  readonly name: string | null;
  /** Topic patterns. */
  readonly publish: readonly string[];
  readonly read: readonly string[];
  /** {@link digestOf} the key. */
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

/**
 * What is stored of a secret. One round of SHA-256 is enough, and fast enough for every request, because our secrets are
 * 256 random bits that nobody can guess from their digest; it is not fit for passwords.
 */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

export function keyOf(role: Role, secret: string): string {
  return `${role}.${secret}`;
}

export function rightsOf({ id, role, tenant, publish, read, expiresAt }: Credential): Rights {
  const manages = role === 'admin';
  return {
    principal: { kind: 'key', id, tenant },
    manages,
    publish: manages ? EVERY_TOPIC : topicScope(publish, 'publish'),
    read: manages ? EVERY_TOPIC : topicScope(read, 'read'),
    endsAt: expiresAt ?? Infinity,
  };
}
