import { WebSubError } from '@websub/shared';
import type { Credentials } from '../access/credentials.js';
import type { Principal } from '../access/principal.js';
import { isRevoked, type Revocation } from '../access/revocation.js';

const MOST_REVOCATIONS = 100_000;

/** Every revocation in memory, and in the store. */
export class Revocations {
  readonly #store: Credentials;
  readonly #at = new Map<string, number>();

  constructor(store: Credentials) {
    this.#store = store;
  }

  async load(): Promise<void> {
    for await (const revocations of this.#store.loadRevocations()) {
      for (const revocation of revocations) this.#enter(revocation);
    }
  }

  /** Settles when it is durable. Rejects with `invalid_request` when there are too many. */
  async add(revocation: Revocation): Promise<void> {
    if (this.#at.size >= MOST_REVOCATIONS) {
      throw new WebSubError(
        'invalid_request',
        `there are ${MOST_REVOCATIONS} revocations: change the key that tokens are signed with instead`,
      );
    }
    await this.#store.addRevocation(revocation);
    this.#enter(revocation);
  }

  concerns(principal: Principal): boolean {
    return isRevoked(principal, (kind, value) => this.#at.get(keyOf(kind, value)));
  }

  #enter({ kind, value, at }: Revocation): void {
    const key = keyOf(kind, value);
    this.#at.set(key, Math.max(at, this.#at.get(key) ?? -Infinity));
  }
}

function keyOf(kind: Revocation['kind'], value: string): string {
  return `${kind} ${value}`;
}
