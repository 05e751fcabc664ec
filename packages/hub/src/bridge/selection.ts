import { topicAbout } from '../access/topic-about.js';
import type { HotTail } from '../log/hot-tail.js';
import type { LogContents, LogRead, Position, ReadLimit } from '../log/log.js';
import { matchesPattern, type UrlPattern } from './url-pattern.js';

const MOST_REMEMBERED = 1_000;

/** What follows a position among the topics that a reader follows; `skipped` when there is nothing up to `to`, but may be behind. */
export type Followed = LogRead | { readonly kind: 'skipped'; readonly to: Position };

/** The topics that a reader follows. */
export interface Selection {
  /** Topics named as they are. */
  readonly topics: readonly string[];
  /** Patterns that name further topics, as they were written. */
  readonly patterns: readonly string[];
  includes(topic: string): boolean;
  /** What follows, from memory; `undefined` when only the store can tell. */
  peek(log: HotTail, after: Position, limit: ReadLimit): Followed | undefined;
  /** What follows. Rejects when the store fails. */
  read(log: HotTail, after: Position, limit: ReadLimit): Promise<Followed>;
  /** The place from which reading gives the newest `count` entries, or all that are kept. */
  last(log: HotTail, count: number): Promise<Position>;
}

export function selectionOf(topics: readonly string[], patterns: readonly UrlPattern[]): Selection {
  const distinct = [...new Set(topics)];
  if (patterns.length > 0) return new PatternSelection(distinct, patterns);
  const [only] = distinct;
  return distinct.length === 1 && only !== undefined ? oneTopic(only) : new TopicList(distinct);
}

/** One object for all who read the topic: thousands follow the same. */
const ONE_TOPICS = new Map<string, OneTopic>();

function oneTopic(topic: string): OneTopic {
  const known = ONE_TOPICS.get(topic);
  if (known !== undefined) return known;
  const selection = new OneTopic(topic);
  // Topics are a client's choice: forgotten as a whole, the memory stays bounded (LAW 8).
  if (ONE_TOPICS.size >= MOST_REMEMBERED) ONE_TOPICS.clear();
  ONE_TOPICS.set(topic, selection);
  return selection;
}

/** One topic: what was read ahead of it is shared with deliveries and other readers. */
class OneTopic implements Selection {
  readonly topics: readonly string[];
  readonly patterns = [];
  readonly #topic: string;

  constructor(topic: string) {
    this.#topic = topic;
    this.topics = [topic];
  }

  includes(topic: string): boolean {
    return topic === this.#topic;
  }

  peek(log: HotTail, after: Position, limit: ReadLimit): Followed | undefined {
    return log.peek(this.topics, after, limit);
  }

  async read(log: HotTail, after: Position, limit: ReadLimit): Promise<Followed> {
    const found = await log.fetch(this.#topic, after);
    if (found === 'caught-up') return { kind: 'caught-up' };
    if ('gap' in found) return { kind: 'gap', resume: found.gap };
    return log.peek(this.topics, after, limit) ?? { kind: 'entries', entries: [found] };
  }

  last(log: HotTail, count: number): Promise<Position> {
    return log.last(this.topics, count);
  }
}

class TopicList implements Selection {
  readonly topics: readonly string[];
  readonly patterns = [];
  readonly #set: ReadonlySet<string>;

  constructor(topics: readonly string[]) {
    this.topics = topics;
    this.#set = new Set(topics);
  }

  includes(topic: string): boolean {
    return this.#set.has(topic);
  }

  peek(log: HotTail, after: Position, limit: ReadLimit): Followed | undefined {
    return log.peek(this.topics, after, limit);
  }

  read(log: HotTail, after: Position, limit: ReadLimit): Promise<Followed> {
    return log.read(this.topics, after, limit);
  }

  last(log: HotTail, count: number): Promise<Position> {
    return log.last(this.topics, count);
  }
}

/** Entries of the contents that are looked at in one step. */
const LOOKED_AT = 512;

/** Topics by patterns, besides those that are named: found in the contents of the log, since new ones may come at any time. */
class PatternSelection implements Selection {
  readonly topics: readonly string[];
  readonly patterns: readonly string[];
  readonly #set: ReadonlySet<string>;
  readonly #patterns: readonly UrlPattern[];
  readonly #known = new Map<string, boolean>();

  constructor(topics: readonly string[], patterns: readonly UrlPattern[]) {
    this.topics = topics;
    this.#set = new Set(topics);
    this.#patterns = patterns;
    this.patterns = patterns.map(({ text }) => text);
  }

  includes(topic: string): boolean {
    if (this.#set.has(topic)) return true;
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    // Topics of the hub's own are read by whoever names them.
    const found =
      topicAbout(topic) === topic && this.#patterns.some((pattern) => matchesPattern(pattern, topic));
    // Topics are a publisher's choice: forgotten as a whole, the memory stays bounded (LAW 8).
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
    this.#known.set(topic, found);
    return found;
  }

  peek(log: HotTail, after: Position, limit: ReadLimit): Followed | undefined {
    const contents = log.peekContents(after, LOOKED_AT);
    if (contents === undefined) return undefined;
    const wanted = this.#wanted(contents, limit);
    return 'kind' in wanted ? wanted : log.peek(wanted.topics, after, wanted.limit);
  }

  async read(log: HotTail, after: Position, limit: ReadLimit): Promise<Followed> {
    const wanted = this.#wanted(await log.contentsAfter(after, LOOKED_AT), limit);
    return 'kind' in wanted ? wanted : log.read(wanted.topics, after, wanted.limit);
  }

  async last(log: HotTail, count: number): Promise<Position> {
    let left = count;
    let through = log.head();
    // Each round goes further back, to the beginning at most.
    for (;;) {
      const contents = await log.contentsThrough(through, LOOKED_AT);
      for (const { topic, position } of contents) {
        if (!this.includes(topic)) continue;
        if (left === 0) return position;
        left -= 1;
      }
      const oldest = contents.at(-1);
      if (oldest === undefined || contents.length < LOOKED_AT) return log.earliest();
      const before = await log.contentsThrough(oldest.position, 2);
      if (before[1] === undefined) return log.earliest();
      through = before[1].position;
    }
  }

  /** What to read so that exactly the wanted ones of these come, or what is known without reading. */
  #wanted(
    contents: LogContents,
    limit: ReadLimit,
  ): Followed | { readonly topics: readonly string[]; readonly limit: ReadLimit } {
    if (contents.kind !== 'entries') return contents;
    const wanted = contents.entries.filter(({ topic }) => this.includes(topic)).slice(0, limit.entries);
    if (wanted.length === 0) return { kind: 'skipped', to: contents.entries.at(-1)!.position };
    return {
      topics: [...new Set(wanted.map(({ topic }) => topic))],
      limit: { ...limit, entries: wanted.length },
    };
  }
}
