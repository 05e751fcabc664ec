import type { Revocation } from '../../access/revocation.js';
import type { StoredCredential, StoredPage, StoredRevocation } from './commands.js';
import type { Database, Statement } from './sqlite-driver.js';

const CREDENTIAL_SUM = 'checksum(json_array(id, record))';
const REVOCATION_SUM = 'checksum(json_array(kind, value, at))';

/** API keys and revocations as tables; runs in the store's thread, inside the transaction of the caller. */
export class CredentialTables {
  readonly #add: Statement;
  readonly #remove: Statement;
  readonly #find: Statement;
  readonly #revoke: Statement;
  readonly #sumUp: Statement;
  readonly #revocationsAfter: Statement;

  constructor(database: Database) {
    this.#add = database.prepare(
      'INSERT OR IGNORE INTO credential (id, record, checksum) VALUES (?1, ?2, checksum(json_array(?1, ?2)))',
    );
    this.#remove = database.prepare('DELETE FROM credential WHERE id = ?');
    this.#find = database.prepare(`
      SELECT id, record, ${CREDENTIAL_SUM} = checksum AS sound FROM credential WHERE id > ? ORDER BY id LIMIT ?`);
    this.#revoke = database.prepare(`
      INSERT INTO revocation (kind, value, at, checksum) VALUES (?, ?, ?, 0)
      ON CONFLICT (kind, value) DO UPDATE SET at = max(at, excluded.at)`);
    this.#sumUp = database.prepare(
      `UPDATE revocation SET checksum = ${REVOCATION_SUM} WHERE kind = ? AND value = ?`,
    );
    this.#revocationsAfter = database.prepare(`
      SELECT number, kind, value, at, ${REVOCATION_SUM} = checksum AS sound
      FROM revocation WHERE number > ? ORDER BY number LIMIT ?`);
  }

  add(id: string, record: string): boolean {
    return Number(this.#add.run(id, record).changes) === 1;
  }

  remove(id: string): boolean {
    return Number(this.#remove.run(id).changes) === 1;
  }

  find({ after = '', limit }: StoredPage): readonly StoredCredential[] {
    return this.#find.all(after, limit) as StoredCredential[];
  }

  revoke({ kind, value, at }: Revocation): void {
    this.#revoke.run(kind, value, at);
    this.#sumUp.run(kind, value);
  }

  revocationsAfter(number: number, limit: number): readonly StoredRevocation[] {
    return this.#revocationsAfter.all(number, limit) as StoredRevocation[];
  }
}
