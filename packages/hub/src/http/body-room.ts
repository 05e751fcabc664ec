import { WebSubError } from '@websub/shared';

/** Bodies up to this length need no room: there are at most as many as connections. */
const SMALL_BODY_BYTES = 64 * 1024;
const ROOM_BYTES = 256 * 1024 * 1024;
/** Bodies of the greatest length that there is room for at least. */
const FEWEST_LONGEST = 4;

/** Memory for bodies that are being received, bounded over all requests (LAW 8). */
export class BodyRoom {
  #freeBytes: number;

  constructor(maxBodyBytes: number) {
    this.#freeBytes = Math.max(ROOM_BYTES, maxBodyBytes * FEWEST_LONGEST);
  }

  /**
   * Settles as `receive` does, which gets a body of at most `bytes`. Rejects with `retry_later` when there is no room for it.
   */
  async hold<Received>(bytes: number, receive: () => Promise<Received>): Promise<Received> {
    if (bytes <= SMALL_BODY_BYTES) return receive();
    if (bytes > this.#freeBytes) {
      throw new WebSubError(
        'retry_later',
        'the hub is receiving as much as it has room for: try again in a few seconds',
      );
    }
    this.#freeBytes -= bytes;
    try {
      return await receive();
    } finally {
      this.#freeBytes += bytes;
    }
  }
}
