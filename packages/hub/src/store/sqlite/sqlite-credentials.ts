import type { Credential } from '../../access/credential.js';
import type { Credentials } from '../../access/credentials.js';
import type { Revocation } from '../../access/revocation.js';
import { quarantine, type OnQuarantine } from './quarantine.js';
import type { StoreThread } from './store-thread.js';

/** Rows of one command: some 10 ms of the store's thread. */
const ROWS_AT_ONCE = 2_000;

/** API keys and revocations in SQLite. */
export class SqliteCredentials implements Credentials {
  readonly #thread: StoreThread;

  readonly #onQuarantine: OnQuarantine;

  constructor(thread: StoreThread, onQuarantine: OnQuarantine) {
    this.#thread = thread;
    this.#onQuarantine = onQuarantine;
  }

  async *loadCredentials(): AsyncIterable<readonly Credential[]> {
    let after: string | undefined;
    // Each round goes on behind the last row, so this ends.
    for (;;) {
      const rows = await this.#thread.call('findCredentials', [{ after, limit: ROWS_AT_ONCE }]);
      if (rows.length === 0) return;
      after = rows.at(-1)!.id;
      const damaged = rows.filter(({ sound }) => sound !== 1).map(({ id }) => ({ row: id, key: id }));
      // Whoever has the key needs a new one: what a damaged row would open is not known.
      await quarantine(this.#thread, 'credential', damaged, this.#onQuarantine);
      yield rows
        .filter(({ sound }) => sound === 1)
        .map(({ id, record }) => ({ id, ...(JSON.parse(record) as Omit<Credential, 'id'>) }));
    }
  }

  async *loadRevocations(): AsyncIterable<readonly Revocation[]> {
    let after = 0;
    // Each round goes on behind the last row, so this ends.
    for (;;) {
      const rows = await this.#thread.call('revocationsAfter', [after, ROWS_AT_ONCE]);
      if (rows.length === 0) return;
      after = rows.at(-1)!.number;
      const damaged = rows
        .filter(({ sound }) => sound !== 1)
        .map(({ number, kind, value }) => ({ row: number, key: `${kind} ${value}` }));
      await quarantine(this.#thread, 'revocation', damaged, this.#onQuarantine);
      yield rows.filter(({ sound }) => sound === 1).map(({ kind, value, at }) => ({ kind, value, at }));
    }
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
