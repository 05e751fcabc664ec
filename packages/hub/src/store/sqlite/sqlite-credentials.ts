import type { Credential } from '../../access/credential.js';
import type { Credentials } from '../../access/credentials.js';
import type { Revocation } from '../../access/revocation.js';
import { ROWS_AT_ONCE, type StoredCredential, type StoredRevocation } from './commands.js';
import type { Quarantine } from './quarantine.js';
import type { StoreThread } from './store-thread.js';

/** API keys and revocations in SQLite. */
export class SqliteCredentials implements Credentials {
  readonly #thread: StoreThread;
  readonly #quarantine: Quarantine;

  constructor(thread: StoreThread, quarantine: Quarantine) {
    this.#thread = thread;
    this.#quarantine = quarantine;
  }

  async *loadCredentials(): AsyncIterable<readonly Credential[]> {
    // Whoever has the key of a damaged one needs a new one: what it would open is not known.
    const credentials = this.#quarantine.soundRows<StoredCredential>(
      'credential',
      (last) => this.#thread.call('findCredentials', [{ after: last?.id, limit: ROWS_AT_ONCE }]),
      ({ id }) => ({ row: id, key: id }),
    );
    for await (const batch of credentials)
      yield batch.map(({ id, record }) => ({ id, ...(JSON.parse(record) as Omit<Credential, 'id'>) }));
  }

  async *loadRevocations(): AsyncIterable<readonly Revocation[]> {
    const revocations = this.#quarantine.soundRows<StoredRevocation>(
      'revocation',
      (last) => this.#thread.call('revocationsAfter', [last?.number ?? 0, ROWS_AT_ONCE]),
      ({ number, kind, value }) => ({ row: number, key: `${kind} ${value}` }),
    );
    for await (const batch of revocations) yield batch.map(({ kind, value, at }) => ({ kind, value, at }));
  }

  addCredential({ id, ...record }: Credential): Promise<boolean> {
    return this.#thread.call('addCredential', [id, JSON.stringify(record)]);
  }

  removeCredential(id: string): Promise<boolean> {
    return this.#thread.call('removeCredential', [id]);
  }

  addRevocation(revocation: Revocation): Promise<void> {
    return this.#thread.call('addRevocation', [revocation]);
  }
}
