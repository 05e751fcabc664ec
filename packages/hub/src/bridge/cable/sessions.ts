import type { Clock } from '@websub/shared';

/** What a client of AnyCable's protocol had when its connection broke. */
export interface CableSession {
  /** Who it was; nobody else can have it back. */
  readonly owner: string;
  /** The cursors where its subscriptions stood, by their identifiers. */
  readonly places: ReadonlyMap<string, string>;
}

interface KeptSession extends CableSession {
  readonly until: number;
  readonly size: number;
}

/** How long a client may be away. */
export const RESUME_MS = 300_000;
/** Characters of identifiers that are kept in all; beyond them the oldest sessions go (LAW 8). */
const MOST_CHARACTERS = 16 * 1024 * 1024;
/** What a session and a subscription take besides its identifier, roughly. */
const SESSION_CHARACTERS = 256;

/**
 * Sessions of clients that are away, for a while and in memory only: after a restart of the hub a client begins another one,
 * and asks for what it has missed by the places that it has kept itself.
 */
export class CableSessions {
  readonly #clock: Clock;
  /** In the order in which they end. */
  readonly #sessions = new Map<string, KeptSession>();
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep(sid: string, session: CableSession): void {
    const identifiers = [...session.places.keys()];
    const size = identifiers.reduce(
      (sum, text) => sum + text.length + SESSION_CHARACTERS,
      SESSION_CHARACTERS,
    );
    this.#sessions.set(sid, { ...session, size, until: this.#clock.monotonic() + RESUME_MS });
    this.#size += size;
    this.#prune();
  }

  /** The session, which its client has back; `undefined` for one that ended, or is somebody else's. */
  take(sid: string, owner: string): CableSession | undefined {
    this.#prune();
    const session = this.#sessions.get(sid);
    if (session?.owner !== owner) return undefined;
    this.#drop(sid, session);
    return session;
  }

  #prune(): void {
    const now = this.#clock.monotonic();
    // Ends when nothing is left, if not before.
    for (const [sid, session] of this.#sessions) {
      if (session.until > now && this.#size <= MOST_CHARACTERS) break;
      this.#drop(sid, session);
    }
  }

  #drop(sid: string, { size }: KeptSession): void {
    this.#sessions.delete(sid);
    this.#size -= size;
  }
}
