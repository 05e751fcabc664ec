import type { Random } from '@websub/shared';

const TIME_BYTES = 6;

/**
 * An id for what its publisher gave none: the time, and random bytes as base64url. Ids of one time begin alike, so that in an
 * index by id they lie together: with random ones a store writes a page of 4 KiB for each of them, a third of its work.
 */
export function entryId(now: number, random: Random, randomBytes: number): string {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeUIntBE(Math.trunc(now), 0, TIME_BYTES);
  return time.toString('base64url') + random.token(randomBytes);
}
