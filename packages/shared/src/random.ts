import { randomFillSync } from 'node:crypto';

/** Chance as a port, so that jitter and tokens can be fixed in tests. */
export interface Random {
  /** A number in [0, 1), for jitter; not for secrets. */
  fraction(): number;
  /** `byteCount` unguessable bytes as base64url (`[A-Za-z0-9_-]`), for challenges, ids and secrets. */
  token(byteCount: number): string;
}

/** Asking the system costs 7 µs however few bytes are wanted, a tenth of a publication. */
const DRAWN_BYTES = 4_096;

/** Bytes of the system's random generator, drawn in advance; what was given away is overwritten. */
class Chance implements Random {
  readonly #drawn = Buffer.alloc(DRAWN_BYTES);
  #used = DRAWN_BYTES;

  fraction(): number {
    return Math.random();
  }

  token(byteCount: number): string {
    if (byteCount > DRAWN_BYTES) return randomFillSync(Buffer.alloc(byteCount)).toString('base64url');
    if (this.#used + byteCount > DRAWN_BYTES) {
      randomFillSync(this.#drawn);
      this.#used = 0;
    }
    const end = this.#used + byteCount;
    const token = this.#drawn.toString('base64url', this.#used, end);
    // A key must not lie in memory longer than whoever asked for it keeps it.
    this.#drawn.fill(0, this.#used, end);
    this.#used = end;
    return token;
  }
}

export const systemRandom: Random = new Chance();
