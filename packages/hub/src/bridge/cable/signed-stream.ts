import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The name of a stream that an application signed, as `ActiveSupport::MessageVerifier` with SHA-256 and JSON does and
 * AnyCable's clients send it: `base64(JSON of the name)--hex of the HMAC`. `undefined` for anything else.
 */
export function verifiedStream(signed: string, secret: string): string | undefined {
  const [, data = '', digest = ''] = /^([\w+/=-]+)--([0-9a-f]{64})$/.exec(signed) ?? [];
  const expected = createHmac('sha256', secret).update(data).digest();
  if (!timingSafeEqual(expected, Buffer.from(digest.padEnd(64, '0'), 'hex')) || data === '') return undefined;
  try {
    const name: unknown = JSON.parse(Buffer.from(data, 'base64').toString());
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    // Signed, but with another serializer.
    return undefined;
  }
}
