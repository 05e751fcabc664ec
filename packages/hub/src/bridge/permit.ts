import { may, type Grant } from '../access/grant.js';
import { NO_TOPIC } from '../access/topic-scope.js';
import type { Gate } from '../gate/gate.js';

/** What a reader may read, and until when. */
export interface Permit {
  /** Whose it is, where a token names somebody; bounds how many streams one may have. */
  readonly subject: string | undefined;
  /** Milliseconds since the epoch; `Infinity` for never. */
  readonly endsAt: number;
  /** Whether entries of the topic may be given, at this moment (LAW 13). */
  mayRead(topic: string): boolean;
  /** Calls back once when it expires or is revoked, within a second, unless what is returned was called before. */
  hold(onEnd: (end: 'expired' | 'revoked') => void): () => void;
}

export function permitOf(gate: Gate, grant: Grant): Permit {
  const { principal, endsAt } = grant;
  return {
    subject:
      principal?.kind === 'token' && principal.subject !== null
        ? JSON.stringify([principal.tenant, principal.subject])
        : undefined,
    endsAt,
    mayRead: (topic) => gate.isGood(grant) && may(grant, 'read', topic),
    hold: (onEnd) => gate.hold(grant, onEnd),
  };
}

/** Whether the grant allows to begin: every topic that is named has to be allowed, of patterns something. */
export function mayBegin(grant: Grant, topics: readonly string[]): boolean {
  return grant.scopes.read !== NO_TOPIC && topics.every((topic) => may(grant, 'read', topic));
}
