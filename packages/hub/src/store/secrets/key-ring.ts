import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { WebSubError } from '@websub/shared';
import type { Seal, SealedSecret, Standing } from '../../subscription/sealed-secret.js';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 4;
const ENVELOPE = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/;
const PLAIN = 'plain.';

/**
 * Seals with the first of its keys and opens with any of them. The envelope is `v1.<key id>.<nonce, ciphertext, tag>`; the
 * subscription's id is bound to it as additional data, so that no secret can be moved to another row.
 *
 * Without a key it keeps secrets as they come, marked as such.
 */
export class KeyRing implements Seal {
  readonly #keys = new Map<string, KeyObject>();
  readonly #first: { readonly id: string; readonly key: KeyObject } | undefined;

  /** `keys` are texts of any form; what is used is derived from them. */
  constructor(keys: readonly string[]) {
    for (const text of keys) {
      const id = Buffer.from(derive(text, 'key id', ID_BYTES)).toString('hex');
      const key = createSecretKey(Buffer.from(derive(text, 'secrets of subscriptions', KEY_BYTES)));
      this.#first ??= { id, key };
      this.#keys.set(id, key);
    }
  }

  seal(secret: string, subscription: string): SealedSecret {
    if (this.#first === undefined) return sealed(PLAIN + secret);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#first.key, nonce).setAAD(Buffer.from(subscription));
    const bytes = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return sealed(`v1.${this.#first.id}.${bytes.toString('base64url')}`);
  }

  open(secret: SealedSecret, subscription: string): string {
    if (secret.startsWith(PLAIN)) return secret.slice(PLAIN.length);
    const [, id = '', payload = ''] = ENVELOPE.exec(secret) ?? [];
    const key = this.#keys.get(id);
    const bytes = Buffer.from(payload, 'base64url');
    if (key === undefined || bytes.length < NONCE_BYTES + TAG_BYTES) throw unopened(subscription);
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(subscription))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return (
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    } catch (cause) {
      throw unopened(subscription, cause);
    }
  }

  standingOf(secret: SealedSecret): Standing {
    if (secret.startsWith(PLAIN)) return this.#first === undefined ? 'current' : 'outdated';
    const id = this.keyOf(secret);
    if (id === this.#first?.id) return 'current';
    return this.#keys.has(id) ? 'outdated' : 'unknown';
  }

  keyOf(secret: SealedSecret): string {
    return ENVELOPE.exec(secret)?.[1] ?? 'without a name';
  }
}

function derive(text: string, purpose: string, length: number): ArrayBuffer {
  return hkdfSync('sha256', text, '', `websub-hub ${purpose}`, length);
}

// The only place that makes one: what it marks came out of `seal`.
function sealed(text: string): SealedSecret {
  return text as SealedSecret;
}

function unopened(subscription: string, cause?: unknown): WebSubError {
  return new WebSubError(
    'store_damaged',
    `the secret of subscription ${subscription} cannot be opened: it is damaged, or was sealed for another`,
    { cause },
  );
}
