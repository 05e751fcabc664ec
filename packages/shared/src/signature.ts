import { createHmac, timingSafeEqual } from 'node:crypto';
import { WebSubError } from './errors.js';
import { hmacSha256 } from './hmac.js';

/** The methods of section 7.1, weakest first. */
export const SIGNATURE_METHODS = ['sha1', 'sha256', 'sha384', 'sha512'] as const;
export type SignatureMethod = (typeof SIGNATURE_METHODS)[number];

/** Section 5.1: a secret MUST be less than 200 bytes in length, counted in UTF-8. */
export const SECRET_BYTES_LIMIT = 200;

const HEX_LENGTH: ReadonlyMap<string, number> = new Map([
  ['sha1', 40],
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

export function isSignatureMethod(name: string): name is SignatureMethod {
  return HEX_LENGTH.has(name);
}

/** Throws `invalid_request` for an empty secret or one of 200 bytes and more (section 5.1). */
export function checkSecret(secret: string): string {
  const bytes = Buffer.byteLength(secret);
  if (bytes === 0)
    throw new WebSubError('invalid_request', 'hub.secret is empty: leave it out, or send 1 to 199 bytes');
  if (bytes >= SECRET_BYTES_LIMIT) {
    throw new WebSubError(
      'invalid_request',
      `hub.secret has ${bytes} bytes: it must be shorter than 200 bytes`,
    );
  }
  return secret;
}

/** The value of `X-Hub-Signature` for these bytes: `method=hex` (section 7.1). */
export function sign(body: Uint8Array, secret: string, method: SignatureMethod = 'sha256'): string {
  const digest =
    method === 'sha256'
      ? hmacSha256(secret, [body], 'hex')
      : createHmac(method, secret).update(body).digest('hex');
  return `${method}=${digest}`;
}

export type SignatureCheck =
  | { readonly kind: 'valid'; readonly method: SignatureMethod }
  | { readonly kind: 'invalid'; readonly reason: 'missing' | 'malformed' | 'unknown-method' | 'mismatch' };

/**
 * Checks `X-Hub-Signature` against the bytes received, by the method the header names (section 8.3). Several secrets
 * may be live while one is rotated. Compares in constant time; never throws on what a stranger sent.
 */
export function checkSignature(
  body: Uint8Array,
  header: string | undefined,
  secrets: readonly string[],
): SignatureCheck {
  if (header === undefined || header === '') return { kind: 'invalid', reason: 'missing' };
  const equals = header.indexOf('=');
  const method = header.slice(0, Math.max(equals, 0)).trim().toLowerCase();
  const hex = header.slice(equals + 1).trim();
  if (equals < 0 || !/^[0-9a-f]+$/i.test(hex)) return { kind: 'invalid', reason: 'malformed' };
  if (!isSignatureMethod(method)) return { kind: 'invalid', reason: 'unknown-method' };
  // A shorter or longer value would make timingSafeEqual throw.
  if (hex.length !== HEX_LENGTH.get(method)) return { kind: 'invalid', reason: 'malformed' };
  const given = Buffer.from(hex, 'hex');
  const matches = secrets.filter((secret) =>
    timingSafeEqual(createHmac(method, secret).update(body).digest(), given),
  );
  return matches.length > 0 ? { kind: 'valid', method } : { kind: 'invalid', reason: 'mismatch' };
}
