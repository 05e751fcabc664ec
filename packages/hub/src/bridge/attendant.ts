import { WebSubError } from '@websub/shared';
import type { Principal } from '../access/principal.js';
import type { Presence } from './presence.js';

/** What a client tells of itself to whoever may read the topic. */
export interface PresenceWords {
  /** How it calls itself, where no credential says who it is. */
  readonly name: string;
  /** Any JSON. */
  readonly state: unknown;
}

const NAME = /^[\w.:@-]{1,64}$/;
const LONGEST_STATE = 1_024;

/** Throws `invalid_request` when the name is none, or the state too long. */
export function checkedPresence(words: PresenceWords): PresenceWords {
  if (!NAME.test(words.name))
    throw wrong('presence is not 1 to 64 letters, digits, ".", "_", ":", "@" or "-": choose another name');
  if ((JSON.stringify(words.state) ?? '').length > LONGEST_STATE)
    throw wrong(`state is longer than ${LONGEST_STATE} characters: tell less`);
  return words;
}

/** Who is there by what one connection says. Its end takes that back, unless its client is back in time. */
export class Attendant {
  readonly #presence: Presence;
  /** By topic; absent for most, who tell nothing. */
  #ids: Map<string, string> | undefined;

  constructor(presence: Presence) {
    this.#presence = presence;
  }

  /** Says that somebody is there, or tells something new of him; false when the topic is full. */
  join(topic: string, { name, state }: PresenceWords, principal: Principal | undefined): boolean {
    const id = idOf(principal, name);
    if (this.#ids?.get(topic) !== id) this.leave(topic);
    const joined = this.#presence.join(topic, { id, info: state }, this);
    if (joined) (this.#ids ??= new Map()).set(topic, id);
    return joined;
  }

  /** He has gone. Harmless when he was not there. */
  leave(topic: string): void {
    const id = this.#ids?.get(topic);
    this.#ids?.delete(topic);
    if (id !== undefined) this.#presence.leave(topic, id, this, 'left');
  }

  /** The connection has ended. `left`: because its client wanted that. */
  end(how: 'left' | 'lost'): void {
    for (const [topic, id] of this.#ids ?? []) this.#presence.leave(topic, id, this, how);
    this.#ids = undefined;
  }
}

/** Whom a token names nobody else can be. */
function idOf(principal: Principal | undefined, name: string): string {
  if (principal?.kind !== 'token' || principal.subject === null) return `anonymous:${name}`;
  return principal.tenant === null ? principal.subject : `${principal.tenant}/${principal.subject}`;
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}
