import type { CancelTimer, Clock } from '@websub/shared';
import { isForever, type Grant } from '../access/grant.js';

/** Why a grant ended while it was in use. */
export type GrantEnd = 'expired' | 'revoked';

interface Holder {
  readonly grant: Grant;
  readonly onEnd: (end: GrantEnd) => void;
}

const LOOK_MS = 500;

/** Everything that goes on in the name of a grant, such as a stream or an upload, and ends with it. */
export class Holders {
  readonly #clock: Clock;
  readonly #isRevoked: (grant: Grant) => boolean;
  readonly #holders = new Set<Holder>();
  #cancel: CancelTimer | undefined;

  constructor(clock: Clock, isRevoked: (grant: Grant) => boolean) {
    this.#clock = clock;
    this.#isRevoked = isRevoked;
  }

  /** Calls `onEnd` once when the grant ends, unless what is returned was called before. */
  hold(grant: Grant, onEnd: (end: GrantEnd) => void): () => void {
    // Most streams are read with such a one.
    if (isForever(grant)) return letGo;
    const holder = { grant, onEnd };
    this.#holders.add(holder);
    this.#arm();
    return () => void this.#holders.delete(holder);
  }

  /** Something was revoked: whoever it concerns is told in this turn of the event loop. */
  look(): void {
    const now = this.#clock.now();
    for (const holder of this.#holders) {
      const { grant, onEnd } = holder;
      const end = this.#isRevoked(grant) ? 'revoked' : grant.endsAt <= now ? 'expired' : undefined;
      if (end === undefined) continue;
      this.#holders.delete(holder);
      onEnd(end);
    }
  }

  stop(): void {
    this.#cancel?.();
  }

  /** Grants end by the wall clock, which may jump: one look twice a second, while anybody holds anything, sees that too. */
  #arm(): void {
    if (this.#cancel !== undefined || this.#holders.size === 0) return;
    this.#cancel = this.#clock.after(LOOK_MS, () => {
      this.#cancel = undefined;
      this.look();
      this.#arm();
    });
  }
}

function letGo(): void {
  // Nothing was held.
}
