import { parseWebUrl, WebSubError } from '@websub/shared';
import type { TopicScope } from '../access/topic-scope.js';

/** Things that other systems name by themselves, and that are topics of this hub: a target, a topic of a wallet, a client, a stream. */
export type OwnKind = 'targets' | 'wallets' | 'clients' | 'streams';

/** The topics of what other systems name: `{base}targets/session-7`, `{base}wallets/w1/proofs`, `{base}clients/client1`. */
export class OwnTopics {
  readonly #base: () => string;

  constructor(base: () => string) {
    this.#base = base;
  }

  /** Throws `invalid_request` naming `field` for names that are empty, or that no URL can hold. */
  of(kind: OwnKind, names: readonly string[], field: string): string {
    // An empty name would be that of another thing, and no URL holds half a surrogate pair.
    if (names.some((name) => name === '' || /\p{Surrogate}/u.test(name)))
      throw new WebSubError('invalid_request', `${field} is empty or is no text: send a name`);
    const topic = this.#below(kind) + names.map(encodeURIComponent).join('/');
    parseWebUrl(topic, field);
    return topic;
  }

  /** The names that {@link of} was given; none when the topic is not of this kind. */
  namesOf(kind: OwnKind, topic: string): readonly string[] {
    const below = this.#below(kind);
    return topic.startsWith(below) ? topic.slice(below.length).split('/').map(decoded) : [];
  }

  /** All topics of this kind. */
  scopeOf(kind: OwnKind): TopicScope {
    return { includes: (topic) => topic.startsWith(this.#below(kind)) };
  }

  #below(kind: OwnKind): string {
    return new URL(`${kind}/`, this.#base()).href;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Whoever published it did not go by our rules.
    return part;
  }
}
