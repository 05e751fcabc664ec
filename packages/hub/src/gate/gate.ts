import { timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '@websub/shared';
import { digestOf, keyOf, type Credential } from '../access/credential.js';
import type { Credentials } from '../access/credentials.js';
import { grantOf, isForever, may, narrowed, type Grant, type Scopes } from '../access/grant.js';
import type { Principal } from '../access/principal.js';
import type { Revocation } from '../access/revocation.js';
import { EVERY_TOPIC } from '../access/topic-scope.js';
import type { HubEmitter } from '../events.js';
import type { Page } from '../subscription/registry.js';
import { ApiKeys, type CredentialFilter } from './api-keys.js';
import { Holders, type GrantEnd } from './holders.js';
import { looksLikeToken } from './looks-like-token.js';
import { Revocations } from './revocations.js';
import { Tickets, type Ticket } from './tickets.js';
import type { Tokens } from './tokens.js';

/** A credential as somebody showed it: an API key, a token or the admin key; or a one-time ticket. */
export interface Shown {
  readonly kind: 'secret' | 'ticket';
  readonly text: string;
}

/** What comes of it. Whoever is not let in may do what anybody may. */
export type Entrance =
  | { readonly kind: 'anybody'; readonly grant: Grant }
  | { readonly kind: 'admitted'; readonly grant: Grant; readonly by: Shown['kind'] }
  /** It is no credential of this hub, or no longer. */
  | {
      readonly kind: 'refused';
      readonly grant: Grant;
      readonly reason: string;
      /** Whether it was one, until it ended by itself: then the client needs to get another one. */
      readonly hasExpired: boolean;
    }
  /** Nobody can say at the moment. */
  | { readonly kind: 'unavailable'; readonly grant: Grant; readonly reason: string };

export interface GateOptions {
  readonly credentials: Credentials;
  readonly anybody: Grant;
  readonly adminKey: string | undefined;
  /** Absent: no tokens are taken. */
  readonly tokens: Tokens | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
}

export type NewCredential = Pick<Credential, 'role' | 'tenant' | 'name' | 'publish' | 'read' | 'expiresAt'>;

const ID_BYTES = 9;
const SECRET_BYTES = 32;
const NOT_KNOWN = 'the credential is not known here, or no longer';

/** Who comes in, with which grant, and for how long. */
export class Gate {
  /** What anybody may do. */
  readonly anybody: Grant;
  readonly #options: GateOptions;
  readonly #keys: ApiKeys;
  readonly #revocations: Revocations;
  readonly #tickets: Tickets;
  readonly #holders: Holders;
  readonly #admin: { readonly digest: Buffer; readonly grant: Grant } | undefined;
  #onRevoked: () => void = () => undefined;

  constructor(options: GateOptions) {
    const { credentials, anybody, adminKey, clock } = options;
    this.#options = options;
    this.anybody = anybody;
    this.#keys = new ApiKeys(credentials, anybody);
    this.#revocations = new Revocations(credentials);
    this.#tickets = new Tickets(options);
    this.#holders = new Holders(clock, (grant) => this.#isRevoked(grant));
    this.#admin =
      adminKey === undefined
        ? undefined
        : { digest: Buffer.from(digestOf(adminKey)), grant: adminsGrant(anybody) };
  }

  /** Settles when every credential is known. `onRevoked` is called after each revocation. */
  async start(onRevoked: () => void): Promise<void> {
    this.#onRevoked = onRevoked;
    await this.#keys.load();
    await this.#revocations.load();
  }

  stop(): void {
    this.#holders.stop();
  }

  /** Settles with who it is; never rejects. */
  async admit(shown: Shown | undefined): Promise<Entrance> {
    if (shown === undefined) return { kind: 'anybody', grant: this.anybody };
    if (shown.kind === 'ticket') return this.#entrance(this.#tickets.redeem(shown.text), shown.kind);
    const { tokens } = this.#options;
    const isToken = looksLikeToken(shown.text);
    if (tokens === undefined || !isToken) {
      const grant = this.#adminsGrant(shown.text) ?? this.#keys.find(shown.text);
      // In development, where nobody has said whose credentials are good, what a client shows elsewhere does not keep it out.
      const isOfElsewhere =
        grant === undefined && tokens === undefined && (isToken || this.#admin === undefined);
      if (isOfElsewhere && this.anybody.manages) return { kind: 'anybody', grant: this.anybody };
      return this.#entrance(grant);
    }
    const outcome = await tokens.verify(shown.text);
    return outcome.kind === 'verified'
      ? this.#entrance(grantOf(outcome.rights, this.anybody))
      : { ...outcome, grant: this.anybody };
  }

  /** Whether the grant is still good: neither expired nor revoked. */
  isGood(grant: Grant): boolean {
    return isForever(grant) || (grant.endsAt > this.#options.clock.now() && !this.#isRevoked(grant));
  }

  /** Calls `onEnd` once when the grant expires or is revoked, unless what is returned was called before. */
  hold(grant: Grant, onEnd: (end: GrantEnd) => void): () => void {
    return this.#holders.hold(grant, onEnd);
  }

  /**
   * Whether what was begun in the name of this principal may still be given entries of the topic (LAW 13). What a token
   * said of topics was checked when it was shown, and never changes.
   */
  stillReads(principal: Principal | undefined, topic: string): boolean {
    switch (principal?.kind) {
      case undefined:
        return may(this.anybody, 'read', topic);
      case 'admin':
        return true;
      case 'key': {
        const grant = this.#keys.grantOf(principal.id);
        return grant !== undefined && grant.endsAt > this.#options.clock.now() && may(grant, 'read', topic);
      }
      case 'token':
        return principal.endsAt > this.#options.clock.now() && !this.#revocations.concerns(principal);
    }
  }

  /** A ticket for this grant, or for a part of it. Throws `retry_later` when too many wait to be used. */
  issueTicket(grant: Grant, part: Partial<Scopes> = {}): Ticket {
    const { publish = EVERY_TOPIC, read = EVERY_TOPIC } = part;
    return this.#tickets.issue(narrowed(grant, { publish, read }));
  }

  /** A new API key, which nobody can be told again. Settles when it is durable; rejects with `invalid_request`. */
  async createCredential(
    fields: NewCredential,
  ): Promise<{ readonly credential: Credential; readonly key: string }> {
    const { clock, random, events } = this.#options;
    const key = keyOf(fields.role, random.token(SECRET_BYTES));
    const credential = {
      ...fields,
      id: random.token(ID_BYTES),
      digest: digestOf(key),
      createdAt: clock.now(),
    };
    await this.#keys.add(credential);
    const { id, role, tenant } = credential;
    events.emit('credential-created', { credential: id, role, tenant });
    return { credential, key };
  }

  /** Sorted by id. */
  listCredentials(filter: CredentialFilter, page: Page): readonly Credential[] {
    return this.#keys.list(filter, page);
  }

  /** Settles when it is durable and has ended what was begun with the key; false when there is none with this id. */
  async revokeCredential(id: string): Promise<boolean> {
    const found = await this.#keys.remove(id);
    if (found) this.#revoked('credential', id);
    return found;
  }

  /** Settles when it is durable and has ended what was begun with these tokens; of a tenant, with its API keys too. */
  async revoke({ kind, value }: Omit<Revocation, 'at'>): Promise<void> {
    await this.#revocations.add({ kind, value, at: this.#options.clock.now() });
    if (kind === 'tenant') {
      for (const id of this.#keys.idsOf(value)) await this.revokeCredential(id);
    }
    this.#revoked(kind, value);
  }

  #revoked(kind: Revocation['kind'] | 'credential', value: string): void {
    this.#options.events.emit('access-revoked', { kind, value });
    this.#holders.look();
    this.#onRevoked();
  }

  #entrance(grant: Grant | undefined, by: Shown['kind'] = 'secret'): Entrance {
    return grant !== undefined && this.isGood(grant)
      ? { kind: 'admitted', grant, by }
      : { kind: 'refused', grant: this.anybody, reason: NOT_KNOWN, hasExpired: false };
  }

  #adminsGrant(text: string): Grant | undefined {
    const admin = this.#admin;
    if (admin === undefined) return undefined;
    // Digests are of one length, which the comparison needs and which hides the key's.
    return timingSafeEqual(Buffer.from(digestOf(text)), admin.digest) ? admin.grant : undefined;
  }

  #isRevoked({ principal }: Grant): boolean {
    if (principal?.kind === 'key') return this.#keys.grantOf(principal.id) === undefined;
    return principal !== undefined && this.#revocations.concerns(principal);
  }
}

function adminsGrant(anybody: Grant): Grant {
  return grantOf(
    {
      principal: { kind: 'admin' },
      publish: EVERY_TOPIC,
      read: EVERY_TOPIC,
      manages: true,
      endsAt: Infinity,
    },
    anybody,
  );
}
