import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';

/** Whether the request bears the key: `Authorization: Bearer KEY`. Constant time; false without a key to compare with. */
export function bearsKey(request: Request, key: string | undefined): boolean {
  if (key === undefined) return false;
  const given = /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? '';
  // Digests are of one length, which the comparison needs and which hides the key's.
  return timingSafeEqual(sha256(given), sha256(key));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
