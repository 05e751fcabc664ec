import { WebSubError, type Clock, type Random } from '@websub/shared';
import { digestOf } from '../access/credential.js';
import type { Grant } from '../access/grant.js';

const TICKET_BYTES = 32;
const LASTS_MS = 30_000;
const MOST_TICKETS = 10_000;

export interface Ticket {
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface Issued {
  readonly grant: Grant;
  readonly until: number;
}

/** One-time tickets, for clients that cannot send headers. In memory: a ticket is younger than any restart takes. */
export class Tickets {
  readonly #clock: Clock;
  readonly #random: Random;
  /** By digest, the oldest first, since all last equally long. */
  readonly #issued = new Map<string, Issued>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Throws `retry_later` when too many tickets wait to be used. */
  issue(grant: Grant): Ticket {
    this.#forgetOld();
    if (this.#issued.size >= MOST_TICKETS)
      throw new WebSubError('retry_later', 'too many tickets wait to be used: try again in 30 s');
    const text = this.#random.token(TICKET_BYTES);
    this.#issued.set(digestOf(text), { grant, until: this.#clock.monotonic() + LASTS_MS });
    return { text, expiresAt: this.#clock.now() + LASTS_MS };
  }

  /** What the ticket is good for, once. */
  redeem(text: string): Grant | undefined {
    const digest = digestOf(text);
    const issued = this.#issued.get(digest);
    this.#issued.delete(digest);
    return issued !== undefined && issued.until > this.#clock.monotonic() ? issued.grant : undefined;
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [digest, { until }] of this.#issued) {
      if (until > now) return;
      this.#issued.delete(digest);
    }
  }
}
