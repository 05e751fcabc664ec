import type { Grant } from '../../access/grant.js';
import type { TopicScope } from '../../access/topic-scope.js';

/** What the topic of an event says of it. */
export interface LoomAddress {
  /** `<app>.<event>`. */
  readonly name: string;
  /** `Org/<id>`. */
  readonly subject: string;
}

/** The kind of subject that an organisation is. */
const ORGANISATION = 'Org';

/**
 * The topics of events: `<base>loom/Org/<id>/<app>.<event>`. They are topics like any other, so that what is published as an
 * event is delivered to callbacks and read over Server-Sent Events, too.
 */
export class LoomTopics {
  readonly #base: () => string;
  #below = { base: '', events: '' };

  /** `base` is below what the hub has topics of its own. */
  constructor(base: () => string) {
    this.#base = base;
  }

  topicOf({ subject, name }: LoomAddress): string {
    return `${this.#events()}${subject}/${name}`;
  }

  /** A URL pattern for the events of every organisation; of this name, or of any. */
  patternOf(name = '*'): string {
    return `${this.#events()}*/${name}`;
  }

  /** A URL pattern for all events of the organisation. */
  patternOfOrganisation(id: string): string {
    return `${this.#events()}${ORGANISATION}/${id}/*`;
  }

  /** The topic of the organisation's events of this name. */
  topicOfOrganisation(id: string, name: string): string {
    return this.topicOf({ subject: `${ORGANISATION}/${id}`, name });
  }

  /** What the topic says; `undefined` for one that is none of events. */
  addressOf(topic: string): LoomAddress | undefined {
    const base = this.#events();
    if (!topic.startsWith(base)) return undefined;
    const [, subject, name] = /^(.+)\/([^/]+)$/.exec(topic.slice(base.length)) ?? [];
    return subject === undefined || name === undefined ? undefined : { subject, name };
  }

  /** All topics of the organisation's events. */
  scopeOf(id: string): TopicScope {
    return { includes: (topic) => topic.startsWith(`${this.#events()}${ORGANISATION}/${id}/`) };
  }

  /** All topics of events. */
  scope(): TopicScope {
    return { includes: (topic) => topic.startsWith(this.#events()) };
  }

  /** Whether the grant allows to begin with events. Of somebody who is known, which ones is asked of each. */
  mayBegin({ principal, scopes }: Grant): boolean {
    return principal !== undefined || scopes.read.includes(this.#events());
  }

  /** Of each entry that somebody without a credential is given it may be asked whether it is an event. */
  #events(): string {
    const base = this.#base();
    if (this.#below.base !== base) this.#below = { base, events: new URL('loom/', base).href };
    return this.#below.events;
  }
}
