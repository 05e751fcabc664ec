import { hkdfSync, timingSafeEqual } from 'node:crypto';
import { hmacSha256 } from './hmac.js';

/** Seconds that `webhook-timestamp` and the receiver's clock may differ; an older message may be a replay. */
export const WEBHOOK_TOLERANCE_SECONDS = 300;

const KEY_BYTES = 32;
// 32 bytes as base64.
const SIGNATURE = /^v1,([A-Za-z0-9+/]{43}=)$/;
const TIMESTAMP = /^\d{1,12}$/;

/**
 * The key of `webhook-signature` for a subscription: 32 bytes, HKDF-SHA256 (RFC 5869) of `hub.secret`, without salt, with
 * the info `WebSub webhook-signature ` and the topic as it was subscribed to.
 *
 * Derived, because a publisher chooses the bytes that `X-Hub-Signature` signs with the secret itself, and could choose
 * `id.timestamp.payload`. Bound to the topic, so that what was signed for one topic is worth nothing at another whose
 * subscription has the same secret.
 */
export function webhookKey(secret: string, topic: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `WebSub webhook-signature ${topic}`, KEY_BYTES));
}

/** What is signed besides the body. */
export interface WebhookMessage {
  /** `webhook-id`: the same on every attempt. */
  readonly id: string;
  /** `webhook-timestamp` of the attempt: seconds since the epoch. */
  readonly timestamp: string;
  readonly body: Uint8Array;
}

/** The value of `webhook-signature`, as Standard Webhooks has it: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64. */
export function signWebhook(message: WebhookMessage, key: Uint8Array): string {
  return `v1,${digestOf(message, key)}`;
}

export interface SignedWebhook {
  readonly id: string | undefined;
  readonly timestamp: string | undefined;
  /** One or several signatures with spaces between. */
  readonly signature: string;
  readonly body: Uint8Array;
}

export type WebhookCheck =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly reason: 'malformed' | 'mismatch' | 'stale' };

/**
 * Checks `webhook-signature` over id, time and the bytes received; one right signature by one of the keys is enough, so
 * that a secret can be rotated. `now` is in milliseconds since the epoch. Compares in constant time; never throws on what
 * a stranger sent.
 */
export function checkWebhook(
  { id, timestamp, signature, body }: SignedWebhook,
  keys: readonly Uint8Array[],
  now: number,
): WebhookCheck {
  if (id === undefined || id === '' || timestamp === undefined || !TIMESTAMP.test(timestamp))
    return { kind: 'invalid', reason: 'malformed' };
  // Signatures of other versions are for others.
  const given = signature.split(' ').flatMap((one) => {
    const base64 = SIGNATURE.exec(one)?.[1];
    return base64 === undefined ? [] : [Buffer.from(base64, 'base64')];
  });
  if (given.length === 0) return { kind: 'invalid', reason: 'malformed' };
  const matches = keys.filter((key) => {
    const expected = Buffer.from(digestOf({ id, timestamp, body }, key), 'base64');
    return given.some((one) => timingSafeEqual(one, expected));
  });
  if (matches.length === 0) return { kind: 'invalid', reason: 'mismatch' };
  const apart = Math.abs(now / 1000 - Number(timestamp));
  return apart <= WEBHOOK_TOLERANCE_SECONDS ? { kind: 'valid' } : { kind: 'invalid', reason: 'stale' };
}

/** In base64. */
function digestOf({ id, timestamp, body }: WebhookMessage, key: Uint8Array): string {
  return hmacSha256(key, [`${id}.${timestamp}.`, body], 'base64');
}
