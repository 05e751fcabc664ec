import type { Credential } from './credential.js';
import type { Revocation } from './revocation.js';

/**
 * API keys and revocations, as stored. Every promise of a change settles when it is on stable storage; it rejects with
 * `store_full` or `store_failed`, and then nothing was changed.
 */
export interface Credentials {
  /** Everything, in batches, in no particular order: what a hub reads when it starts. */
  loadCredentials(): AsyncIterable<readonly Credential[]>;
  loadRevocations(): AsyncIterable<readonly Revocation[]>;
  /** False when the id is taken; then nothing was changed. */
  addCredential(credential: Credential): Promise<boolean>;
  /** False when there is none with this id. */
  removeCredential(id: string): Promise<boolean>;
  /** One revocation is kept for each kind and value: the latest. */
  addRevocation(revocation: Revocation): Promise<void>;
}
