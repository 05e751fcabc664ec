import { timingSafeEqual } from 'node:crypto';
import { WebSubError } from '@websub/shared';
import { digestOf, rightsOf, type Credential } from '../access/credential.js';
import type { Credentials } from '../access/credentials.js';
import { grantOf, type Grant } from '../access/grant.js';
import type { Page } from '../subscription/registry.js';

const MOST_KEYS = 100_000;

export interface CredentialFilter {
  readonly role?: Credential['role'];
  readonly tenant?: string;
}

interface Key {
  readonly credential: Credential;
  readonly grant: Grant;
}

/** Every API key in memory, by id and by digest: finding the grant of a key takes no I/O. */
export class ApiKeys {
  readonly #store: Credentials;
  readonly #anybody: Grant;
  readonly #byId = new Map<string, Key>();
  readonly #byDigest = new Map<string, Key>();

  constructor(store: Credentials, anybody: Grant) {
    this.#store = store;
    this.#anybody = anybody;
  }

  async load(): Promise<void> {
    for await (const credentials of this.#store.loadCredentials()) {
      for (const credential of credentials) this.#enter(credential);
    }
  }

  /** The grant of the key with this text. */
  find(text: string): Grant | undefined {
    const digest = digestOf(text);
    // Who probes learns at most how much of a digest is right, from which no secret follows.
    const key = this.#byDigest.get(digest);
    return key !== undefined && sameDigest(key.credential.digest, digest) ? key.grant : undefined;
  }

  grantOf(id: string): Grant | undefined {
    return this.#byId.get(id)?.grant;
  }

  /** Settles when it is durable. Rejects with `invalid_request` for a wrong topic pattern and when there are too many keys. */
  async add(credential: Credential): Promise<void> {
    if (this.#byId.size >= MOST_KEYS)
      throw new WebSubError('invalid_request', `there are ${MOST_KEYS} credentials: revoke some`);
    // A pattern that nobody can read must not get into the store.
    rightsOf(credential);
    if (!(await this.#store.addCredential(credential)))
      throw new WebSubError('store_failed', `the credential's id is taken: try again`);
    this.#enter(credential);
  }

  /** Settles when it is durable, with false when there is none with this id. It opens nothing from the call on. */
  async remove(id: string): Promise<boolean> {
    const key = this.#byId.get(id);
    if (key !== undefined) {
      this.#byId.delete(id);
      this.#byDigest.delete(key.credential.digest);
    }
    try {
      return await this.#store.removeCredential(id);
    } catch (error) {
      // It will be there after a restart: it must not look revoked.
      if (key !== undefined) this.#enter(key.credential);
      throw error;
    }
  }

  idsOf(tenant: string): readonly string[] {
    return [...this.#byId.values()].flatMap(({ credential }) =>
      credential.tenant === tenant ? [credential.id] : [],
    );
  }

  /** Sorted by id. */
  list({ role, tenant }: CredentialFilter, { after, limit }: Page): readonly Credential[] {
    return [...this.#byId.values()]
      .map(({ credential }) => credential)
      .filter(
        (credential) =>
          (role === undefined || credential.role === role) &&
          (tenant === undefined || credential.tenant === tenant) &&
          (after === undefined || credential.id > after),
      )
      .toSorted((one, other) => (one.id < other.id ? -1 : 1))
      .slice(0, limit);
  }

  #enter(credential: Credential): void {
    const key = { credential, grant: grantOf(rightsOf(credential), this.#anybody) };
    this.#byId.set(credential.id, key);
    this.#byDigest.set(credential.digest, key);
  }
}

function sameDigest(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
