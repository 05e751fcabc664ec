import { may, type Grant } from '../access/grant.js';
import { NO_TOPIC } from '../access/topic-scope.js';
import type { Principal } from '../access/principal.js';
import { topicAbout } from '../access/topic-about.js';
import type { Gate } from '../gate/gate.js';
import type { Entry } from '../log/log.js';
import { allOf, matches, parseWhere, type Filter } from './filter.js';
import type { Payload } from './payload.js';

/** What a reader may read, and until when. */
export interface Permit {
  /** Who was let in; absent for anybody. */
  readonly principal: Principal | undefined;
  /** Whose it is, where a token names somebody; bounds how many streams one may have. */
  readonly subject: string | undefined;
  /** Streams that one may have, where the credential says. */
  readonly mostStreams?: number | undefined;
  /** Milliseconds since the epoch; `Infinity` for never. */
  readonly endsAt: number;
  /** What the credential wants of every entry, whatever its reader asks for. */
  readonly filter: Filter | undefined;
  /** Whether entries of the topic may be given, at this moment (LAW 13). */
  mayRead(topic: string): boolean;
  /** Calls back once when it expires or is revoked, within a second, unless what is returned was called before. */
  hold(onEnd: (end: 'expired' | 'revoked') => void): () => void;
}

const PERMITS = new WeakMap<Gate, WeakMap<Grant, Permit>>();

/** What the grant permits, the same object for all who were let in with it: thousands may read without a credential. */
export function permitOf(gate: Gate, grant: Grant): Permit {
  const permits = PERMITS.get(gate) ?? new WeakMap<Grant, Permit>();
  PERMITS.set(gate, permits);
  const permit = permits.get(grant) ?? makePermit(gate, grant);
  permits.set(grant, permit);
  return permit;
}

function makePermit(gate: Gate, grant: Grant): Permit {
  const { principal, restrictions, endsAt } = grant;
  return {
    principal,
    subject:
      principal?.kind === 'token' && principal.subject !== null
        ? JSON.stringify([principal.tenant, principal.subject])
        : undefined,
    mostStreams: restrictions?.streams ?? undefined,
    endsAt,
    // They were read when the credential was shown.
    filter: allOf((restrictions?.where ?? []).map(parseWhere)),
    mayRead: (topic) => gate.isGood(grant) && may(grant, 'read', topicAbout(topic)),
    hold: (onEnd) => gate.hold(grant, onEnd),
  };
}

/** Whether the entry may be given, at this moment, to whoever has this permit (LAW 13). */
export function mayReceive(permit: Permit, entry: Entry, payload: () => Payload): boolean {
  if (!permit.mayRead(entry.topic)) return false;
  // What a damaged entry said nobody can tell; what is told of it is that there was one.
  return permit.filter === undefined || entry.corrupt || matches(permit.filter, entry, payload);
}

/** Whether the grant allows to begin: every topic that is named has to be allowed, of patterns something. */
export function mayBegin(grant: Grant, topics: readonly string[]): boolean {
  return grant.scopes.read !== NO_TOPIC && topics.every((topic) => may(grant, 'read', topicAbout(topic)));
}

/** The permit of a connection whose client may show another credential on the way. */
export class RenewablePermit implements Permit {
  readonly #gate: Gate;
  /** One for most connections, so no set: its table would be larger than everything else here. */
  #holders: readonly ((end: 'expired' | 'revoked') => void)[] = [];
  #grant: Grant;
  #permit: Permit;
  readonly #bySubject: boolean;
  #release: () => void = () => undefined;

  /** `bySubject` false: how many streams its subject has is nobody's business, as with systems where one has many. */
  constructor(gate: Gate, grant: Grant, bySubject = true) {
    this.#gate = gate;
    this.#bySubject = bySubject;
    this.#grant = grant;
    this.#permit = permitOf(gate, grant);
  }

  /** What the client may do by what it showed last. It may have ended. */
  get grant(): Grant {
    return this.#grant;
  }

  get principal(): Principal | undefined {
    return this.#permit.principal;
  }

  get subject(): string | undefined {
    return this.#bySubject ? this.#permit.subject : undefined;
  }

  get mostStreams(): number | undefined {
    return this.#permit.mostStreams;
  }

  get filter(): Filter | undefined {
    return this.#permit.filter;
  }

  get endsAt(): number {
    return this.#permit.endsAt;
  }

  mayRead(topic: string): boolean {
    return this.#permit.mayRead(topic);
  }

  /** Whether content may be published to the topic, at this moment. */
  mayPublish(topic: string): boolean {
    return this.#gate.isGood(this.#grant) && may(this.#grant, 'publish', topic);
  }

  hold(onEnd: (end: 'expired' | 'revoked') => void): () => void {
    this.#holders = this.#holders.concat(onEnd);
    if (this.#holders.length === 1) this.#hold();
    return () => {
      this.#holders = this.#holders.filter((other) => other !== onEnd);
      if (this.#holders.length === 0) this.#release();
    };
  }

  /** From now on the client may do what this grant allows, and no longer what the one before did. */
  renew(grant: Grant): void {
    this.#permit = permitOf(this.#gate, grant);
    this.#grant = grant;
    if (this.#holders.length > 0) this.#hold();
  }

  #hold(): void {
    this.#release();
    this.#release = this.#permit.hold((end) => {
      for (const onEnd of this.#holders) onEnd(end);
    });
  }
}
