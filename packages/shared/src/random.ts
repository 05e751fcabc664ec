import { randomBytes } from 'node:crypto';

/** Chance as a port, so that jitter and tokens can be fixed in tests. */
export interface Random {
  /** A number in [0, 1), for jitter; not for secrets. */
  fraction(): number;
  /** `byteCount` unguessable bytes as base64url (`[A-Za-z0-9_-]`), for challenges, ids and secrets. */
  token(byteCount: number): string;
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  token: (byteCount) => randomBytes(byteCount).toString('base64url'),
};
