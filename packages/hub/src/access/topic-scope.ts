import { parseWebUrl, URL_LENGTH_LIMIT, WebSubError } from '@websub/shared';

/** A set of topics. */
export interface TopicScope {
  includes(topic: string): boolean;
}

export const EVERY_TOPIC: TopicScope = { includes: () => true };
export const NO_TOPIC: TopicScope = { includes: () => false };

const MOST_PATTERNS = 100;
const MOST_WILDCARDS = 8;
/** Each stream that is read with a token has a scope of its own: of a thousand topics it would take 30 KB, to save 0.1 µs of an entry. */
const MOST_REMEMBERED = 100;

/**
 * The topics that any of the patterns names: `*` is every topic, a URL is that topic, and in the path or query of a URL
 * `*` stands for any characters, such as `https://shop.example/orders/*`. Patterns and topics are compared as they are
 * written.
 *
 * Throws `invalid_request` naming `field`, for a pattern that is none of these and for more than 100.
 */
export function topicScope(patterns: readonly string[], field: string): TopicScope {
  if (patterns.length > MOST_PATTERNS)
    throw new WebSubError('invalid_request', `${field} has more than ${MOST_PATTERNS} patterns: use fewer`);
  const distinct = new Set(patterns);
  for (const pattern of distinct) checkPattern(pattern, field);
  if (distinct.size === 0) return NO_TOPIC;
  return distinct.has('*') ? EVERY_TOPIC : new PatternScope([...distinct]);
}

/** The topics of both. */
export function common(one: TopicScope, other: TopicScope): TopicScope {
  if (one === EVERY_TOPIC) return other;
  if (other === EVERY_TOPIC) return one;
  return { includes: (topic) => one.includes(topic) && other.includes(topic) };
}

/** The topics of one that are none of the other's. */
export function without(one: TopicScope, other: TopicScope): TopicScope {
  if (one === NO_TOPIC || other === NO_TOPIC) return one;
  return { includes: (topic) => one.includes(topic) && !other.includes(topic) };
}

/** The topics of either. */
export function union(one: TopicScope, other: TopicScope): TopicScope {
  if (one === EVERY_TOPIC || other === NO_TOPIC) return one;
  if (other === EVERY_TOPIC || one === NO_TOPIC) return other;
  return { includes: (topic) => one.includes(topic) || other.includes(topic) };
}

// The host has to be written out: `https://shop.example*` would be `https://shop.example.attacker.example/` too.
const WILDCARD_IN_PATH = /^https?:\/\/[^/?#@*\\]+\//i;
// Of /orders/../secret the pattern /orders/* would say yes, and the fetch of a ping would read /secret.
const DOT_SEGMENT = /[/\\](?:\.|%2e){1,2}(?:[/\\?]|$)/i;

function checkPattern(pattern: string, field: string): void {
  if (pattern === '*') return;
  const wildcards = pattern.split('*').length - 1;
  if (wildcards > 0 && !WILDCARD_IN_PATH.test(pattern)) {
    throw new WebSubError(
      'invalid_request',
      `${field} has a pattern that does not begin with a whole host: write https://host/* or *`,
    );
  }
  if (wildcards > MOST_WILDCARDS || pattern.length > URL_LENGTH_LIMIT) {
    throw new WebSubError(
      'invalid_request',
      `${field} has a pattern with more than ${MOST_WILDCARDS} wildcards or ${URL_LENGTH_LIMIT} characters: simplify it`,
    );
  }
  parseWebUrl(pattern.replaceAll('*', ''), field);
}

/** Compiled once; asked for each delivered entry (LAW 13), so what was found out of a topic is remembered. */
class PatternScope implements TopicScope {
  readonly #topics: ReadonlySet<string>;
  readonly #patterns: readonly (readonly string[])[];
  readonly #known = new Map<string, boolean>();

  constructor(patterns: readonly string[]) {
    this.#topics = new Set(patterns.filter((pattern) => !pattern.includes('*')));
    this.#patterns = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'));
  }

  includes(topic: string): boolean {
    if (this.#topics.has(topic)) return true;
    if (this.#patterns.length === 0) return false;
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    const found = !DOT_SEGMENT.test(topic) && this.#patterns.some((parts) => matches(parts, topic));
    // Topics may be a stranger's choice: forgotten as a whole, the memory stays bounded (LAW 8).
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
    this.#known.set(topic, found);
    return found;
  }
}

/** Whether the parts stand in the topic in this order, the first at its beginning and the last at its end. No backtracking. */
function matches(parts: readonly string[], topic: string): boolean {
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (!topic.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = topic.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return topic.length - last.length >= at && topic.endsWith(last);
}
