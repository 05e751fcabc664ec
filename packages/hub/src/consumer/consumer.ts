import { createHash } from 'node:crypto';
import type { Restrictions } from '../access/grant.js';
import type { Principal } from '../access/principal.js';
import type { Position } from '../log/log.js';

/** Whose a consumer is: nobody else can use it or see it. */
export interface Owner {
  /** `null` for the hub's own. */
  readonly tenant: string | null;
  /** Who in that tenant: `subject:…`, `key:…`, `admin`, `client:…`; empty for the tenant as a whole. */
  readonly holder: string;
}

/** A reader with a name, whose place the hub keeps. */
export interface Consumer extends ConsumerPlace {
  /** Of its owner and its name. */
  readonly id: string;
  readonly owner: Owner;
  readonly name: string;
  /** What it followed when it was used last, to tell how far behind it is; empty when that is too long to be kept. */
  readonly topics: readonly string[];
  readonly patterns: readonly string[];
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly usedAt: number;
  /** Milliseconds that it is kept while nobody uses it; absent: as long as the hub keeps consumers. */
  readonly keptMs?: number;
  /** Present when it is a WebSub channel's: then it ends with the lease. */
  readonly channel?: ChannelTerms | undefined;
}

/** What the hub grants to whoever knows the address of a channel. */
export interface ChannelTerms {
  readonly type: 'websocket' | 'sse';
  readonly topic: string;
  /** Types of updates; empty for all. */
  readonly events: readonly string[];
  /** In whose name it was asked for; absent for anybody. */
  readonly principal?: Principal | undefined;
  /** What the credential gave less of; absent for nothing. */
  readonly restrictions?: Restrictions | undefined;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
  /** Whether somebody has connected: the channel is asked for in earnest. */
  readonly confirmed: boolean;
}

/** Everything up to `position` is settled, except what is open. */
export interface ConsumerPlace {
  readonly position: Position;
  /** Where it was when it was used last. */
  readonly beganAt: Position;
  readonly open: readonly OpenEntry[];
}

/** An entry that was given and not acknowledged, before others that were. */
export interface OpenEntry {
  readonly position: Position;
  /** How often it was given. */
  readonly attempts: number;
  /** When it is given again, milliseconds since the epoch; 0 for at once. */
  readonly dueAt: number;
}

const NAME = /^[\w.:-]{1,64}$/;
/** Whoever guesses it goes on with somebody else's consumers. */
const SHORTEST_CLIENT = 16;
const LONGEST_CLIENT = 256;

export function isConsumerName(text: string): boolean {
  return NAME.test(text);
}

/** Whether this may be the secret by which a client without a credential is known. */
export function isClientSecret(text: string): boolean {
  return text.length >= SHORTEST_CLIENT && text.length <= LONGEST_CLIENT;
}

/**
 * Whose consumers somebody uses: of a token its subject's, of an API key its tenant's (or its own, where it has none). A
 * `client` has consumers of its own within that; it is all that tells clients without a credential apart, so those need
 * one. `undefined` for nobody.
 */
export function ownerOf(principal: Principal | undefined, client: string | undefined): Owner | undefined {
  const who = holderOf(principal);
  if (client === undefined) return who;
  // A client without a credential is known by it, so that it is kept like a secret (LAW 10).
  const digest = `client:${createHash('sha256').update(client).digest('base64url').slice(0, 22)}`;
  if (who === undefined) return { tenant: null, holder: digest };
  return { tenant: who.tenant, holder: who.holder === '' ? digest : `${who.holder} ${digest}` };
}

function holderOf(principal: Principal | undefined): Owner | undefined {
  switch (principal?.kind) {
    case undefined:
      return undefined;
    case 'admin':
      return { tenant: null, holder: 'admin' };
    case 'key':
      // A key that replaces another one of the tenant goes on with the same consumers.
      return { tenant: principal.tenant, holder: principal.tenant === null ? `key:${principal.id}` : '' };
    case 'token': {
      const { tenant, subject } = principal;
      if (subject !== null) return { tenant, holder: `subject:${subject}` };
      return tenant === null ? undefined : { tenant, holder: '' };
    }
  }
}

/** What names a consumer to people and in the store: it tells nothing, and nobody else's is the same. */
export function consumerId({ tenant, holder }: Owner, name: string): string {
  return createHash('sha256')
    .update(JSON.stringify([tenant, holder, name]))
    .digest('base64url')
    .slice(0, 22);
}

/** Whether it is this owner, or one of its clients. */
export function isWithin(one: Owner, owner: Owner): boolean {
  const clients = owner.holder === '' ? 'client:' : `${owner.holder} client:`;
  return isSameOwner(one, owner) || (one.tenant === owner.tenant && one.holder.startsWith(clients));
}

export function isSameOwner(one: Owner, other: Owner): boolean {
  return one.tenant === other.tenant && one.holder === other.holder;
}
