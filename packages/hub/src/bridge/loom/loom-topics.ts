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

  #events(): string {
    return new URL('loom/', this.#base()).href;
  }
}
